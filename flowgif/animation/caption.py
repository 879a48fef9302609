"""A line of text below each frame."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from flowgif.animation.render import Palette

__all__ = ["draw_captions", "moment_name"]

FONT = 0.06  # height of a letter's line, as a share of the frame's width
SMALLEST, LARGEST = 10, 40  # pixels, where there is room


def moment_name(time: float, layers: int) -> str:
    """'layer 3', between layers 'layer 3.4', and 't = 0.35' for a flow without layers.

    Args:
        time: within [0, 1].
        layers: of the flow; 0 for a continuous one.
    """
    if layers == 0:
        return f"t = {time:.2f}"
    done = time * layers
    # A number that is rounded to a layer is not yet there, or no longer: only the layer itself has no decimal.
    number = f"{round(done)}" if math.isclose(done, round(done), abs_tol=1e-6) else f"{done:.1f}"
    return f"layer {number}"


def draw_captions(texts: Sequence[str], width: int, palette: Palette) -> Iterator[npt.NDArray[np.uint8]]:
    """Yields a strip of palette indices for each text, (height, width), all of one height.

    All begin where the widest must begin to stand in the middle, so that they do not jump to and fro; letters shrink
    where that one would not fit.

    Args:
        texts: at least one.
        width: of the strips, pixels.
        palette: its first colour is the background, its last the letters'.
    """
    size = min(LARGEST, max(SMALLEST, round(FONT * width)))
    while True:
        font = ImageFont.load_default(size)
        widest = max(font.getlength(text) for text in texts)
        if widest <= width or size <= 4:
            break
        size -= 1
    left, height = max(0, round((width - widest) / 2)), round(1.6 * size)
    for text in texts:
        strip = Image.new("L", (width, height))
        ImageDraw.Draw(strip).text((left, height / 2), text, fill=255, font=font, anchor="lm")
        yield np.round(np.asarray(strip) / 255 * (palette.levels - 1)).astype(np.uint8)
