"""Draws a line of text below a frame."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

__all__ = ["draw_caption"]

FONT_SIZE = 0.06  # height of a line, as a share of the frame's width
MIN_SIZE, MAX_SIZE = 10, 40  # font sizes, pixels; a font is smaller than MIN_SIZE only if there is no room
LEAST_SIZE = 4  # smallest font size, pixels, even if there is no room


def draw_caption(
    text: str, width: int, levels: int, others: Sequence[str] = (), moving: bool = True
) -> npt.NDArray[np.uint8]:
    """Draws a strip of ink levels, (height, width), with the text in its middle.

    Args:
        text: one line.
        width: width of the strip, pixels.
        levels: number of ink levels; levels - 1 is full.
        others: texts whose letters have the same size; the size shrinks until the widest text fits.
        moving: whether the texts follow each other in the same place. Then all begin at the column where the widest
            must begin, so that they do not jump to and fro.
    """
    texts = (text, *others)
    size = min(MAX_SIZE, max(MIN_SIZE, round(FONT_SIZE * width)))
    while True:
        font = ImageFont.load_default(size)
        widest = max(font.getlength(line) for line in texts)
        if widest <= width or size <= LEAST_SIZE:
            break
        size -= 1
    length = widest if moving else font.getlength(text)
    left, height = max(0, round((width - length) / 2)), round(1.6 * size)
    strip = Image.new("L", (width, height))
    ImageDraw.Draw(strip).text((left, height / 2), text, fill=255, font=font, anchor="lm")
    return np.round(np.asarray(strip) / 255 * (levels - 1)).astype(np.uint8)
