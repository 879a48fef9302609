"""What Python programs and notebooks use: trains, loads, measures and animates runs.

The settings of a training and the options of an animation are keyword arguments with the names of the command line's
options. In a notebook, progress is shown, and the results show themselves.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Unpack

from flowgif import names, session
from flowgif.animation.animate import Animated, find_versions
from flowgif.animation.animate import animate as animate_flows
from flowgif.animation.config import AnimationConfig
from flowgif.animation.options import check_keywords, describe_command, make_config, read_options, read_times
from flowgif.animation.stills import draw_stills
from flowgif.config.reading import group_keywords
from flowgif.config.schema import RunConfig
from flowgif.drawing.colours import Look
from flowgif.errors import UnusableInput
from flowgif.evaluation.gap import Report
from flowgif.evaluation.gap import evaluate as evaluate_flow
from flowgif.flows.base import Flow
from flowgif.keywords import DrawingKeywords, TrainingKeywords
from flowgif.machine.device import use_threads
from flowgif.notebook import NotebookProgress
from flowgif.runs.directory import Run
from flowgif.runs.layout import check_outputs, read_whole
from flowgif.runs.settings import default_output, new_run, settings_to_resume
from flowgif.session import Reporter
from flowgif.targets.mixture import GaussianMixture

__all__ = ["Loaded", "animate", "check_versions", "load", "resume", "train"]

Place = str | Path


@dataclass(frozen=True, eq=False)
class Loaded:
    """A run as Python objects.

    Attributes:
        run: the run's directory and settings.
        flow: ``log_prob(x)``, ``sample(n, generator=...)``, ``path(z, times)``; on the CPU, without gradients.
        target: ``sample``, ``log_prob``, ``entropy``; a picture's target has ``to_pixels`` and ``from_pixels`` too.
    """

    run: Run
    flow: Flow
    target: GaussianMixture

    @property
    def folder(self) -> Path:
        """The run directory."""
        return self.run.folder

    @property
    def config(self) -> RunConfig:
        """All settings of the run."""
        return self.run.config

    @property
    def metrics(self) -> list[dict[str, float]]:
        """The course of the training: rows with 'step' and 'seconds', and 'loss', or 'gap' and 'gap_se' (nats)."""
        return self.run.read_metrics()

    @property
    def gap(self) -> float | None:
        """The gap at the end of the training, nats; None if it was not measured. :meth:`evaluate` measures it anew."""
        return next((row["gap"] for row in reversed(self.metrics) if "gap" in row), None)

    def animate(
        self,
        out: Place | Sequence[Place] | None = None,
        *,
        poster: Place | None = None,
        quiet: bool = False,
        **options: Unpack[DrawingKeywords],
    ) -> Animated:
        """Writes the animation in which the cloud flows into the picture; see :func:`animate`."""
        return animate([self], out, poster=poster, quiet=quiet, **options)

    def stills(
        self,
        out: Place | None = None,
        times: str | Sequence[float] = (0.0, 0.25, 0.5, 0.75, 1.0),
        *,
        quiet: bool = False,
        **options: Unpack[DrawingKeywords],
    ) -> Animated:
        """Writes one PNG with a row of frames.

        Args:
            out: the file; by default NAME-stills.png in the run directory.
            times: flow times from 0 (the cloud) to 1 (the picture); 'layers' for the end of each layer.
            quiet: whether to show no progress in a notebook.
            options: the look, as for :func:`animate`.

        Raises:
            UnusableInput: an option is unknown or cannot be used, or the file cannot be written.
        """
        config = _read_drawing({"times": times}, options)
        path = self.folder / f"{self.folder.resolve().name}-stills.png" if out is None else Path(out)
        check_versions([self], [path], config.look)
        with NotebookProgress(quiet) as progress:
            return draw_stills([(self.flow, self.target)], path, read_times(times, self.flow), config, progress)

    def evaluate(self, seed: int = 0, *, quiet: bool = False) -> Report:
        """Measures how well the flow fits its target.

        Args:
            seed: the seed of the points.
            quiet: whether to show no progress in a notebook.

        Returns:
            The figures that ``flowgif eval`` prints.

        Raises:
            NumericalError: the flow's density or inverse is not finite, or its training diverged.
        """
        with NotebookProgress(quiet) as progress, use_threads(None):
            progress.begin(f"evaluating {self.folder} ...")
            return evaluate_flow(self.flow, self.target, seed, progress.advance)

    def __repr__(self) -> str:
        return ", ".join(f"{name} {value}" for name, value in self._described().items())

    def _repr_html_(self) -> str:
        cells = (
            f"<tr><th style='text-align: left'>{html.escape(name)}</th>"
            f"<td style='text-align: left'>{html.escape(value)}</td></tr>"
            for name, value in self._described().items()
        )
        return f"<table>{''.join(cells)}</table>"

    def _described(self) -> dict[str, str]:
        rows = {"run": str(self.folder), "model": self.config.model.name, "target": self.run.source}
        if metrics := self.metrics:
            rows["steps"] = f"{metrics[-1]['step']:.0f}"
        if self.gap is not None:
            rows["gap"] = f"{self.gap:.4f} nats"
        return rows


def _read_drawing(before: Mapping[str, object], options: Mapping[str, object], runs: int = 1) -> AnimationConfig:
    """Makes the settings of an animation of keyword arguments.

    Args:
        before: options that the file's comment names first.
        options: the keyword arguments.
        runs: number of runs.

    Raises:
        UnusableInput: an option is unknown, or its value cannot be used.
    """
    check_keywords(options)
    in_order = {name: options[name] for name in DrawingKeywords.__annotations__ if name in options}
    return make_config(read_options(options), describe_command(runs, {**before, **in_order}))


def check_versions(runs: Iterable[Loaded], outs: Iterable[Path], look: Look) -> None:
    """Checks that outputs, in each of a look's themes, do not replace what they are made from.

    Raises:
        UnusableInput: one does.
    """
    versions = [path for out in outs for path, _ in find_versions(out, look)]
    check_outputs((run.folder for run in runs), versions)


@use_threads(1)  # a target takes a tenth of a second, of which a second thread saves nothing
def load(folder: Place) -> Loaded:
    """Opens a run directory.

    Raises:
        UnusableInput: there is no run, or its files are broken.
    """

    def read() -> Loaded:
        run = Run.open(Path(folder))
        return Loaded(run, run.flow(), run.target())

    return read_whole(Path(folder), read)


def train(
    picture: Place | None = None,
    *,
    out: Place | None = None,
    config: Place | None = None,
    force: bool = False,
    quiet: bool = False,
    reporter: Reporter | None = None,
    **settings: Unpack[TrainingKeywords],
) -> Loaded:
    """Fits a flow to a picture or a data set, and keeps it in a run directory.

    Args:
        picture: the path of a picture, as ``img``; or the name of a data set, as ``data``, if no such file exists.
        out: the run directory; by default runs/ and the picture's, the data set's or the config's name.
        config: a TOML file with settings, which keyword arguments override.
        force: whether a run that is there may be replaced.
        quiet: whether to show no progress in a notebook.
        reporter: receives messages and progress in the place of the notebook.
        settings: the settings, by the names of the command line's options and of a config file's keys.

    Raises:
        UnusableInput: a setting is unknown or cannot be used, or the picture, data set or directory cannot.
        NumericalError: the training diverged; the last finite weights are stored.
        Interrupted: the user stopped it; the state is stored, so :func:`resume` can continue.
    """
    given: dict[str, object] = dict(settings)
    if picture is not None:
        name = "data" if str(picture) in names.DATA_SETS and not Path(picture).exists() else "img"
        if given.setdefault(name, picture) != picture:
            raise UnusableInput(f"two pictures or data sets: {picture} and {name}={given[name]}; give one")
    run_config, folder = new_run(
        None if config is None else Path(config), group_keywords(given), None if out is None else Path(out)
    )
    with NotebookProgress(quiet) as progress:
        trained = session.train(run_config, folder, force, reporter or progress)
        (reporter or progress).say(trained.summary)
    return load(folder)


def resume(
    folder: Place, *, quiet: bool = False, reporter: Reporter | None = None, **settings: Unpack[TrainingKeywords]
) -> Loaded:
    """Goes on with a training that was stopped.

    Args:
        folder: the run directory.
        quiet, reporter: as for :func:`train`.
        settings: another end (``steps``, ``time_budget``, ``epochs``) or ``device``.

    Raises:
        UnusableInput: there is no run, or a setting contradicts it.
        NumericalError, Interrupted: as for :func:`train`.
    """
    folder = Path(folder)
    run_config = settings_to_resume(folder, group_keywords(dict(settings)))
    with NotebookProgress(quiet) as progress:
        trained = session.resume(folder, run_config, reporter or progress)
        (reporter or progress).say(trained.summary)
    return load(folder)


def animate(
    runs: Sequence[Loaded | Place],
    out: Place | Sequence[Place] | None = None,
    *,
    poster: Place | None = None,
    quiet: bool = False,
    **options: Unpack[DrawingKeywords],
) -> Animated:
    """Writes the animation of a run, or of several from picture to picture.

    Args:
        runs: runs, or their directories.
        out: a file, a folder or a pattern of names, whose suffix decides the format; or several, which all show
            the same drawing. By default NAME.gif in the last run's directory.
        poster: a PNG of the picture at the end.
        quiet: whether to show no progress in a notebook.
        options: the look and the pace, by the names of the command line's options.

    Returns:
        The files that were written. It shows the first one in a notebook.

    Raises:
        UnusableInput: an option is unknown or cannot be used, or a file cannot be written.
        CheckFailed: a file cannot be made small enough.
        NumericalError: a flow cannot be integrated.
    """
    if not runs:
        raise UnusableInput("no run to animate; give at least one")
    config = _read_drawing({}, options, len(runs))
    loaded = [run if isinstance(run, Loaded) else load(run) for run in runs]
    if out is None:
        outs = [default_output(loaded[-1].folder)]
    else:
        outs = [Path(out)] if isinstance(out, (str, Path)) else [Path(path) for path in out]
    written = [*outs, *([] if poster is None else [Path(poster)])]
    check_versions(loaded, written, config.look)
    with NotebookProgress(quiet) as progress:
        done = animate_flows(
            [(run.flow, run.target) for run in loaded],
            outs,
            config,
            None if poster is None else Path(poster),
            progress,
        )
        for remark in done.remarks:
            progress.say(remark)
    return done
