"""Maps data coordinates to pixels of a frame, which shows a part of the plane."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from flowgif.targets.mixture import GaussianMixture

__all__ = ["Positions", "View", "make_view"]

Positions = npt.NDArray[np.floating]
"""Positions in a frame, (n, 2), column and row in pixels; the first pixel's centre is at (0, 0)."""

MARGIN = 0.08  # margin around the picture, as a share of its longer side


@dataclass(frozen=True)
class View:
    """Maps data coordinates to positions in a frame.

    Several pictures share one cloud, but each has its own scale. So the scale and the origin change linearly with
    time, from those of the cloud at time 0 to those of the picture at time 1.

    Attributes:
        width, height: size of a frame, pixels.
        ink_area: the area that the target's typical points cover, pixels.
        stroke: thickness of the target's lines, pixels: twice the area over the length of the outline.
        scale: pixels of the frame per data unit at time 1, (x, y).
        origin: position of the data's origin in the frame at time 1, (column, row).
        cloud_scale, cloud_origin: scale and origin at time 0.
    """

    width: int
    height: int
    ink_area: float
    stroke: float
    scale: tuple[float, float]
    origin: tuple[float, float]
    cloud_scale: tuple[float, float]
    cloud_origin: tuple[float, float]

    def to_frame(self, x: Tensor, time: float = 1.0) -> Positions:
        """Maps data coordinates (n, 2) to (column, row) in the frame; y points up, rows count down."""
        scale, origin = self._scale_and_origin(time)
        return x.double().numpy() * (scale * (1, -1)) + origin

    def from_frame(self, positions: Positions, time: float = 1.0) -> Tensor:
        """Computes the inverse of :meth:`to_frame`, (n, 2) float32."""
        scale, origin = self._scale_and_origin(time)
        return torch.from_numpy((positions - origin) / (scale * (1, -1))).float()

    def velocity_in_frame(self, x: Tensor, velocity: Tensor, time: float) -> Positions:
        """Computes the velocity of particles in the frame: d/dt of :meth:`to_frame` along their paths.

        Args:
            x: positions of the particles, (n, 2), data units.
            velocity: dx/dt at these positions, (n, 2), data units per unit of time.
            time: flow time of positions and velocities.

        Returns:
            (n, 2), (column, row) in pixels per unit of time.
        """
        scale, _ = self._scale_and_origin(time)
        growth = np.subtract(self.scale, self.cloud_scale)
        drift = np.subtract(self.origin, self.cloud_origin)
        return (velocity.double().numpy() * scale + x.double().numpy() * growth) * (1, -1) + drift

    def _scale_and_origin(self, time: float) -> tuple[Positions, Positions]:
        scale = np.array(self.cloud_scale) * (1 - time) + np.array(self.scale) * time
        origin = np.array(self.cloud_origin) * (1 - time) + np.array(self.origin) * time
        return scale, origin


def make_view(target: GaussianMixture, size: int) -> View:
    """Makes the view of one target: the frame of its picture, or the bounding box of a data set, with a margin.

    Args:
        target: the target that the flow was fitted to.
        size: longer side of the frame, pixels.
    """
    low, high = target.bounds()
    # The picture is not stretched in the target's given units, so both axes have the same scale in these units.
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
