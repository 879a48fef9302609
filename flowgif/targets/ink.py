"""Decides how much ink each pixel of a picture holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np
import numpy.typing as npt
from PIL import Image

from flowgif.errors import UnusableInput

__all__ = ["Ink", "InkArray", "ink_of"]

# Ink below this share of the strongest is taken for the noise of compression and scanning.
FAINTEST = 0.02
LUMA = (0.299, 0.587, 0.114)  # of red, green and blue (ITU-R BT.601)

InkArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Ink:
    """The ink of a picture.

    Attributes:
        ink: (rows, columns) in [0, 1].
        remark: how it was found, a sentence.
    """

    ink: InkArray
    remark: str


def ink_of(image: Image.Image, invert: bool | None = None, threshold: float | None = None) -> Ink:
    """Finds how much ink each pixel holds.

    Where alpha varies, alpha is the ink. Else the darkness is, or the lightness where the picture's border is dark. A
    colour counts by the channel that differs most from the background's, so that yellow on white is ink just as black
    is. The background becomes 0 and the strongest ink 1.

    Args:
        image: RGBA.
        invert: True: what is light (or transparent) is ink; False: what is dark (or opaque); None: the border decides.
        threshold: ink of at least this much becomes 1, all other 0.

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
    if float(ink.max()) < FAINTEST or float(np.ptp(ink)) < FAINTEST:
        raise UnusableInput(
            "the picture is blank: all its pixels are alike; give one with a shape on a plain background"
        )
    ink = ink / ink.max()
    ink[ink < FAINTEST] = 0
    if threshold is not None:
        ink = ((ink >= threshold) & (ink > 0)).astype(np.float64)
    return Ink(cast(InkArray, ink), remark)


def _ink_of_colour(colour: InkArray, invert: bool | None) -> tuple[InkArray, bool]:
    """Finds the ink (rows, columns) of an opaque picture, not yet scaled, and whether it is lighter than the rest.

    Args:
        colour: (rows, columns, 3) in [0, 1].
        invert: see :func:`ink_of`.
    """
    luma = colour @ LUMA
    border = np.concatenate([colour[0], colour[-1], colour[:, 0], colour[:, -1]])
    background = np.median(border, axis=0)
    level = float(background @ LUMA)
    light = level < 0.5 if invert is None else invert
    if light != (level < 0.5):
        # The user wants the border itself as ink: the background is what differs most from it in lightness.
        background = colour.reshape(-1, 3)[int(luma.argmin() if light else luma.argmax())]
        level = float(background @ LUMA)
    ink = np.abs(colour - background).max(-1)
    return np.where(luma > level if light else luma < level, ink, 0), light
