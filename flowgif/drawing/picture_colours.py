"""Finds the colours of a picture's ink."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np
import numpy.typing as npt
from PIL import Image

__all__ = ["MAX_COLOURS", "PictureColours", "picture_colours"]

MAX_COLOURS = 64  # largest number of colours of a picture
EDGE_WIDTH = 5  # largest width of a softened edge, pixels
FULL_INK = 0.95  # ink is full if it is at least this share of the fullest within EDGE_WIDTH


@dataclass(frozen=True, eq=False)
class PictureColours:
    """The colours of a picture's ink.

    Attributes:
        colours: (k, 3) uint8, sRGB.
        labels: (rows, columns), the index of each pixel's colour; a pixel without ink has the nearest ink's colour.
    """

    colours: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.int64]


def picture_colours(image: Image.Image, ink: npt.NDArray[np.float64], most: int) -> PictureColours:
    """Finds a picture's colours by median cut and three iterations of k-means, and gives each pixel one of them.

    Args:
        image: RGBA, (columns, rows).
        ink: (rows, columns) in [0, 1].
        most: largest number of colours; there are never more than MAX_COLOURS.
    """
    from scipy.ndimage import distance_transform_edt, maximum_filter

    rgb = np.asarray(image.convert("RGB"))
    # At an edge the colour is mixed with the background's, so it is taken from fuller ink near it. (A pale colour's ink
    # is faint everywhere; it counts as full if no ink near it is fuller.)
    full = (ink > 0) & (ink >= FULL_INK * maximum_filter(ink, EDGE_WIDTH))
    nearest = distance_transform_edt(~full, return_distances=False, return_indices=True)
    rows, columns = cast(npt.NDArray[np.int64], nearest)
    inked = Image.fromarray(rgb[full].reshape(1, -1, 3))
    quantised = inked.quantize(
        min(most, MAX_COLOURS), method=Image.Quantize.MEDIANCUT, kmeans=3, dither=Image.Dither.NONE
    )
    palette = np.array(quantised.getpalette(), dtype=np.uint8).reshape(-1, 3)
    used, index = np.unique(np.asarray(quantised), return_inverse=True)
    labels = np.zeros(full.shape, dtype=np.int64)
    labels[full] = index.reshape(-1)
    return PictureColours(palette[used], labels[rows, columns])
