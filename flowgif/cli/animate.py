"""``flowgif animate``."""

from __future__ import annotations

import inspect
import json
import shlex
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from flowgif import names
from flowgif.cli.options import OUTPUT, Json, Quiet
from flowgif.cli.outputs import STDOUT, check_snippet, check_stdout, make_snippet, written_to_stdout
from flowgif.cli.progress import Progress
from flowgif.errors import UnusableInput
from flowgif.timeline import Pace
from flowgif.units import parse_bytes

if TYPE_CHECKING:
    from flowgif.animation.animate import Animated
    from flowgif.animation.config import AnimationConfig
    from flowgif.flows.base import Flow

__all__ = ["animate"]

Made = TypeVar("Made")

# Titles of help panels.
LOOK, TIMING = "Look", "Timing"
_output, _look, _timing = (partial(typer.Option, rich_help_panel=panel) for panel in (OUTPUT, LOOK, TIMING))

# Options that do not affect the drawing: input, output and messages.
NOT_DRAWN = {"runs", "out", "file_format", "poster", "snippet", "stills", "as_json", "quiet"}
# In addition to the options of the panel TIMING.
NOT_FOR_STILLS = {"out", "file_format", "poster", "snippet", "max_size", "preset"}


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
            help=f"{', '.join(names.SUFFIXES)}, a folder/ or frame-%04d.png for single frames, or - for stdout; "
            "may be repeated (default: RUN/NAME.gif).",
            show_default=False,
        ),
    ] = None,
    file_format: Annotated[
        str | None,
        _output("--format", help="Of -o -: gif, webp, svg or any other suffix (default: gif).", show_default=False),
    ] = None,
    poster: Annotated[Path | None, _output(help="Also a PNG of the picture at the end.")] = None,
    snippet: Annotated[
        bool,
        _output("--snippet", help="Print HTML that shows the file, in the reader's theme, still if they want that."),
    ] = False,
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
    theme: Annotated[
        str | None,
        _look(
            help=f"{names.THEMES}: both, as two files, or as one page or SVG (default: light; pages and SVGs: both).",
            autocompletion=names.THEMES.complete,
        ),
    ] = None,
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
        outs = out or []
        check_stdout(outs, file_format, as_json)
        if snippet:
            context.params["theme"] = theme or "auto"
        pace = _pace(context.params)
        most = parse_bytes(max_size) if max_size is not None else None
        progress.begin("loading PyTorch ...")
        from flowgif import session
        from flowgif.animation.animate import animate as write_all
        from flowgif.animation.stills import draw_stills
        from flowgif.machine import use_threads
        from flowgif.runs.settings import newest_run

        config = _config(context, pace, most, len(runs or [""]))
        folders = runs or [newest_run()]
        with use_threads(1):  # a target takes a tenth of a second, of which a second thread saves nothing
            loaded = [session.load(folder) for folder in folders]
        pairs = [(run.flow, run.target) for run in loaded]
        if stills is not None:
            done = draw_stills(pairs, stills, _parse_times(times, loaded[0].flow), config, progress)
        else:
            name = folders[-1].resolve().name
            outs = outs or [folders[-1] / f"{name}.gif"]
            if snippet:
                check_snippet(outs)
                poster = poster or outs[0].with_name(f"{outs[0].stem}-still.png")
            with written_to_stdout(outs, file_format, name, config.look.paired) as files:
                done = write_all(pairs, files, config, poster, progress)
        for remark in done.remarks:
            progress.say(remark)
        if stills is None:
            progress.say(_summary(done))
    html = make_snippet(done, [folder.resolve().name for folder in folders]) if snippet else ""
    if as_json:
        typer.echo(json.dumps(_answer(folders[0], done) | ({"snippet": html} if snippet else {})))
    elif snippet:
        typer.echo(html)
    elif STDOUT not in outs:
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


def _fill(make: Callable[..., Made], options: Mapping[str, Any]) -> Made:
    """Calls ``make`` with the options that have the names of its parameters."""
    return make(**{name: options[name] for name in inspect.signature(make).parameters if name in options})


def _pace(options: Mapping[str, Any]) -> Pace:
    first = options["first_frame"]
    if first not in {"cloud", "logo"}:
        raise UnusableInput(f"unknown --first-frame '{first}'; give cloud or logo")
    return _fill(Pace, {**options, "hold": _parse_hold(options["hold"]), "picture_first": first == "logo"})


def _config(context: typer.Context, pace: Pace, max_bytes: int | None, runs: int) -> AnimationConfig:
    from flowgif import __version__
    from flowgif.animation.config import AnimationConfig
    from flowgif.drawing.colours import make_look

    command = shlex.join(["flowgif", "animate", *["RUN"] * runs, *_words(context)])
    derived = {
        "look": _fill(make_look, context.params),
        "pace": pace,
        "max_bytes": max_bytes,
        "comment": f"{command} (flowgif {__version__})",
    }
    return _fill(AnimationConfig, context.params | derived)


def _words(context: typer.Context) -> list[str]:
    """Returns the given options in a fixed order, so that the same picture gives the same file anywhere."""
    words: list[str] = []
    for name, parameter in _given(context).items():
        if name not in NOT_DRAWN:
            value = context.params[name]
            words += [parameter.opts[-1]] + ([] if value is True else [str(value)])
    return words


def _parse_hold(text: str) -> tuple[float, float]:
    try:
        parts = [float(part) for part in text.split(",")]
    except ValueError:
        parts = []
    if len(parts) not in {1, 2}:
        raise UnusableInput(f"--hold {text}: give seconds, as 1.2, or 0.5,1.2 for the first frame and the picture")
    return (parts[0] if len(parts) == 2 else 0.0, parts[-1])


def _parse_times(text: str, flow: Flow) -> list[float]:
    if text == "layers":
        if not flow.layer_ends():
            raise UnusableInput("--times layers: an ffjord flow has none; give numbers from 0 to 1")
        return [0.0, *flow.layer_ends()]
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise UnusableInput(f"--times {text}: give numbers from 0 to 1 with commas between, or layers") from None


def _summary(done: Animated) -> str:
    sizes = ", ".join(f"{file.path.name} {file.bytes / 1e6:.2f} MB" for file in done.files)
    return f"{done.frames} frames, {done.seconds:g} s: {sizes}"


def _answer(run: Path, done: Animated) -> dict[str, object]:
    first = done.files[0]
    return {
        "run": str(run),
        "gif": str(first.path),
        "frames": done.frames,
        "seconds": done.seconds,
        "bytes": first.bytes,
        "files": [{"path": str(file.path), "bytes": file.bytes, "frames": file.frames} for file in done.files],
    }
