"""``flowgif train``."""

from __future__ import annotations

import json
import select
import shlex
import sys
from collections.abc import Iterable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flowgif import names
from flowgif.cli.options import OUTPUT, Json, Quiet, values_by_option
from flowgif.cli.progress import Progress
from flowgif.errors import UnusableInput
from flowgif.files.reading import STDIN

if TYPE_CHECKING:
    from flowgif.config.schema import RunConfig
    from flowgif.session import Trained

__all__ = ["train"]

PATIENCE = 1.0  # seconds without a byte before a command says that it waits

_target = partial(typer.Option, rich_help_panel="What is fitted")
_training = partial(typer.Option, rich_help_panel="How it is fitted")
_output = partial(typer.Option, rich_help_panel=OUTPUT)


def train(
    context: typer.Context,
    picture: Annotated[
        Path | None,
        typer.Argument(help="A picture whose ink is fitted; as --img.", metavar="PICTURE", show_default=False),
    ] = None,
    img: Annotated[
        Path | None,
        _target(help="A picture, SVG files too; - reads it from stdin.", metavar="PICTURE", show_default=False),
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
        _output(help="The run directory (default: runs/ and the picture's, data set's or config's name)."),
    ] = None,
    force: Annotated[bool, _output("--force", help="Replace the run that is there.")] = False,
    resume: Annotated[bool, _output("--resume", help="Go on with the run that is there.")] = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Fit a flow to a picture, a text or a data set; prints the run directory."""
    from flowgif.config.reading import group_options
    from flowgif.runs.settings import default_folder, new_run, newest_run, settings_to_resume

    img = _one_picture(picture, img)
    progress = Progress(quiet)
    _say_what_is_waited_for((img, font, config), progress)
    flags = group_options({**values_by_option(context), "--img": img})
    names_target = any(target is not None for target in (img, text, data))
    if resume:
        _refuse_with_resume(force, config)
        folder = out or (default_folder(img, data, text=text) if names_target else newest_run())
        settings = settings_to_resume(folder, flags)
    else:
        settings, folder = new_run(config, flags, out)
    with progress:
        trained = _run(settings, folder, force, resume, progress)
        progress.say(f"{trained.summary}; now: flowgif animate {shlex.quote(str(folder))}")
    typer.echo(json.dumps(_answer(trained)) if as_json else str(folder))


def _one_picture(picture: Path | None, img: Path | None) -> Path | None:
    """Returns the picture that is given, with or without --img."""
    if picture is not None and img is not None:
        raise UnusableInput(f"two pictures, {picture} and --img {img}; give one of them")
    if picture is not None and str(picture) in names.DATA_SETS and not picture.exists():
        raise UnusableInput(f"no such picture: {picture}; for the data set: --data {picture}")
    return img if picture is None else picture


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


def _answer(trained: Trained) -> dict[str, Any]:
    gap = {"gap": trained.gap.gap, "gap_se": trained.gap.standard_error}
    return {"run": str(trained.run.folder), "steps": trained.steps, "seconds": trained.seconds, **gap}
