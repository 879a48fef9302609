"""``flowgif animate``."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flowgif import names
from flowgif.animation.options import describe_command, make_config, read_options, read_times
from flowgif.cli.answers.many import do_many, refuse_with_many
from flowgif.cli.answers.outputs import STDOUT, check_snippet, check_stdout, make_snippet, suffix_of, written_to_stdout
from flowgif.cli.options import MANY, OUTPUT, Cluster, Json, Quiet, SkipExisting, Workers
from flowgif.cli.progress import Progress
from flowgif.errors import UnusableInput
from flowgif.keywords import DrawingKeywords

if TYPE_CHECKING:
    from flowgif.animation.animate import Animated
    from flowgif.api import Loaded
    from flowgif.formats.film import Film

__all__ = ["animate"]

# Titles of help panels.
LOOK, TIMING = "Look", "Timing"
_output, _look, _timing = (partial(typer.Option, rich_help_panel=panel) for panel in (OUTPUT, LOOK, TIMING))

# Options that do not affect the drawing: input, output and messages.
NOT_DRAWN = {
    *("runs", "out", "file_format", "poster", "snippet", "show", "stills", "as_json", "quiet"),
    *("each", "out_dir", "skip_existing", "workers", "cluster"),
}
OF_EACH = ("out_dir", "skip_existing", "workers", "cluster")
# In addition to the options of the panel TIMING.
NOT_FOR_STILLS = {"out", "file_format", "poster", "snippet", "show", "max_size", "preset"}


def animate(
    context: typer.Context,
    runs: Annotated[
        list[Path] | None,
        typer.Argument(
            help="A run directory (default: the newest in runs/). Several: from picture to picture. With --each also "
            "folders of runs and patterns.",
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
        _output(
            "--format",
            help="Of -o - and --each: gif, webp, svg or any other suffix (default: gif).",
            show_default=False,
        ),
    ] = None,
    poster: Annotated[Path | None, _output(help="Also a PNG of the picture at the end.")] = None,
    snippet: Annotated[
        bool,
        _output("--snippet", help="Print HTML that shows the file, in the reader's theme, still if they want that."),
    ] = False,
    show: Annotated[bool, _output("--show", help="Also play it in this terminal, once or --loops times.")] = False,
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
    transparent: Annotated[bool, _look("--transparent", help="A see-through background.")] = False,
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
    each: Annotated[
        bool, typer.Option("--each", help="A file of each run, in the place of one of all.", rich_help_panel=MANY)
    ] = False,
    out_dir: Annotated[
        Path | None,
        typer.Option(
            help="The folder of these files (default: each run's own).",
            metavar="DIR",
            rich_help_panel=MANY,
            show_default=False,
        ),
    ] = None,
    skip_existing: SkipExisting = False,
    workers: Workers = None,
    cluster: Cluster = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Write the GIF of a run: the cloud flows into the picture; prints its path."""
    _refuse_unused(context)
    if each:
        _animate_each(context)
        return
    outs = out or []
    check_stdout(outs, file_format, as_json)
    if snippet:
        context.params["theme"] = theme or "auto"
    progress = Progress(quiet)
    play = _player(progress) if show else None
    with progress:
        options = read_options(context.params)
        progress.begin("loading PyTorch ...")
        from flowgif.animation.animate import animate as write_all
        from flowgif.animation.stills import draw_stills
        from flowgif.api import check_versions, load
        from flowgif.runs.settings import default_output, newest_run

        given = {name: context.params[name] for name in _given(context) if name not in NOT_DRAWN}
        config = make_config(options, describe_command(len(runs or [""]), given))
        folders = runs or [newest_run()]
        loaded: list[Loaded] = []
        for folder in folders:
            progress.begin(f"reading {folder} ...")
            loaded.append(load(folder))
        pairs = [(run.flow, run.target) for run in loaded]
        written = [path for path in (*outs, poster, stills) if path is not None]
        check_versions(loaded, written, config.look)
        if stills is not None:
            done = draw_stills(pairs, stills, read_times(times, loaded[0].flow), config, progress)
        else:
            outs = outs or [default_output(folders[-1])]
            if snippet:
                check_snippet(outs)
                poster = poster or outs[0].with_name(f"{outs[0].stem}-still.png")
            name = folders[-1].resolve().name
            with written_to_stdout(outs, file_format, name, config.look.paired) as files:
                done = write_all(pairs, files, config, poster, progress, play)
        for remark in done.remarks:
            progress.say(remark)
        if stills is None:
            progress.say(_summary(done))
    html = make_snippet(done, [folder.resolve().name for folder in folders]) if snippet else ""
    if as_json:
        typer.echo(_answer(folders[0], done, html))
    elif snippet:
        typer.echo(html)
    elif STDOUT not in outs:
        for file in done.files:
            typer.echo(str(file.path))


def _refuse_unused(context: typer.Context) -> None:
    """Refuses options that would silently be left unused.

    Raises:
        UnusableInput: such an option is given with --stills, --times is given without --stills, or an option of --each
            without that.
    """
    given = _given(context)
    for name in OF_EACH:
        if name in given and not context.params["each"]:
            option = given[name].opts[0]
            raise UnusableInput(f"{option} goes with --each; add that, or leave {option} out")
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


def _drawn(context: typer.Context) -> dict[str, Any]:
    """Returns the values of the given options that affect a file, by name."""
    return {name: context.params[name] for name in _given(context) if name in DrawingKeywords.__annotations__}


def _animate_each(context: typer.Context) -> None:
    """Writes a file of each run, and prints a table.

    Raises:
        UnusableInput: a run or an option cannot be used.
        CheckFailed: a file could not be written.
    """
    from flowgif.batch.commands import animate_all
    from flowgif.batch.inputs import find_runs
    from flowgif.batch.rows import Batch

    given = context.params
    refuse_with_many({f"--{name}": given[name] for name in ("out", "poster", "snippet", "show", "stills")})
    suffix, options = suffix_of(given["file_format"]), _drawn(context)
    read_options(options)
    folders = find_runs(given["runs"] or [])
    batch = Batch(given["workers"], given["cluster"], given["skip_existing"])
    do_many(
        lambda progress: animate_all(folders, batch, given["out_dir"], suffix, options, progress),
        given["quiet"],
        given["as_json"],
    )


def _player(progress: Progress) -> Callable[[Film], None]:
    """Returns a function that plays a film in the terminal, which is asked now, before it shows progress."""
    from flowgif.cli.playing.show import play
    from flowgif.cli.playing.terminal import find_terminal

    terminal = find_terminal()

    def show(film: Film) -> None:
        progress.end()
        play(film, terminal)

    return show


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


def _answer(run: Path, done: Animated, html: str) -> str:
    from flowgif.cli.answers.models import AnimateAnswer, WrittenFile

    first = done.files[0]
    return AnimateAnswer(
        run=str(run),
        gif=str(first.path),
        frames=done.frames,
        seconds=done.seconds,
        bytes=first.bytes,
        files=[WrittenFile(path=str(file.path), bytes=file.bytes, frames=file.frames) for file in done.files],
        snippet=html or None,
    ).line()
