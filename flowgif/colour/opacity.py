"""Takes a background out of colours, so that it can show through them, and lays see-through colours over one.

Opacity goes from 0 to 1, in a colour of four bytes from 0 to 255. Red, green and blue of such a colour are those that
it has where it is opaque ("straight" alpha).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["OPAQUE", "least_opacity", "over", "take_from"]

OPAQUE = 255

Colours = npt.NDArray[np.uint8]


def least_opacity(colours: Colours, ground: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Returns the least opacity, (n,), with which a colour over the ground, (3,), gives each of the colours (n, 3)."""
    base = np.asarray(ground, dtype=np.float64)
    change = colours - base
    # No channel can change further than to 0 or to 255.
    room = np.where(change < 0, base, 255 - base)
    return np.abs(change / np.maximum(room, 1)).max(1)


def take_from(colours: npt.NDArray[np.number], ground: npt.ArrayLike, opacity: npt.NDArray[np.floating]) -> Colours:
    """Returns see-through colours, (n, 4), that look over the ground, (3,), like the colours (n, 3).

    Args:
        colours: sRGB, 0 to 255.
        ground: sRGB, 0 to 255.
        opacity: opacity of each, (n,). Below the least with which it is possible, the nearest colour is returned.
    """
    base = np.asarray(ground, dtype=np.float64)
    # Rounded up, opacity stays above the least one.
    alpha = np.ceil(opacity * OPAQUE - 1e-6).clip(0, OPAQUE)
    straight = base + (colours - base) * (OPAQUE / np.maximum(alpha, 1))[:, None]
    return np.column_stack((np.rint(straight).clip(0, 255), alpha)).astype(np.uint8)


def over(colours: Colours, ground: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Returns how see-through colours, (n, 4), look over the ground, (3,): (n, 3), 0 to 255, not rounded."""
    base = np.asarray(ground, dtype=np.float64)
    return base + (colours[:, :3] - base) * (colours[:, 3:] / OPAQUE)
