"""Animates trained flows: :func:`animate` draws once and writes all requested outputs."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from flowgif.animation.config import AnimationConfig
from flowgif.animation.film import record_film
from flowgif.animation.motion import integrate
from flowgif.animation.particle_film import make_particle_film
from flowgif.animation.reporter import SILENT, DrawingReporter
from flowgif.drawing.colours import Look
from flowgif.drawing.placing import place_runs
from flowgif.drawing.styles.base import Style
from flowgif.drawing.styles.table import STYLES
from flowgif.drawing.trajectories import Trajectories
from flowgif.flows.base import Flow
from flowgif.formats.film import Film
from flowgif.formats.notebook import mime_bundle
from flowgif.formats.table import (
    VectorFormat,
    Written,
    check_output,
    check_rate,
    check_still,
    check_transparency,
    find_format,
    write_output,
    write_still,
)
from flowgif.formats.vector.particles import ParticleFilm
from flowgif.machine.device import use_threads
from flowgif.targets.mixture import GaussianMixture
from flowgif.timeline import Pace, Timeline, make_timeline

__all__ = ["Animated", "animate", "find_versions"]


@dataclass(frozen=True)
class Animated:
    """The result of :func:`animate`.

    Attributes:
        files: the outputs in the order of ``outs``, then the posters.
        frames, seconds: number of frames and duration of the animation as it was drawn.
        remarks: sentences: the style's remarks, then the quality that was given up for each file's size.
        posters: those of ``files`` that show the picture at the end, none, one, or one in each theme.
    """

    files: tuple[Written, ...]
    frames: int
    seconds: float
    remarks: tuple[str, ...]
    posters: tuple[Written, ...] = ()

    @property
    def path(self) -> Path:
        """The first output."""
        return self.files[0].path

    @property
    def paths(self) -> tuple[Path, ...]:
        """All outputs."""
        return tuple(file.path for file in self.files)

    @property
    def bytes(self) -> int:
        """The size of the first output."""
        return self.files[0].bytes

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        """Shows the first output in a notebook."""
        return mime_bundle(self.path)


@use_threads(1)  # parts of the particles, and frames, are computed at the same time, each by one thread
def animate(
    runs: Sequence[tuple[Flow, GaussianMixture]],
    outs: Sequence[Path],
    config: AnimationConfig = AnimationConfig(),
    poster: Path | None = None,
    reporter: DrawingReporter = SILENT,
    show: Callable[[Film], None] | None = None,
) -> Animated:
    """Maps base points through one flow, or from picture to picture through several, and writes the animation.

    Args:
        runs: flows, each with the target that it was fitted to; the target only decides the frame, the particles' size
            and, if requested, their colours.
        outs: files in any format, each written whole or not at all; all show the same drawing. If the look is paired,
            NAME-light and NAME-dark take the place of each file that cannot follow its reader's theme.
        config: content and look of the animation.
        poster: a PNG of the picture at the end, or a pair of them.
        reporter: receives progress; silent by default.
        show: receives the frames after all files are written; they are closed afterwards.

    Raises:
        UnusableInput: a file cannot be written, or the style cannot show these runs.
        CheckFailed: a file cannot be made small enough.
    """
    outputs = [
        (path, check_output(path, config.limits), look)
        for out in outs
        for path, look in find_versions(out, config.look)
    ]
    for _, row, _ in outputs:
        check_rate(row, config.pace.fps)
        if config.look.transparent:
            check_transparency(row)
    posters: list[tuple[Path, Look]] = []
    if poster is not None:
        check_still(poster, "--poster")
        posters = find_versions(poster, config.look)
    timeline = _make_timeline(config.pace, [flow for flow, _ in runs])
    placed = place_runs(runs, config.side)
    with ExitStack() as stack:

        @functools.cache
        def style_in(look: Look) -> Style:
            return STYLES[config.style](placed, look)

        style = style_in(config.look)
        points = style.as_points()

        # Files in both themes, and a page and frames of the same particles, share one integration, which is expensive.
        @functools.cache
        def motion_of(style: Style, count: int | None) -> Trajectories:
            return stack.enter_context(integrate(style, timeline.moments, count, config.seed, reporter))

        @functools.cache
        def film_in(look: Look) -> Film:
            motion = motion_of(style, config.points)
            return stack.enter_context(record_film(style_in(look), motion, timeline, config, reporter))

        @functools.cache
        def particles_of(most: int) -> ParticleFilm:
            count = config.points if points is style else min(config.points or most, most)
            return make_particle_film(points, motion_of(points, count), timeline, config, most)

        contents = [
            particles_of(row.own_limits.particles) if isinstance(row, VectorFormat) else film_in(look)
            for _, row, look in outputs
        ]
        films = [film_in(look) for _, look in posters]
        written: list[Written] = []
        for (path, _, _), content in zip(outputs, contents, strict=True):
            reporter.begin(f"writing {path} ...")
            written.append(write_output(path, content, config.limits))
        frame = timeline.last_picture
        stills = [
            write_still(path, film.frame(frame), film.colours, film.comment)
            for (path, _), film in zip(posters, films, strict=True)
        ]
        if show is not None:
            show(film_in(config.look))
        remarks = list(dict.fromkeys(remark for _, _, look in outputs for remark in style_in(look).remarks))
    for (path, row, _), file in zip(outputs, written, strict=True):
        most = row.own_limits.particles if isinstance(row, VectorFormat) else None
        if most is not None and config.points is not None and config.points > most:
            remarks.append(f"{path}: {config.points} -> {most} particles")
        if file.given_up:
            remarks.append(f"{path}: {file.given_up}")
    return Animated((*written, *stills), len(timeline.moments), timeline.seconds, tuple(remarks), tuple(stills))


def find_versions(out: Path, look: Look) -> list[tuple[Path, Look]]:
    """Returns the files that take an output's place, each with its look: itself, or a light one and a dark one."""
    if not look.paired or look.dark is None or isinstance(find_format(out), VectorFormat):
        return [(out, look)]
    return [(_in_theme(out, name), one) for name, one in (("light", look), ("dark", look.dark))]


def _in_theme(out: Path, theme: str) -> Path:
    named = out if out.name else out.resolve()  # as of the current folder
    return named.with_name(f"{named.stem}-{theme}{named.suffix}")


def _make_timeline(pace: Pace, flows: Sequence[Flow]) -> Timeline:
    """Makes the timeline; the flow with the most layers decides all values that ``pace`` leaves open."""
    leading = max(flows, key=lambda flow: len(flow.layer_ends()))
    return make_timeline(pace, len(flows), len(leading.layer_ends()), leading.default_easing)
