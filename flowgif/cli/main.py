"""The command line: the only place that parses, prints and draws progress.

stdout carries the answer, stderr the talk. Everything heavy is imported inside the commands, so that help is instant.
"""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from flowgif.cli.animate import animate
from flowgif.cli.evaluate import evaluate
from flowgif.cli.train import train
from flowgif.errors import ExitCode, FlowgifError

__all__ = ["main"]

app = typer.Typer(
    name="flowgif",
    help="Fit a normalizing flow to a picture's ink, and see a Gaussian cloud flow into the picture as a GIF.",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        from flowgif import __version__

        typer.echo(f"flowgif {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    pass


app.command()(train)
app.command()(animate)
app.command("eval")(evaluate)


def main() -> None:
    """The console entry point: every error one line, and its own exit code."""
    code: object = 0
    try:
        code = app(standalone_mode=False)
    except FlowgifError as error:
        _die(str(error), error.exit_code)
    except typer.TyperException as error:
        if error.format_message():  # it is empty after the help that stands for no arguments
            _die(f"{error.format_message().rstrip('.')}; see flowgif --help", ExitCode.UNUSABLE_INPUT)
        code = ExitCode.UNUSABLE_INPUT
    except typer.Abort:
        code = ExitCode.INTERRUPTED
    except BrokenPipeError:
        # The reader of stdout is gone: nothing is left to say, and Python must not try to flush.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(ExitCode.READER_GONE)
    except OSError as error:
        _die(
            f"{error.filename or 'output'}: {error.strerror or error}; check the place and its permissions",
            ExitCode.UNUSABLE_INPUT,
        )
    except (MemoryError, OverflowError):
        _die("a number is larger than this machine's memory; give smaller ones", ExitCode.UNUSABLE_INPUT)
    if code == ExitCode.INTERRUPTED:  # typer's answer to Ctrl-C
        _die("interrupted", ExitCode.INTERRUPTED)
    sys.exit(code if isinstance(code, int) else 0)


def _die(message: str, code: int) -> None:
    sys.stderr.write(f"flowgif: {' '.join(message.split())}\n")
    sys.exit(code)
