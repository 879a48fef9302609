"""Measures how different colours look, on a scale on which an edge's ink is the share that is covered."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from flowgif.colour.oklab import oklab

__all__ = ["COLOUR_WEIGHT", "Colours", "Points", "difference_from", "lightness", "perceived"]

Colours = npt.NDArray[np.uint8]
Points = npt.NDArray[np.float64]

# By Oklab's own distances yellow is five times nearer to white than black is, yet nobody would call yellow letters
# beside black ones faint. With this weight a strong colour is about as far from white and from black as these are from
# each other.
COLOUR_WEIGHT = 4.0
BLOCK = 1 << 18  # colours that are converted together; a large photograph has millions


def perceived(colours: Colours) -> Points:
    """Returns points whose Euclidean distances say how different colours look, (..., 3); black and white are 1 apart.

    The points are Oklab's, with two changes. Lightness is on the scale of grey levels, as sRGB encodes them, because
    smooth edges are blended on that scale: a pixel half covered by black on white is at .5. (In Oklab it is at .6.) And
    green to red and blue to yellow count :data:`COLOUR_WEIGHT` times.

    Args:
        colours: sRGB, (..., 3).
    """
    points = np.empty(colours.shape)
    rows, flat = points.reshape(-1, 3), colours.reshape(-1, 3)
    for first in range(0, len(rows), BLOCK):
        lab = oklab(flat[first : first + BLOCK])
        light = np.maximum(lab[:, 0], 0) ** 3
        rows[first : first + BLOCK, 0] = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
        rows[first : first + BLOCK, 1:] = COLOUR_WEIGHT * lab[:, 1:]
    return points


def lightness(colours: Colours) -> Points:
    """Returns the perceived lightness of a picture's pixels, (rows, columns), 0 for black and 1 for white."""
    used, index = _distinct(colours)
    return perceived(used)[:, 0][index]


def difference_from(background: Points, colours: Colours) -> tuple[Points, Points]:
    """Returns how far colours look from a background, and how much lighter they are than it, both (rows, columns).

    Args:
        background: perceived points, (k, 3); the nearest of them counts.
        colours: sRGB, (rows, columns, 3).
    """
    used, index = _distinct(colours)
    points = perceived(used)
    away = np.stack([np.linalg.norm(points - point, axis=1) for point in background])
    lighter = points[:, 0] - background[away.argmin(0), 0]
    return away.min(0)[index], lighter[index]


def _distinct(colours: Colours) -> tuple[Colours, npt.NDArray[np.int32]]:
    """Returns the colours of a picture, (n, 3), and which of them each pixel has, (rows, columns).

    A picture has far fewer colours than pixels, so it is faster to look at each colour once.
    """
    packed = colours[..., 0] * np.int32(65536) + colours[..., 1] * np.int32(256) + colours[..., 2]
    is_used = np.zeros(1 << 24, dtype=np.bool_)
    is_used[packed] = True
    used = np.flatnonzero(is_used)
    place = np.empty(1 << 24, dtype=np.int32)  # only the entries that are used are ever touched
    place[used] = np.arange(len(used), dtype=np.int32)
    return np.stack([used >> 16, used >> 8 & 255, used & 255], 1).astype(np.uint8), place[packed]
