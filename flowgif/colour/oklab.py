"""Converts colours to and from Björn Ottosson's Oklab, in which equal distances look equal (https://bottosson.github.io/posts/oklab/)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["from_oklab", "oklab"]

# Matrices from linear sRGB to cone responses, and from the cube roots of these to L, a, b.
_CONES = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_OKLAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)


def oklab(colours: npt.NDArray[np.number]) -> npt.NDArray[np.float64]:
    """Converts sRGB colours, (n, 3), to Oklab, (n, 3): lightness, green to red, and blue to yellow."""
    share = colours / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    return np.cbrt(linear @ _CONES.T) @ _OKLAB.T


def from_oklab(points: npt.NDArray[np.float64]) -> npt.NDArray[np.uint8]:
    """Converts points in Oklab to sRGB colours, (n, 3); channels outside the sRGB range are clipped."""
    linear = (points @ np.linalg.inv(_OKLAB).T) ** 3 @ np.linalg.inv(_CONES).T
    linear = np.clip(linear, 0, 1)
    share = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.rint(255 * share).astype(np.uint8)
