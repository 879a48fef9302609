"""Makes a Gaussian mixture of a picture's ink. Only this module converts between pixel and data coordinates.

Pixel coordinates are (column, row) of the picture as it was given: the centre of the first pixel is (0, 0), and rows
go down. Data coordinates have mean 0 and variance 1 per axis, and y goes up.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from flowgif.targets.inks.ink import InkArray, ink_of
from flowgif.targets.mixture import ColourSource, GaussianMixture, as_floats
from flowgif.targets.reading.picture import Picture

__all__ = ["ImageTarget"]


class ImageTarget(GaussianMixture):
    """One Gaussian per inked pixel: weight = ink, standard deviation = half a pixel per axis (FFJORD's image target).

    Args:
        picture: the picture as it is used.
        kind, threshold: see :func:`flowgif.targets.inks.ink.ink_of`.

    Attributes:
        ink: the ink of the picture as it is used, (rows, columns) in [0, 1].
        remark: a sentence that says how the ink was found.
    """

    def __init__(self, picture: Picture, kind: str = "auto", threshold: float | None = None) -> None:
        ink = ink_of(picture.image, kind, threshold)
        super().__init__(*_inked_pixels(ink.ink), (0.5, 0.5))
        self._picture, self.ink, self.remark = picture, ink.ink, ink.remark
        self.remarks = (*picture.remarks, ink.remark)
        # Each axis is standardised separately, so data units of x and y differ in their number of pixels.
        self.drawn_aspect = float(self.scale[1] / self.scale[0])
        # Pixels of the picture as given per pixel of the picture as used.
        self._enlargement = torch.tensor(picture.size_as_given, dtype=torch.float64) / torch.tensor(
            picture.image.size, dtype=torch.float64
        )

    @property
    def picture(self) -> Picture:
        return self._picture

    @property
    def colour_source(self) -> ColourSource:
        return ColourSource(self.picture.image, self.ink, self._nearest_pixel)

    def to_pixels(self, x: Tensor) -> Tensor:
        """Converts data coordinates (..., 2) to (column, row) of the picture as it was given."""
        x = as_floats(x)
        used = (x.double() * self.scale + self.shift) * x.new_tensor((1.0, -1.0), dtype=torch.float64)
        return ((used + 0.5) * self._enlargement - 0.5).to(x.dtype)

    def from_pixels(self, pixels: Tensor) -> Tensor:
        """Converts (column, row) of the picture as it was given, (..., 2), to data coordinates."""
        pixels = as_floats(pixels)
        used = (pixels.double() + 0.5) / self._enlargement - 0.5
        x = (used * used.new_tensor((1.0, -1.0)) - self.shift) / self.scale
        return x.to(pixels.dtype)

    def in_given_units(self, x: Tensor) -> Tensor:
        return self.to_pixels(x)

    def bounds(self) -> tuple[Tensor, Tensor]:
        """Returns the corners of the picture's frame."""
        width, height = self.picture.size_as_given
        low, high = self.from_pixels(
            torch.tensor([[-0.5, height - 0.5], [width - 0.5, -0.5]], dtype=torch.float64)
        ).unbind(0)
        return low, high

    def stroke_width(self) -> float:
        """Returns twice the ink's area divided by the length of its outline, in pixels of the picture as used."""
        steps = sum(float(np.abs(np.diff(np.pad(self.ink, 1), axis=axis)).sum()) for axis in (0, 1))
        # Measured along the axes, an outline is 4 / pi times too long on average over all directions.
        return 2 * float(self.ink.sum()) / (math.pi / 4 * steps)

    def _nearest_pixel(self, x: Tensor) -> npt.NDArray[np.int64]:
        """Returns the pixels (n, 2) of the picture as used that are nearest to points (n, 2) in data coordinates."""
        used = np.array(self.picture.image.size) / np.array(self.picture.size_as_given)
        return ((self.to_pixels(x).numpy() + 0.5) * used - 0.5).round().astype(np.int64)


def _inked_pixels(ink: InkArray) -> tuple[Tensor, Tensor]:
    """Returns the pixels that hold ink as (column, -row), (n, 2) float64, and how much they hold, (n,)."""
    rows, columns = np.nonzero(ink)
    pixels = np.empty((len(rows), 2))
    pixels[:, 0], pixels[:, 1] = columns, -rows
    return torch.from_numpy(pixels), torch.from_numpy(ink[rows, columns])
