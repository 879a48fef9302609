"""The command line: the only place that parses, prints and draws progress.

stdout carries the answer. stderr carries progress and errors. Heavy modules are imported inside the commands, so that
help is instant.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import Annotated, NoReturn

import typer

from flowgif.cli.animate import animate
from flowgif.cli.evaluate import evaluate
from flowgif.cli.options import Command
from flowgif.cli.train import train
from flowgif.errors import ExitCode, FlowgifError, Stopped, as_flowgif_error, printable

__all__ = ["main"]

app = typer.Typer(
    name="flowgif",
    help="Fit a normalizing flow to a picture's ink, and see a Gaussian cloud flow into the picture as a GIF.",
    epilog=f"Exit codes: {', '.join(f'{code.value} {code.meaning}' for code in ExitCode)}.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        import platform
        from importlib.metadata import PackageNotFoundError, version

        from flowgif import __version__
        from flowgif.machine.processor import describe_processor

        try:
            torch = version("torch")  # the package's own word: to import torch takes seconds
        except PackageNotFoundError:
            torch = "missing"
        typer.echo(f"flowgif {__version__}")
        typer.echo(f"torch {torch}, Python {platform.python_version()}, {platform.system()}, {describe_processor()}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the versions and exit.")
    ] = False,
) -> None:
    pass


app.command(cls=Command)(train)
app.command(cls=Command)(animate)
app.command("eval", cls=Command)(evaluate)


def main() -> None:
    """Runs the command line and exits. Every error is one line on stderr, and its kind determines the exit code."""
    try:
        code: object = app(standalone_mode=False)
    except FlowgifError as error:
        _die(str(error), error.exit_code)
    except typer.TyperException as error:
        if not error.format_message():  # there were no arguments, and the help is printed already
            sys.exit(ExitCode.UNUSABLE_INPUT)
        _die(f"{error.format_message().rstrip('.')}; see flowgif --help", ExitCode.UNUSABLE_INPUT)
    except typer.Abort:
        _die(Stopped.latest.meaning, Stopped.latest)
    except SystemExit as end:
        # If the reader of stdout is gone, typer exits with 1, which is the code of a missed bound.
        if not isinstance(end.__context__, BrokenPipeError):
            raise
        _give_stdout_up()
        sys.exit(ExitCode.READER_GONE)
    except (OSError, MemoryError, OverflowError, RuntimeError) as error:
        if isinstance(error, OSError) and error.filename is None:
            _give_stdout_up()
        known = as_flowgif_error(error)
        if known is None:
            raise
        _die(str(known), known.exit_code)
    if code == ExitCode.INTERRUPTED:  # typer's answer to any signal
        _die(Stopped.latest.meaning, Stopped.latest)
    sys.exit(code if isinstance(code, int) else ExitCode.DONE)


def _give_stdout_up() -> None:
    """Keeps Python from flushing stdout at exit, which would fail again and change the exit code."""
    with suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _die(message: str, code: ExitCode) -> NoReturn:
    sys.stderr.write(f"flowgif: {printable(' '.join(message.split()))}\n")
    sys.exit(code)
