"""Writes PNG files of a single frame."""

from __future__ import annotations

from pathlib import Path
from typing import IO

import numpy as np
import numpy.typing as npt
from PIL import Image, PngImagePlugin

__all__ = ["is_from_flowgif", "write_png"]

SOFTWARE = "flowgif"  # text by which flowgif's files are recognised


def write_png(
    path: Path | IO[bytes],
    frame: npt.NDArray[np.uint8],
    colours: npt.NDArray[np.uint8],
    comment: str = "",
) -> None:
    """Writes a frame of palette indices as a PNG.

    Args:
        path: the file, or an open one.
        frame: palette indices, (height, width).
        colours: (levels, 3) uint8, sRGB; or (levels, 4), with opacity.
        comment: text for the file's metadata.
    """
    image = Image.fromarray(frame)
    image.putpalette(colours[:, :3].tobytes())
    texts = PngImagePlugin.PngInfo()
    texts.add_text("Software", SOFTWARE)
    if comment:
        texts.add_text("Comment", comment)
    options = {"transparency": colours[:, 3].tobytes()} if colours.shape[1] == 4 else {}
    image.save(path, format="PNG", optimize=True, pnginfo=texts, **options)


def is_from_flowgif(path: Path) -> bool:
    """Returns whether ``write_png`` made the file."""
    try:
        with Image.open(path) as image:
            return image.info.get("Software") == SOFTWARE
    except OSError:
        return False
