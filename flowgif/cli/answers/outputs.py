"""The outputs of ``flowgif animate`` that are no files of the user's: stdout, and the HTML that shows a file."""

from __future__ import annotations

import html
import os
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from flowgif import names
from flowgif.errors import FlowgifError, UnusableInput, did_you_mean

if TYPE_CHECKING:
    from flowgif.animation.animate import Animated

__all__ = ["STDOUT", "check_snippet", "check_stdout", "make_snippet", "suffix_of", "written_to_stdout"]

STDOUT = Path("-")
DEFAULT_FORMAT = "gif"


def check_stdout(outs: Sequence[Path], file_format: str | None, as_json: bool) -> None:
    """Checks in advance that an output can be written to stdout, if there is one.

    Args:
        outs: the outputs; STDOUT stands for stdout.
        file_format: the suffix of its format, without the dot; None for the default.
        as_json: whether the answer is written to stdout too.

    Raises:
        UnusableInput: it cannot, or a format is given for nothing.
    """
    if STDOUT not in outs:
        if file_format is not None:
            raise UnusableInput(
                f"--format goes with -o - and --each; or name a file, as -o logo.{file_format.lstrip('.')}"
            )
        return
    suffix_of(file_format)
    if list(outs).count(STDOUT) > 1:
        raise UnusableInput("-o - is given twice; stdout can take one file")
    if as_json:
        raise UnusableInput("-o - writes the file to stdout, and --json would write there too; leave one of them out")
    if sys.stdout.isatty():
        raise UnusableInput("-o - writes a file to stdout, which is a terminal here; add > logo.gif, or name a file")


def suffix_of(file_format: str | None) -> str:
    """Returns the suffix of a format, with the dot; None stands for the default.

    Raises:
        UnusableInput: there is no such format.
    """
    known = [suffix.removeprefix(".") for suffix in names.SUFFIXES]
    if file_format is not None and file_format not in known:
        raise UnusableInput(f"unknown --format '{file_format}'; {did_you_mean(file_format, known)}")
    return f".{file_format or DEFAULT_FORMAT}"


@contextmanager
def written_to_stdout(
    outs: Sequence[Path], file_format: str | None, name: str, paired: bool
) -> Generator[Sequence[Path]]:
    """Puts a temporary file in the place of STDOUT, and writes its content to stdout at the end.

    Args:
        outs: the outputs, as :func:`check_stdout` accepts them.
        file_format: the suffix of the format, without the dot; None for the default.
        name: the file's name without suffix, the title of a page.
        paired: whether formats that cannot follow their reader's theme are written twice.

    Raises:
        UnusableInput: two files would have to be written to stdout.
    """
    if STDOUT not in outs:
        yield outs
        return
    from flowgif.files.temporary import temporary_folder
    from flowgif.formats.table import FORMATS, VectorFormat

    suffix = suffix_of(file_format)
    if paired and not isinstance(FORMATS[suffix], VectorFormat):
        kind = FORMATS[suffix].name
        raise UnusableInput(f"--theme auto makes two {kind} files, and stdout takes one; give --theme light or dark")
    with temporary_folder() as folder:
        file = folder / f"{name}{suffix}"
        try:
            yield [file if out == STDOUT else out for out in outs]
        except FlowgifError as error:
            raise type(error)(str(error).replace(str(file), str(STDOUT))) from None
        sys.stdout.buffer.write(file.read_bytes())
        sys.stdout.flush()


def check_snippet(outs: Sequence[Path]) -> None:
    """Checks in advance that an ``<img>`` can show the output.

    Raises:
        UnusableInput: it cannot, or there are several.
    """
    from flowgif.formats.table import FORMATS, find_format

    if len(outs) > 1 or STDOUT in outs:
        raise UnusableInput("--snippet shows one file; give one -o with a file's name")
    if not find_format(outs[0]).media_type.startswith("image/"):
        suitable = [suffix for suffix, row in FORMATS.items() if row.media_type.startswith("image/")]
        raise UnusableInput(f"--snippet shows a picture, and {outs[0]} is none; name a {names.listed(suitable, 'or')}")


def make_snippet(done: Animated, runs: Sequence[str]) -> str:
    """Returns a ``<picture>`` that shows an animation in its reader's theme, or a still to readers who want no motion.

    Args:
        done: an animation, as one file or a light and a dark one, with posters likewise.
        runs: names of the runs, for readers who cannot see the picture.
    """
    light, *dark = done.files[: len(done.files) - len(done.posters)]
    still, *dark_still = done.posters
    prefers_dark, prefers_still = "(prefers-color-scheme: dark)", "(prefers-reduced-motion: reduce)"
    sources = [
        *((f"{prefers_still} and {prefers_dark}", file) for file in dark_still),
        (prefers_still, still),
        *((prefers_dark, file) for file in dark),
    ]
    lines = [f'  <source media="{media}" srcset="{_address(file.path)}">' for media, file in sources]
    alt = html.escape(names.listed(runs, "and"))
    image = f'  <img src="{_address(light.path)}" width="{light.width}" height="{light.height}" alt="{alt}">'
    return "\n".join(["<picture>", *lines, image, "</picture>"])


def _address(path: Path) -> str:
    """Returns a file's address relative to the current folder."""
    return html.escape(quote(Path(os.path.relpath(path)).as_posix()))
