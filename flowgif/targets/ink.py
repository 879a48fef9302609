"""Decides how much ink each pixel of a picture holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np
import numpy.typing as npt
from PIL import Image

from flowgif.errors import UnusableInput

__all__ = ["Ink", "InkArray", "ink_of"]

# Ink below this share of the strongest ink is treated as noise of compression and scanning.
MIN_INK = 0.02
LUMA = (0.299, 0.587, 0.114)  # weights of red, green and blue (ITU-R BT.601)

InkArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Ink:
    """The ink of a picture.

    Attributes:
        ink: the amount of ink per pixel, (rows, columns) in [0, 1].
        remark: a sentence that says how the ink was found.
    """

    ink: InkArray
    remark: str


def ink_of(image: Image.Image, invert: bool | None = None, threshold: float | None = None) -> Ink:
    """Finds how much ink each pixel holds.

    If alpha varies, alpha is the ink. Else darkness is the ink, or lightness if the picture's border is dark. The ink
    of a colour is the largest difference of a channel from the background, so yellow on white is ink just as black is.
    The background becomes 0 and the strongest ink 1.

    Args:
        image: the picture, RGBA.
        invert: True: light (or transparent) pixels are ink; False: dark (or opaque) pixels are ink; None: the border
            decides.
        threshold: ink of at least this value becomes 1, all other ink 0.

    Raises:
        UnusableInput: the picture is blank.
    """
    rgba = np.asarray(image, dtype=np.float64) / 255
    colour, alpha = rgba[..., :3], rgba[..., 3]
    if np.ptp(alpha) > 0.05:
        ink, remark = (1 - alpha, "transparent") if invert else (alpha, "opaque")
        remark = f"ink: where the picture is {remark}"
    elif alpha.max() < 0.05:
        raise UnusableInput("the picture is blank: all of it is transparent; give one with a shape in it")
    else:
        ink, light = _ink_of_colour(colour, invert)
        remark = "ink: what is lighter than the background" if light else "ink: what is darker than the background"
        if invert is None and light:
            remark += " (its border is dark; --no-invert for the opposite)"
    if float(ink.max()) < MIN_INK or float(np.ptp(ink)) < MIN_INK:
        raise UnusableInput(
            "the picture is blank: all its pixels are alike; give one with a shape on a plain background"
        )
    ink = ink / ink.max()
    ink[ink < MIN_INK] = 0
    if threshold is not None:
        ink = ((ink >= threshold) & (ink > 0)).astype(np.float64)
    return Ink(cast(InkArray, ink), remark)


def _ink_of_colour(colour: InkArray, invert: bool | None) -> tuple[InkArray, bool]:
    """Finds the unscaled ink (rows, columns) of an opaque picture, and whether it is lighter than the background.

    Args:
        colour: red, green and blue, (rows, columns, 3) in [0, 1].
        invert: see :func:`ink_of`.
    """
    luma = colour @ LUMA
    border = np.concatenate([colour[0], colour[-1], colour[:, 0], colour[:, -1]])
    background = np.median(border, axis=0)
    level = float(background @ LUMA)
    light = level < 0.5 if invert is None else invert
    if light != (level < 0.5):
        # The user wants the border itself as ink. So the background is the colour that differs most from the border in
        # lightness.
        background = colour.reshape(-1, 3)[int(luma.argmin() if light else luma.argmax())]
        level = float(background @ LUMA)
    ink = np.abs(colour - background).max(-1)
    return np.where(luma > level if light else luma < level, ink, 0), light
