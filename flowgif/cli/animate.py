"""``flowgif animate``."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flowgif.cli.options import OUTPUT, Json, Quiet
from flowgif.cli.progress import Progress
from flowgif.errors import UnusableInput

if TYPE_CHECKING:
    from flowgif.flows.base import Flow

__all__ = ["animate"]

LOOK, TIMING = "Look", "Timing"


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
        typer.Option(
            "-o",
            "--out",
            help=".gif, .png, .apng, .webp, .mp4, .webm, .html, a folder/ or frame-%04d.png for single frames; "
            "may be repeated (default: RUN/NAME.gif).",
            rich_help_panel=OUTPUT,
            show_default=False,
        ),
    ] = None,
    poster: Annotated[
        Path | None, typer.Option(help="Also a PNG of the picture at the end.", rich_help_panel=OUTPUT)
    ] = None,
    stills: Annotated[
        Path | None, typer.Option(help="Instead: a PNG with a row of frames.", rich_help_panel=OUTPUT)
    ] = None,
    times: Annotated[
        str,
        typer.Option(help="Theirs: numbers from 0 to 1 with commas between, or layers.", rich_help_panel=OUTPUT),
    ] = "0,.25,.5,.75,1",
    max_size: Annotated[
        str | None,
        typer.Option(
            help="As 128KB: give up colours, then frames, then pixels until a file fits.", rich_help_panel=OUTPUT
        ),
    ] = None,
    preset: Annotated[
        str | None,
        typer.Option(help="readme, slack, discord or square: size, bytes and frames.", rich_help_panel=OUTPUT),
    ] = None,
    style: Annotated[
        str, typer.Option(help="points, density, trails, field or panels.", rich_help_panel=LOOK)
    ] = "points",
    size: Annotated[
        int | None, typer.Option(help="Pixels of the longer side (default: 480; panels: 960).", rich_help_panel=LOOK)
    ] = None,
    points: Annotated[
        int | None, typer.Option(help="Number of particles (default: by style).", rich_help_panel=LOOK)
    ] = None,
    theme: Annotated[str, typer.Option(help="light or dark.", rich_help_panel=LOOK)] = "light",
    fg: Annotated[
        str | None, typer.Option("--fg", help="Colour of the ink, as '#1c4e94' or navy.", rich_help_panel=LOOK)
    ] = None,
    bg: Annotated[str | None, typer.Option("--bg", help="Colour of the background.", rich_help_panel=LOOK)] = None,
    cmap: Annotated[
        str | None,
        typer.Option(
            help="Colours of a density: ink, night, grey, viridis, magma, inferno, plasma, cividis.",
            rich_help_panel=LOOK,
        ),
    ] = None,
    color: Annotated[
        str | None,
        typer.Option(help="source: each particle has the colour of the picture where it ends.", rich_help_panel=LOOK),
    ] = None,
    transparent: Annotated[
        bool, typer.Option("--transparent", help="A background that is see-through.", rich_help_panel=LOOK)
    ] = False,
    caption: Annotated[
        bool,
        typer.Option("--caption", help="The layer's number, or the time, below the picture.", rich_help_panel=LOOK),
    ] = False,
    seed: Annotated[
        int, typer.Option(min=0, max=2**40, help="Of the particles; same seed, same bytes.", rich_help_panel=LOOK)
    ] = 0,
    frames: Annotated[
        int | None, typer.Option(help="From the cloud to the picture (default: about 60).", rich_help_panel=TIMING)
    ] = None,
    frames_per_layer: Annotated[
        int | None, typer.Option(help="Or from the end of a layer to that of the next.", rich_help_panel=TIMING)
    ] = None,
    duration: Annotated[
        float | None, typer.Option(help="Or the seconds from the cloud to the picture.", rich_help_panel=TIMING)
    ] = None,
    fps: Annotated[float, typer.Option(help="Frames a second, at most 50.", rich_help_panel=TIMING)] = 25.0,
    hold: Annotated[
        str,
        typer.Option(
            help="Seconds that the picture stays; 0.5,1.2 for the first frame and the picture.", rich_help_panel=TIMING
        ),
    ] = "1.2",
    easing: Annotated[
        str | None,
        typer.Option(help="linear, smooth, in or out (default: smooth, with layers linear).", rich_help_panel=TIMING),
    ] = None,
    bounce: Annotated[
        bool, typer.Option("--bounce", help="Also flow back to the cloud.", rich_help_panel=TIMING)
    ] = False,
    loop_back: Annotated[
        bool, typer.Option("--loop-back", help="After several runs back to the first.", rich_help_panel=TIMING)
    ] = False,
    loops: Annotated[int, typer.Option(help="How often it plays; 0 for ever.", rich_help_panel=TIMING)] = 0,
    first_frame: Annotated[
        str,
        typer.Option(help="cloud, or logo: viewers that show one frame show the picture.", rich_help_panel=TIMING),
    ] = "cloud",
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Write the GIF of a run: the cloud flows into the picture; prints its path."""
    with Progress(quiet) as progress:
        from flowgif.drawing.colours import make_look
        from flowgif.formats.fit import parse_bytes
        from flowgif.timeline import FRAMES, Pace, count_frames

        if first_frame not in {"cloud", "logo"}:
            raise UnusableInput(f"unknown --first-frame '{first_frame}'; give cloud or logo")
        look = make_look(theme, fg, bg, cmap, transparent, color)

        def pace(layers: int) -> Pace:
            return Pace(
                frames=count_frames(layers, frames, frames_per_layer, duration, fps),
                fps=fps,
                hold=_hold(hold),
                easing=easing or ("linear" if layers else "smooth"),
                bounce=bounce,
                picture_first=first_frame == "logo",
                loop_back=loop_back,
            )

        most = parse_bytes(max_size) if max_size is not None else None
        Pace(frames=FRAMES if frames is None else frames, fps=fps, hold=_hold(hold), easing=easing or "linear")
        progress.now("loading PyTorch ...")
        from flowgif import __version__, session
        from flowgif.animation.animate import Written, draw_stills
        from flowgif.animation.animate import animate as write
        from flowgif.animation.shot import Shot
        from flowgif.runs.directory import newest_run

        folders = runs or [newest_run()]
        loaded = [session.load(folder) for folder in folders]
        layers = max(each.flow.layers for each in loaded)
        cast = [(each.flow, each.target) for each in loaded]
        command = shlex.join(["flowgif", "animate", *["RUN"] * len(folders), *_options(context)])
        shot = Shot(
            style, look, pace(layers), _size(size, style, preset), points, seed, caption, loops, most, preset,
            f"{command} (flowgif {__version__})",
        )  # fmt: skip
        progress.now(f"integrating {folders[0]} ...")
        if stills is not None:
            moments = _times(times, loaded[0].flow)
            draw_stills(cast, stills, moments, shot)
            files = (Written(stills, stills.stat().st_size, len(moments)),)
            about = {"frames": len(moments), "seconds": 0.0}
        else:
            outs = out or [folders[-1] / f"{folders[-1].resolve().name}.gif"]
            done = write(cast, outs, shot, poster, lambda i, n: progress.now(f"frame {i} of {n}"))
            files, about = done.files, {"frames": done.frames, "seconds": done.seconds}
            for remark in done.remarks:
                progress.say(remark)
            sizes = ", ".join(f"{file.path.name} {file.bytes / 1e6:.2f} MB" for file in files)
            progress.say(f"{done.frames} frames, {done.seconds:g} s: {sizes}")
    if as_json:
        answer = {
            "run": str(folders[0]), "gif": str(files[0].path), **about, "bytes": files[0].bytes,
            "files": [{"path": str(file.path), "bytes": file.bytes, "frames": file.frames} for file in files],
        }  # fmt: skip
        typer.echo(json.dumps(answer))
    else:
        for file in files:
            typer.echo(str(file.path))


