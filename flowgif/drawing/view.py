"""The part of the plane that a frame shows, and how data coordinates become pixels."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from flowgif.targets.mixture import GaussianMixture

__all__ = ["Places", "View", "make_view"]

Places = npt.NDArray[np.float64]
"""Places in a frame, (n, 2), column and row in pixels; the first pixel's centre is at (0, 0)."""

MARGIN = 0.08  # around the picture, as a share of its longer side


@dataclass(frozen=True)
class View:
    """Maps data coordinates to places in a frame.

    Several pictures share one cloud, but each has its scale. So the scale and the origin change linearly with the
    time, from the cloud's at time 0 to the picture's at time 1.

    Attributes:
        width, height: of a frame, pixels.
        ink_area: the area that the target's typical points cover, pixels.
        stroke: how thick the target's lines are, pixels: twice the area over the length of the outline.
        scale: pixels of the frame per data unit at time 1, (x, y).
        origin: where the data's origin is in the frame at time 1, (column, row).
        cloud_scale, cloud_origin: the same at time 0.
    """

    width: int
    height: int
    ink_area: float
    stroke: float
    scale: tuple[float, float]
    origin: tuple[float, float]
    cloud_scale: tuple[float, float]
    cloud_origin: tuple[float, float]

    def to_frame(self, x: Tensor, time: float = 1.0) -> Places:
        """Maps data coordinates (n, 2) to (column, row) in the frame; y points up, rows count down."""
        scale, origin = self._scale_and_origin(time)
        return x.double().numpy() * (scale * (1, -1)) + origin

    def from_frame(self, places: Places, time: float = 1.0) -> Tensor:
        """Computes the inverse of :meth:`to_frame`, (n, 2) float32."""
        scale, origin = self._scale_and_origin(time)
        return torch.from_numpy((places - origin) / (scale * (1, -1))).float()

    def velocity_in_frame(self, x: Tensor, velocity: Tensor, time: float) -> Places:
        """Computes how fast a particle moves in the frame: d/dt of :meth:`to_frame` along its path.

        Args:
            x: where the particles are, (n, 2), data units.
            velocity: dx/dt there, (n, 2), data units per unit of time.
            time: of both.

        Returns:
            (n, 2), (column, row) in pixels per unit of time.
        """
        scale, _ = self._scale_and_origin(time)
        growth = np.subtract(self.scale, self.cloud_scale)
        drift = np.subtract(self.origin, self.cloud_origin)
        return (velocity.double().numpy() * scale + x.double().numpy() * growth) * (1, -1) + drift

    def _scale_and_origin(self, time: float) -> tuple[Places, Places]:
        scale = np.array(self.cloud_scale) * (1 - time) + np.array(self.scale) * time
        origin = np.array(self.cloud_origin) * (1 - time) + np.array(self.origin) * time
        return scale, origin


def make_view(target: GaussianMixture, size: int) -> View:
    """Makes the view of one target: its picture's frame with a margin, or a data set's bounding box with one.

    Args:
        target: what the flow was fitted to.
        size: of the frame's longer side, pixels.
    """
    low, high = target.bounds()
    # In the target's given units the picture is not stretched, so there both axes have the same scale.
    extent = (high - low) * target.scale
    extent = extent + 2 * MARGIN * extent.max()
    width, height = (max(1, round(float(side))) for side in extent / extent.max() * size)
    per_unit = target.scale * (size / extent.max())
    scale = (float(per_unit[0]), float(per_unit[1]))
    middle = (low + high) / 2
    origin = ((width - 1) / 2 - float(middle[0]) * scale[0], (height - 1) / 2 + float(middle[1]) * scale[1])
    # A uniform density on an area A has the entropy log A.
    area = math.exp(target.entropy()) * scale[0] * scale[1]
    return View(width, height, area, target.stroke_width() * size / float(extent.max()), scale, origin, scale, origin)
