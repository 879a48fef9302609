"""``flowgif animate``."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flowgif import names
from flowgif.animation.options import describe_command, make_config, read_options, read_times
from flowgif.cli.options import OUTPUT, Json, Quiet
from flowgif.cli.progress import Progress
from flowgif.errors import UnusableInput

if TYPE_CHECKING:
    from flowgif.animation.animate import Animated

__all__ = ["animate"]

# Titles of help panels.
LOOK, TIMING = "Look", "Timing"
_output, _look, _timing = (partial(typer.Option, rich_help_panel=panel) for panel in (OUTPUT, LOOK, TIMING))

# Options that do not affect the drawing: input, output and messages.
NOT_DRAWN = {"runs", "out", "poster", "stills", "as_json", "quiet"}
NOT_FOR_STILLS = {"out", "poster", "max_size", "preset"}  # in addition to the options of the panel TIMING


def animate(
    context: typer.Context,
    runs: Annotated[
        list[Path] | None,
        typer.Argument(
            help="A run directory (default: the newest in runs/). Several: from picture to picture.",
            metavar="RUN",
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        list[Path] | None,
        _output(
            "-o",
            "--out",
            help=f"{', '.join(names.SUFFIXES)}, a folder/ or frame-%04d.png for single frames; "
            "may be repeated (default: RUN/NAME.gif).",
            show_default=False,
        ),
    ] = None,
    poster: Annotated[Path | None, _output(help="Also a PNG of the picture at the end.")] = None,
    stills: Annotated[Path | None, _output(help="Instead: a PNG with a row of frames.")] = None,
    times: Annotated[
        str, _output(help="Theirs: numbers from 0 to 1 with commas between, or layers.")
    ] = "0,.25,.5,.75,1",
    max_size: Annotated[
        str | None, _output(help="As 128KB: give up colours, then frames, then pixels until a file fits.")
    ] = None,
    preset: Annotated[
        str | None,
        _output(help=f"{names.PRESETS}: size, bytes and frames.", autocompletion=names.PRESETS.complete),
    ] = None,
    style: Annotated[str, _look(help=f"{names.STYLES}.", autocompletion=names.STYLES.complete)] = "points",
    size: Annotated[int | None, _look(help="Pixels of the longer side (default: 480; panels: 960).")] = None,
    points: Annotated[int | None, _look(help="Number of particles (default: by style).")] = None,
    theme: Annotated[str, _look(help=f"{names.THEMES}.", autocompletion=names.THEMES.complete)] = "light",
    fg: Annotated[str | None, _look("--fg", help="Colour of the ink, as '#1c4e94' or navy.")] = None,
    bg: Annotated[str | None, _look("--bg", help="Colour of the background.")] = None,
    cmap: Annotated[
        str | None,
        _look(
            help=f"Colours of a density: {names.CMAPS}; also any map of the cmap library, as viridis.",
            autocompletion=names.CMAPS.complete,
        ),
    ] = None,
    color: Annotated[
        str | None, _look(help="source: each particle has the colour of the picture where it ends.")
    ] = None,
    transparent: Annotated[bool, _look("--transparent", help="A background that is see-through.")] = False,
    caption: Annotated[bool, _look("--caption", help="The layer's number, or the time, below the picture.")] = False,
    seed: Annotated[int, _look(min=0, max=2**40, help="Of the particles; same seed, same bytes.")] = 0,
    frames: Annotated[int | None, _timing(help="From the cloud to the picture (default: about 60).")] = None,
    frames_per_layer: Annotated[int | None, _timing(help="Or from the end of a layer to that of the next.")] = None,
    duration: Annotated[float | None, _timing(help="Or the seconds from the cloud to the picture.")] = None,
    fps: Annotated[float, _timing(help="Frames a second, at most 50 in a GIF.")] = 25.0,
    hold: Annotated[
        str, _timing(help="Seconds that the picture stays; 0.5,1.2 for the first frame and the picture.")
    ] = "1.2",
    easing: Annotated[
        str | None,
        _timing(help=f"{names.EASINGS} (default: smooth, with layers linear).", autocompletion=names.EASINGS.complete),
    ] = None,
    bounce: Annotated[bool, _timing("--bounce", help="Also flow back to the cloud.")] = False,
    loop_back: Annotated[bool, _timing("--loop-back", help="After several runs back to the first.")] = False,
    loops: Annotated[int, _timing(help="How often it plays; 0 for ever.")] = 0,
    first_frame: Annotated[
        str, _timing(help="cloud, or logo: viewers that show one frame show the picture.")
    ] = "cloud",
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Write the GIF of a run: the cloud flows into the picture; prints its path."""
    with Progress(quiet) as progress:
        _refuse_unused(context)
        options = read_options(context.params)
        progress.begin("loading PyTorch ...")
        from flowgif.animation.animate import animate as write_all
        from flowgif.animation.stills import draw_stills
        from flowgif.api import load
        from flowgif.runs.settings import default_output, newest_run

        given = {name: context.params[name] for name in _given(context) if name not in NOT_DRAWN}
        config = make_config(options, describe_command(len(runs or [""]), given))
        folders = runs or [newest_run()]
        loaded = [load(folder) for folder in folders]
        pairs = [(run.flow, run.target) for run in loaded]
        if stills is not None:
            done = draw_stills(pairs, stills, read_times(times, loaded[0].flow), config, progress)
        else:
            outs = out or [default_output(folders[-1])]
            done = write_all(pairs, outs, config, poster, progress)
        for remark in done.remarks:
            progress.say(remark)
        if stills is None:
            progress.say(_summary(done))
    if as_json:
        typer.echo(_as_json(folders[0], done))
    else:
        for file in done.files:
            typer.echo(str(file.path))


def _refuse_unused(context: typer.Context) -> None:
    """Refuses options that would silently be left unused.

    Raises:
        UnusableInput: such an option is given with --stills, or --times is given without --stills.
    """
    given = _given(context)
    if "stills" not in given:
        if "times" in given:
            raise UnusableInput("--times goes with --stills; leave --times out, or add --stills row.png")
        return
    unused = [
        parameter.opts[0]
        for name, parameter in given.items()
        if name in NOT_FOR_STILLS or getattr(parameter, "rich_help_panel", None) == TIMING
    ]
    if unused:
        raise UnusableInput(f"--stills writes only a row of frames; leave out {names.listed(unused, 'and')}")


def _given(context: typer.Context) -> dict[str, Any]:
    """Returns the parameters given on the command line, by name, in the order of --help."""
    parameters = {parameter.name or "": parameter for parameter in context.command.params}
    return {
        name: parameter
        for name, parameter in parameters.items()
        if (source := context.get_parameter_source(name)) is not None and source.name == "COMMANDLINE"
    }


def _summary(done: Animated) -> str:
    sizes = ", ".join(f"{file.path.name} {file.bytes / 1e6:.2f} MB" for file in done.files)
    return f"{done.frames} frames, {done.seconds:g} s: {sizes}"


def _as_json(run: Path, done: Animated) -> str:
    first = done.files[0]
    return json.dumps(
        {
            "run": str(run),
            "gif": str(first.path),
            "frames": done.frames,
            "seconds": done.seconds,
            "bytes": first.bytes,
            "files": [{"path": str(file.path), "bytes": file.bytes, "frames": file.frames} for file in done.files],
        }
    )
