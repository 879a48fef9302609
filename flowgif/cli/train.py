"""``flowgif train``."""

from __future__ import annotations

import select
import shlex
import sys
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flowgif import names
from flowgif.cli.answers.bounds import check_bound, hold_to_bound
from flowgif.cli.answers.many import do_many
from flowgif.cli.options import (
    MANY,
    OUTPUT,
    Cluster,
    Json,
    MaxGap,
    Quiet,
    SkipExisting,
    Workers,
    values_by_option,
)
from flowgif.cli.progress import Progress
from flowgif.errors import UnusableInput
from flowgif.files.reading import STDIN

if TYPE_CHECKING:
    from flowgif.batch.commands import Training
    from flowgif.config.schema import RunConfig
    from flowgif.runs.finished import Finished
    from flowgif.session import Trained

__all__ = ["train"]

PATIENCE = 1.0  # seconds without a byte before a command says that it waits

_target = partial(typer.Option, rich_help_panel="What is fitted")
_training = partial(typer.Option, rich_help_panel="How it is fitted")
_output = partial(typer.Option, rich_help_panel=OUTPUT)


def train(
    context: typer.Context,
    pictures: Annotated[
        list[Path] | None,
        typer.Argument(help="Pictures whose ink is fitted; as --img.", metavar="PICTURE", show_default=False),
    ] = None,
    img: Annotated[
        list[Path] | None,
        _target(
            help="A picture, SVG files too; - reads it from stdin. A folder or a pattern, as 'icons/*.svg', or several "
            "--img make a run of each.",
            metavar="PICTURE",
            show_default=False,
        ),
    ] = None,
    text: Annotated[
        str | None, _target(help=r"A text in its place; a typed \n starts a new line.", show_default=False)
    ] = None,
    font: Annotated[Path | None, _target(help="The text's font, a .ttf or .otf file.", show_default=False)] = None,
    data: Annotated[
        str | None,
        _target(help=f"Or a data set: {names.DATA_SETS}.", autocompletion=names.DATA_SETS.complete),
    ] = None,
    noise: Annotated[float | None, _target(help="Its noise, in its own units.")] = None,
    ink: Annotated[
        str | None,
        _target(help=f"What counts as ink: {names.INKS.with_default}.", autocompletion=names.INKS.complete),
    ] = None,
    invert: Annotated[
        bool | None, _target("--invert/--no-invert", help="Older words for --ink light and --ink dark.")
    ] = None,
    threshold: Annotated[
        float | None, _target(help="From 0 to 1: at least this much ink counts fully, less not at all.")
    ] = None,
    frame: Annotated[int | None, _target(help="Of an animation or several pages (default: 1, the first).")] = None,
    max_side: Annotated[
        int | None, _target(help="Shrink a larger picture to this many pixels (default: 1024; SVGs and texts: 512).")
    ] = None,
    config: Annotated[Path | None, _training(help="A TOML file with these settings; flags win.")] = None,
    model: Annotated[
        str | None,
        _training(help=f"The flow: {names.MODELS.with_default}.", autocompletion=names.MODELS.complete),
    ] = None,
    objective: Annotated[
        str | None,
        _training(help=f"{names.OBJECTIVES} (default: by model).", autocompletion=names.OBJECTIVES.complete),
    ] = None,
    steps: Annotated[int | None, _training(help="Number of steps (default: by objective).")] = None,
    time_budget: Annotated[str | None, _training(help="Train for this long instead: 30s, 2m, 1h.")] = None,
    epochs: Annotated[int | None, _training(help="Or for so many passes over --samples points.")] = None,
    samples: Annotated[int | None, _training(help="See only that many points of the target (likelihood).")] = None,
    batch_size: Annotated[int | None, _training(help="Points a step.")] = None,
    lr: Annotated[float | None, _training(help="Learning rate.")] = None,
    from_run: Annotated[
        Path | None, _training("--from", help="Start from this run's weights (and its target).")
    ] = None,
    kinetic: Annotated[float | None, _training(help="Weight of ffjord's kinetic energy (likelihood).")] = None,
    jacobian: Annotated[float | None, _training(help="Weight of ffjord's Jacobian norm (likelihood).")] = None,
    divergence: Annotated[str | None, _training(help="ffjord's: exact (default) or hutchinson (likelihood).")] = None,
    l2: Annotated[float | None, _training("--l2", help="Weight of the networks' squared weights.")] = None,
    seed: Annotated[int | None, _training(help="Same seed, same weights (default: 0).")] = None,
    device: Annotated[
        str | None,
        _training(help=f"{names.DEVICES.with_default}.", autocompletion=names.DEVICES.complete),
    ] = None,
    out: Annotated[
        Path | None,
        _output(
            help="The run directory (default: runs/ and the picture's, data set's or config's name); of several runs "
            "the folder that they go to."
        ),
    ] = None,
    force: Annotated[bool, _output("--force", help="Replace the run that is there.")] = False,
    resume: Annotated[bool, _output("--resume", help="Go on with the run that is there.")] = False,
    seeds: Annotated[
        str | None,
        typer.Option(help="Train as often, with these seeds: 0-7, or 0,3,5.", rich_help_panel=MANY, show_default=False),
    ] = None,
    skip_existing: SkipExisting = False,
    workers: Workers = None,
    cluster: Cluster = None,
    max_gap: MaxGap = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Fit a flow to a picture, a text or a data set; prints the run directory, or a table of several."""
    from flowgif.batch.inputs import are_many_pictures
    from flowgif.config.reading import group_options
    from flowgif.runs.finished import Finished, find_finished, fingerprint_of
    from flowgif.runs.settings import default_folder, new_run, newest_run, settings_to_resume

    given = _pictures(pictures, img)
    flags = group_options({**values_by_option(context), "--img": None})
    check_bound("--max-gap", max_gap)
    if are_many_pictures(given) or seeds is not None or workers is not None or cluster is not None:
        if resume:
            raise UnusableInput("--resume goes on with one run; --skip-existing trains what is missing")
        trainings = _trainings(given, seeds, flags, config, out)
        _train_many(trainings, (workers, cluster, skip_existing), force, max_gap, as_json, quiet)
        return
    progress = Progress(quiet)
    one = given[0] if given else None
    _say_what_is_waited_for((one, font, config), progress)
    flags["target"]["img"] = one
    names_target = any(target is not None for target in (one, text, data))
    if resume:
        _refuse_with_resume(force, config)
        folder = out or (default_folder(one, data, text=text) if names_target else newest_run())
        settings = settings_to_resume(folder, flags)
    else:
        settings, folder = new_run(config, flags, out)
        if skip_existing and (done := find_finished(folder, fingerprint_of(settings))) is not None:
            progress.say(f"{folder} was trained from the same before; nothing to do")
            _answer(folder, done, as_json, max_gap)
            return
    with progress:
        trained = _run(settings, folder, force, resume, progress)
        progress.say(f"{trained.summary}; now: flowgif animate {shlex.quote(str(folder))}")
    gap = trained.gap
    _answer(folder, Finished(trained.steps, trained.seconds, gap.gap, gap.standard_error), as_json, max_gap)


def _pictures(pictures: list[Path] | None, img: list[Path] | None) -> list[Path]:
    """Returns the pictures that are given, with or without --img."""
    given = [*(pictures or []), *(img or [])]
    for picture in pictures or []:
        if str(picture) in names.DATA_SETS and not picture.exists():
            raise UnusableInput(f"no such picture: {picture}; for the data set: --data {picture}")
    return given


def _trainings(
    given: list[Path], seeds: str | None, flags: dict[str, dict[str, object]], config: Path | None, out: Path | None
) -> list[Training]:
    """Returns the trainings of several pictures, several seeds, or both.

    Raises:
        UnusableInput: a picture, a seed or a setting cannot be used.
    """
    from flowgif.batch.commands import Training
    from flowgif.batch.inputs import find_pictures, names_for, read_seeds
    from flowgif.runs.settings import RUNS, new_run

    pictures = find_pictures(given)
    numbers = [None] if seeds is None else read_seeds(seeds)
    if seeds is not None and flags["training"]["seed"] is not None:
        raise UnusableInput("--seed and --seeds are given; leave one of them out")
    trainings: list[Training] = []
    for picture, name in zip(pictures, names_for(pictures), strict=True) if pictures else [(None, None)]:
        for seed in numbers:
            tables = {**flags, "target": {**flags["target"], "img": picture}}
            if seed is not None:
                tables["training"] = {**flags["training"], "seed": seed}
            settings, folder = new_run(config, tables, None)
            named = (name or folder.name) + ("" if seed is None else f"-seed-{seed}")
            trainings.append(Training(named, settings, (out or RUNS) / named))
    return trainings


def _train_many(
    trainings: list[Training],
    how: tuple[int | None, str | None, bool],
    force: bool,
    max_gap: float | None,
    as_json: bool,
    quiet: bool,
) -> None:
    from flowgif.batch.commands import train_all
    from flowgif.batch.rows import Batch, Row

    def do(progress: Progress) -> list[Row]:
        return [row.held_to(max_gap) for row in train_all(trainings, Batch(*how), force, progress)]

    do_many(do, quiet, as_json)


def _say_what_is_waited_for(inputs: Iterable[Path | None], progress: Progress) -> None:
    """Says which inputs are pipes from which nothing has come yet: without a word, waiting would look like a fault."""
    for path in inputs:
        if path == STDIN and sys.stdin is not None and sys.platform != "win32":  # pyright: ignore[reportUnnecessaryComparison]
            with suppress(OSError, ValueError):  # it is closed, or no stream of the system's
                if not sys.stdin.isatty() and not select.select([sys.stdin], [], [], PATIENCE)[0]:
                    progress.say("waiting for a picture from stdin ...")
        elif path is not None and path.is_fifo():
            progress.say(f"waiting for {path}, which is a pipe ...")


def _refuse_with_resume(force: bool, config: Path | None) -> None:
    if force or config is not None:
        other = "--force" if force else "--config"
        raise UnusableInput(f"--resume goes on with what the run's config says; leave {other} out")


def _run(settings: RunConfig, folder: Path, force: bool, resume: bool, progress: Progress) -> Trained:
    progress.begin("loading PyTorch ...")
    from flowgif import session

    if resume:
        return session.resume(folder, settings, progress)
    return session.train(settings, folder, force, progress)


def _answer(folder: Path, done: Finished, as_json: bool, max_gap: float | None) -> None:
    """Prints what a training gave, and holds it to a bound."""
    from flowgif.cli.answers.models import TrainAnswer

    typer.echo(TrainAnswer(run=str(folder), **asdict(done)).line() if as_json else str(folder))
    hold_to_bound("gap", done.gap, max_gap)
