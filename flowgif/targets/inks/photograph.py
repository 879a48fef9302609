"""Recognises photographs, and makes ink of their tone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np
import numpy.typing as npt

from flowgif.targets.inks.background import Background, distances
from flowgif.targets.inks.masks import Mask
from flowgif.targets.inks.perceived import Colours, Points, lightness, perceived

__all__ = ["Tone", "is_photograph", "tone"]

# A pixel of a soft slope differs from its neighbours by this much, in perceived lightness. Areas of a drawing differ by
# less, and their outlines by more.
SOFT = (0.02, 0.25)
LEAST_SOFT = 0.3  # share of a photograph's pixels
PLAIN_BORDER = 0.7  # share of a drawing's border that is its background
LEAST_MIDTONES = 0.3  # share of middle tones among what is not background, if a photograph has a plain border
MOST_BACKGROUND = 0.7  # share of such a photograph that is background

DARK = 0.35  # perceived lightness below which the border of a photograph is dark
# The contrast around each place is normalised by this share; the rest is the contrast of the whole picture.
LOCAL = 0.2
REACH = 0.12  # standard deviation of the surroundings, share of the longer side
LEAST_CONTRAST = 0.06  # noise of an even area is not made larger than this would be
# Tones, in standard deviations from the mean, at which there is no ink and full ink.
NO_INK, FULL_INK = -0.8, 2.2
STEEPNESS = 1.2  # exponent of ink; faint ink all over the picture would hide what is drawn


@dataclass(frozen=True, eq=False)
class Tone:
    """The ink of a photograph.

    Attributes:
        ink: (rows, columns) in [0, 1].
        is_light: whether light parts are the ink.
    """

    ink: Points
    is_light: bool


def is_photograph(colours: Colours, region: Mask, background: Background) -> bool:
    """Whether a picture has soft slopes in most places, and no plain border or many middle tones.

    Args:
        colours: a small copy of the picture, sRGB, (rows, columns, 3).
        region: the pixels that count, (rows, columns).
        background: their background.
    """
    level = perceived(background.evened(colours))[..., 0]
    around = np.lib.stride_tricks.sliding_window_view(np.pad(level, 1, "edge"), (3, 3))
    slope = around.max((2, 3)) - around.min((2, 3))
    soft = float(((slope > SOFT[0]) & (slope < SOFT[1]))[region].mean())
    if soft < LEAST_SOFT:
        return False
    if background.share < PLAIN_BORDER:
        return True
    away = distances(colours, background)[region]
    strength = away / max(float(np.quantile(away, 0.99)), 0.05)
    behind = float((away < 0.06).mean())
    midtones = float(((strength > 0.2) & (strength < 0.7)).mean())
    return behind < MOST_BACKGROUND and midtones > LEAST_MIDTONES * (1 - behind)


def tone(colours: Colours, region: Mask, ring: Mask, light: bool | None) -> Tone:
    """Makes ink of a photograph's darkness or lightness.

    The contrast around each place is partly normalised, so that a face is drawn in its shade too, as a person who
    stipples a portrait does.

    Args:
        colours: sRGB, (rows, columns, 3).
        region: the pixels that count, (rows, columns).
        ring: those of them that are near the border.
        light: whether light parts are the ink; by default they are if the photograph and its border are dark.
    """
    level = lightness(colours).astype(np.float32)
    if light is None:
        light = bool(np.median(level[ring]) < DARK and np.median(level[region]) < DARK)
    value = level if light else 1 - level
    mean, spread = float(value[region].mean()), float(value[region].std())
    value = np.where(region, value, mean).astype(np.float32)
    around = _surroundings(value)
    contrast = np.sqrt(_surroundings((value - around) ** 2))
    local = (value - around) / (contrast + LEAST_CONTRAST)
    whole = (value - mean) / (spread + LEAST_CONTRAST)
    share = ((1 - LOCAL) * whole + LOCAL * local - NO_INK) / (FULL_INK - NO_INK)
    ink = np.clip(share, 0, 1).astype(np.float64) ** STEEPNESS
    return Tone(np.where(region, ink, 0), light)


def _surroundings(values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Returns the weighted means around each pixel, (rows, columns)."""
    from scipy.ndimage import gaussian_filter, zoom

    # The surroundings are wide, so a small copy has them as well, in a fraction of the time.
    factor = max(1, max(values.shape) // 64)
    rows, columns = (-(-side // factor) * factor for side in values.shape)
    padded = np.pad(values, ((0, rows - values.shape[0]), (0, columns - values.shape[1])), mode="edge")
    small = padded.reshape(rows // factor, factor, columns // factor, factor).mean((1, 3))
    smooth = cast(npt.NDArray[np.float32], gaussian_filter(small, REACH * max(small.shape), mode="nearest"))
    large = cast(npt.NDArray[np.float32], zoom(smooth, factor, order=1, grid_mode=True, mode="nearest"))
    return large[: values.shape[0], : values.shape[1]]
