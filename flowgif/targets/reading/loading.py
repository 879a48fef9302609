"""Loads a picture of any kind that a user may bring. A new kind is one row of :data:`PICTURES`."""

from __future__ import annotations

import io
import stat
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from flowgif import names
from flowgif.config.schema import TargetConfig
from flowgif.errors import UnusableInput
from flowgif.files.reading import STDIN, missing
from flowgif.names import Table
from flowgif.targets.reading.picture import DRAWN_SIDE, MAX_SIDE, Picture, PictureFile, shrink
from flowgif.targets.reading.raster import read_raster
from flowgif.targets.reading.svg import is_svg, read_svg
from flowgif.targets.reading.text import draw_text

__all__ = ["AS_IT_IS", "PICTURES", "PictureKind", "load_picture", "read_picture"]

AS_IT_IS = 10**9  # pixels, more than any side has: a picture is not shrunk
MOST_BYTES = 512 * 2**20  # of a picture that cannot be read piece by piece
HEAD_BYTES = 1024  # by which a kind of picture is recognised


@dataclass(frozen=True)
class PictureKind:
    """A kind of picture.

    Attributes:
        recognises: whether a file is of this kind, by its first bytes and by the suffix of its name, in lower case.
        read: reads such a file; raises UnusableInput if it cannot.
    """

    recognises: Callable[[bytes, str], bool]
    read: Callable[[PictureFile], Picture]


def read_picture(target: TargetConfig) -> Picture:
    """Reads the picture that a target names, or draws its text.

    Raises:
        UnusableInput: as :func:`load_picture` and :func:`flowgif.targets.reading.text.draw_text`.
    """
    if target.text is not None:
        return draw_text(target.text, target.font, target.max_side or DRAWN_SIDE)
    assert target.img is not None
    return load_picture(target.img, target.max_side, target.frame)


def load_picture(path: Path, max_side: int | None = None, frame: int | None = None) -> Picture:
    """Reads a picture and shrinks it so that its longer side is at most ``max_side`` pixels.

    Args:
        path: the picture's path; STDIN for standard input.
        max_side: the limit, pixels; None stands for MAX_SIDE, and for DRAWN_SIDE of an SVG.
        frame: which frame or page of the picture is taken, from 1; None stands for the first.

    Raises:
        UnusableInput: there is no such file, it holds no readable picture, or the picture is too large.
    """
    with _opened(path) as (name, stream):
        head, suffix = stream.read(HEAD_BYTES), path.suffix.lower()
        stream.seek(0)
        read = next((kind.read for kind in PICTURES.values() if kind.recognises(head, suffix)), read_raster)
        file = PictureFile(name, suffix, stream, max_side or MAX_SIDE, max_side or DRAWN_SIDE, frame)
        picture = read(file)
    shrink(picture.image, file.max_side)
    if picture.image.size == picture.size_as_given:
        return picture
    (width, height), used = picture.size_as_given, picture.image
    remark = f"shrunk from {width}x{height} to {used.width}x{used.height} (--max-side {file.max_side})"
    return replace(picture, remarks=(*picture.remarks, remark))


@contextmanager
def _opened(path: Path) -> Generator[tuple[str, BinaryIO]]:
    """Opens a picture; yields its name for messages and its bytes, which are seekable."""
    if path == STDIN:
        yield "stdin", _read_all("stdin", _standard_input())
        return
    if not path.exists():
        raise missing("picture", path, pipe="flowgif train --img -")
    if path.is_dir():
        raise UnusableInput(f"{path} is a folder; name one picture in it")
    try:
        stream = path.open("rb")
    except OSError as error:
        raise UnusableInput(f"{path} cannot be read: {error.strerror or error}; check its permissions") from None
    with stream:
        is_file = stat.S_ISREG(path.stat().st_mode)
        yield str(path), stream if is_file else _read_all(str(path), stream)


def _standard_input() -> BinaryIO:
    if sys.stdin is None or sys.stdin.isatty():  # pyright: ignore[reportUnnecessaryComparison]
        state = "a terminal" if sys.stdin else "closed"
        raise UnusableInput(
            f"no picture comes from stdin, which is {state}; give a path, or pipe one: ... | flowgif train --img -"
        )
    return sys.stdin.buffer


def _read_all(name: str, stream: BinaryIO) -> BinaryIO:
    """Returns the rest of a stream that cannot be read twice."""
    content = stream.read(MOST_BYTES + 1)
    if not content:
        raise UnusableInput(f"{name} is empty; see what the command that should write the picture says")
    if len(content) > MOST_BYTES:
        raise UnusableInput(f"{name} holds more than {MOST_BYTES // 2**20} MB; shrink the picture first")
    return io.BytesIO(content)


# The first kind that recognises a file reads it, whatever its name; what none recognises goes to read_raster.
PICTURES: Table[PictureKind] = Table(names.PICTURES, {"svg": PictureKind(is_svg, read_svg)})
