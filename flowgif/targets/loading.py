"""Loads a picture of any kind that a user may bring. A new kind is one row of :data:`READERS`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from flowgif.errors import UnusableInput
from flowgif.names import PICTURE_SUFFIXES, Table
from flowgif.targets.picture import Picture, read_raster, refuse_svg, shrink

__all__ = ["READERS", "Reader", "load_picture"]

# Reads a file that exists. The second argument is the longest side that will be used: a reader may shrink the image
# to it (that can save time), or leave that to load_picture. It raises UnusableInput if it cannot read the file.
Reader = Callable[[Path, int], Picture]


def load_picture(path: Path, max_side: int = 1024) -> Picture:
    """Reads a picture and shrinks it so that its longer side is at most ``max_side`` pixels.

    Raises:
        UnusableInput: there is no such file, it holds no readable picture, or the picture is too large.
    """
    if not path.exists():
        raise UnusableInput(f"no such picture: {path}; check the path (the current folder is {Path.cwd()})")
    if path.is_dir():
        raise UnusableInput(f"{path} is a folder; name one picture in it")
    picture = READERS.get(path.suffix.lower(), read_raster)(path, max_side)
    shrink(picture.image, max_side)
    if picture.image.size == picture.size_as_given:
        return picture
    (width, height), used = picture.size_as_given, picture.image
    remark = f"shrunk from {width}x{height} to {used.width}x{used.height} (--max-side {max_side})"
    return replace(picture, remarks=(*picture.remarks, remark))


# By the suffix of the file's name, in lower case. All other files are read by read_raster.
READERS: Table[Reader] = Table(PICTURE_SUFFIXES, {".svg": refuse_svg, ".svgz": refuse_svg})
