"""Measures how different colours look, on a scale on which an edge's ink is the share that is covered."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from flowgif.oklab import oklab

__all__ = ["COLOUR_WEIGHT", "Colours", "Points", "difference_from", "perceived"]

Colours = npt.NDArray[np.uint8]
Points = npt.NDArray[np.float64]

# By Oklab's own distances yellow is five times nearer to white than black is, yet nobody would call yellow letters beside
# black ones faint. With this weight a strong colour is about as far from white and from black as these are from each
# other.
COLOUR_WEIGHT = 4.0


def perceived(colours: Colours) -> Points:
    """Returns points whose Euclidean distances say how different colours look, (..., 3); black and white are 1 apart.

    The points are Oklab's, with two changes. Lightness is on the scale of grey levels, as sRGB encodes them, because
    smooth edges are blended on that scale: a pixel half covered by black on white is at .5. (In Oklab it is at .6.) And
    green to red and blue to yellow count :data:`COLOUR_WEIGHT` times.

    Args:
        colours: sRGB, (..., 3).
    """
    lab = oklab(colours.reshape(-1, 3))
    light = np.maximum(lab[:, 0], 0) ** 3
    level = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    points = np.column_stack([level, COLOUR_WEIGHT * lab[:, 1:]])
    return points.reshape(colours.shape)


def difference_from(background: Points, colours: Colours) -> tuple[Points, Points]:
    """Returns how far colours look from a background, and how much lighter they are than it, both (rows, columns).

    Args:
        background: perceived points, (k, 3); the nearest of them counts.
        colours: sRGB, (rows, columns, 3).
    """
    # A picture has far fewer colours than pixels, so each colour is looked at once.
    packed = colours[..., 0] * np.int32(65536) + colours[..., 1] * np.int32(256) + colours[..., 2]
    is_used = np.zeros(1 << 24, dtype=np.bool_)
    is_used[packed] = True
    used = np.flatnonzero(is_used)
    points = perceived(np.stack([used >> 16, used >> 8 & 255, used & 255], 1).astype(np.uint8))
    away = np.stack([np.linalg.norm(points - point, axis=1) for point in background])
    nearest = away.argmin(0)
    place = np.zeros(1 << 24, dtype=np.int32)
    place[used] = np.arange(len(used), dtype=np.int32)
    index = place[packed]
    lighter = points[:, 0] - background[nearest, 0]
    return away.min(0)[index], lighter[index]
