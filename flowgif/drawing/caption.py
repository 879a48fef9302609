"""A line of text below a frame."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

__all__ = ["draw_caption"]

FONT = 0.06  # height of a letter's line, as a share of the frame's width
SMALLEST, LARGEST = 10, 40  # pixels, where there is room


def draw_caption(
    text: str, width: int, levels: int, others: Sequence[str] = (), moving: bool = True
) -> npt.NDArray[np.uint8]:
    """A strip of ink levels, (height, width), with the text in its middle.

    Args:
        text: one line.
        width: pixels.
        levels: of ink; levels - 1 is full.
        others: what has letters of the same size, which shrink until the widest fits.
        moving: whether the others follow in the same place: then all begin where the widest has to, so that they do
            not jump to and fro.
    """
    texts = (text, *others)
    size = min(LARGEST, max(SMALLEST, round(FONT * width)))
    while True:
        font = ImageFont.load_default(size)
        widest = max(font.getlength(each) for each in texts)
        if widest <= width or size <= 4:
            break
        size -= 1
    length = widest if moving else font.getlength(text)
    left, height = max(0, round((width - length) / 2)), round(1.6 * size)
    strip = Image.new("L", (width, height))
    ImageDraw.Draw(strip).text((left, height / 2), text, fill=255, font=font, anchor="lm")
    return np.round(np.asarray(strip) / 255 * (levels - 1)).astype(np.uint8)