# What does not change the picture: where it comes from and goes to, and what is said of it.
PLACES = {"runs", "out", "poster", "stills", "as_json", "quiet"}


def _options(context: typer.Context) -> list[str]:
    """The options that were given, in a fixed order, so that the same picture is the same file anywhere."""
    words: list[str] = []
    for parameter in context.command.params:
        name = parameter.name or ""
        source = context.get_parameter_source(name)
        if name in PLACES or source is None or source.name != "COMMANDLINE":
            continue
        value = context.params[name]
        words += [parameter.opts[-1]] + ([] if value is True else [str(value)])
    return words


def _size(given: int | None, style: str, preset: str | None) -> int:
    """Pixels of the longer side; a preset has its own."""
    from flowgif.formats.fit import PRESETS

    if given is not None and preset is not None:
        raise UnusableInput(f"--preset {preset} sets the size; leave --size out")
    if given is not None:
        return given
    if preset in PRESETS:
        return PRESETS[preset].side
    return 960 if style == "panels" else 480


def _hold(text: str) -> tuple[float, float]:
    try:
        parts = [float(part) for part in text.split(",")]
    except ValueError:
        parts = []
    if len(parts) not in {1, 2}:
        raise UnusableInput(f"--hold {text}: give seconds, as 1.2, or 0.5,1.2 for the first frame and the picture")
    return (parts[0] if len(parts) == 2 else 0.0, parts[-1])


def _times(text: str, flow: Flow) -> list[float]:
    if text == "layers":
        if flow.layers == 0:
            raise UnusableInput("--times layers: an ffjord flow has none; give numbers from 0 to 1")
        return [i / flow.layers for i in range(flow.layers + 1)]
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise UnusableInput(f"--times {text}: give numbers from 0 to 1 with commas between, or layers") from None
