"""Frames of palette indices from the flow's image of base draws."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from flowgif.flows.base import Flow
from flowgif.targets.image import ImageTarget
from flowgif.targets.mixture import GaussianMixture

__all__ = ["STYLES", "Palette", "Style", "View", "base_draws", "make_palette", "make_view", "render"]

Style = Literal["points", "density"]
STYLES: dict[Style, int] = {"points": 4000, "density": 50_000}  # each with its number of particles

Frame = npt.NDArray[np.uint8]
Field = npt.NDArray[np.float64]

MARGIN = 0.08  # around the picture, as a share of its longer side
COVERAGE = 0.8  # of the ink by discs that did not overlap, from which their radius follows
SMALLEST, LARGEST = 0.75 / 480, 2.8 / 480  # radius, as a share of the frame's longer side
SMOOTHING = 2.2 / 480  # standard deviation of a density particle, likewise
# A pixel's error is below half a grey level of the screen, and averages and pictures need no more.
TOLERANCE = 1e-4


@dataclass(frozen=True)
class Palette:
    """The colours of a file.

    Attributes:
        colours: (levels, 3) uint8, from the background to the strongest ink.
    """

    colours: npt.NDArray[np.uint8]

    @property
    def levels(self) -> int:
        return len(self.colours)


# Anchors of a perceptually even way from white to dark, in sRGB; between them the colours are interpolated.
_INK = ((255, 255, 255), (24, 28, 62))
_DENSITY = ((255, 255, 255), (214, 228, 245), (140, 186, 224), (66, 133, 190), (28, 78, 148), (14, 28, 84))


def make_palette(style: Style) -> Palette:
    """6 levels for points, whose edges need no more, and 16 for the smooth density: fewer levels, smaller files."""
    anchors, levels = (_INK, 6) if style == "points" else (_DENSITY, 16)
    places = np.linspace(0, len(anchors) - 1, levels)
    channels = [np.interp(places, range(len(anchors)), [a[c] for a in anchors]) for c in range(3)]
    return Palette(np.stack(channels, 1).round().astype(np.uint8))


@dataclass(frozen=True)
class View:
    """The part of the plane that is drawn.

    Attributes:
        width, height: of a frame, pixels.
        ink_area: the area that the target's typical points cover, pixels.
        scale: pixels of the frame per data unit, (x, y).
        centre: data coordinates of the frame's middle, (x, y).
    """

    width: int
    height: int
    ink_area: float
    scale: tuple[float, float]
    centre: tuple[float, float]

    def to_frame(self, x: Tensor) -> Field:
        """Data coordinates (n, 2) to (column, row) of the frame; the first pixel's centre is at (0, 0)."""
        points = (x.double().numpy() - self.centre) * self.scale
        return points * (1, -1) + ((self.width - 1) / 2, (self.height - 1) / 2)


def make_view(target: GaussianMixture, size: int) -> View:
    """The picture's own frame with a margin, or a data set's bounding box; the longer side has ``size`` pixels."""
    if isinstance(target, ImageTarget):
        width, height = target.picture.size_as_given
        corners = target.from_pixels(torch.tensor([[-0.5, height - 0.5], [width - 0.5, -0.5]], dtype=torch.float64))
        low, high = corners[0], corners[1]
    else:
        low = target.centres.min(0).values - 3 * target.std
        high = target.centres.max(0).values + 3 * target.std
    # In units in which the picture is not stretched, both axes have the same scale.
    extent = (high - low) * target.scale
    extent = extent + 2 * MARGIN * extent.max()
    pixels = extent / extent.max() * size
    width, height = (max(1, round(float(side))) for side in pixels)
    per_unit = target.scale * (size / extent.max())
    centre = (low + high) / 2
    # A uniform density on an area A has the entropy log A.
    area = math.exp(target.entropy()) * float(per_unit.prod())
    return View(width, height, area, (float(per_unit[0]), float(per_unit[1])), (float(centre[0]), float(centre[1])))


def base_draws(n: int, seed: int) -> Tensor:
    """n draws from N(0, I), (n, 2) float32, spread so that ink of any shape fills evenly.

    A scrambled Sobol sequence, each point moved at random by about the distance to its neighbours (on the torus, which
    keeps the density even): a bare sequence shows as a lattice in the cloud.
    """
    u = torch.quasirandom.SobolEngine(2, scramble=True, seed=seed).draw(n, dtype=torch.float64)
    jitter = torch.rand(n, 2, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) - 0.5
    u = (u + jitter / math.sqrt(n)) % 1
    return torch.special.ndtri(u.clamp(1e-9, 1 - 1e-9)).float()


@torch.no_grad()
def render(
    flow: Flow, view: View, style: Style, palette: Palette, times: tuple[float, ...], z: Tensor
) -> Iterator[Frame]:
    """Yields a frame a time: (height, width) palette indices.

    Args:
        flow: carries the particles.
        view: what is drawn.
        style: how.
        palette: the colours that indices stand for.
        times: any, repeated ones too.
        z: base points, (n, 2).
    """
    moments = sorted(set(times))
    points = flow.relaxed(TOLERANCE).trajectory(z, torch.tensor(moments, dtype=torch.float64)).cpu()
    at = dict(zip(moments, points, strict=True))
    if style == "points":
        for time in times:
            yield _levels(_discs(view, at[time]), palette)
    else:
        # One scale for all frames, so that mass can be compared between them: in the picture nearly all ink is full.
        last = _density(view, at[moments[-1]])
        full = 0.85 * float(np.median(last[last > 0.1 * last.max()]))
        for time in times:
            yield _levels(_density(view, at[time]) / full, palette)


def _levels(ink: Field, palette: Palette) -> Frame:
    return (np.clip(ink, 0, 1) * (palette.levels - 1) + 0.5).astype(np.uint8)


def _discs(view: View, x: Tensor) -> Field:
    """Anti-aliased discs; where they overlap, ink adds up to full."""
    side = max(view.width, view.height)
    fitting = math.sqrt(COVERAGE * view.ink_area / (math.pi * len(x)))
    radius = max(0.7, min(max(fitting, SMALLEST * side), LARGEST * side))
    reach = int(np.ceil(radius + 0.5))
    points = view.to_frame(x)
    corner = np.floor(points).astype(np.int64)
    ink = np.zeros(view.width * view.height)
    for dy in range(-reach, reach + 2):
        for dx in range(-reach, reach + 2):
            column, row = corner[:, 0] + dx, corner[:, 1] + dy
            distance = np.hypot(column - points[:, 0], row - points[:, 1])
            # The share of a pixel that a disc covers, to first order in the distance of its edge.
            cover = np.clip(radius + 0.5 - distance, 0, 1)
            seen = (cover > 0) & (column >= 0) & (column < view.width) & (row >= 0) & (row < view.height)
            ink += np.bincount(row[seen] * view.width + column[seen], cover[seen], minlength=ink.size)
    return ink.reshape(view.height, view.width)


def _density(view: View, x: Tensor) -> Field:
    """The particles' mass per pixel, each spread by a Gaussian; sums to the share of mass inside the view."""
    sd = max(0.8, SMOOTHING * max(view.width, view.height))
    pad = int(np.ceil(4 * sd)) + 1
    width, height = view.width + 2 * pad, view.height + 2 * pad
    points = view.to_frame(x) + pad
    corner = np.floor(points).astype(np.int64)
    part = points - corner
    mass = np.zeros(width * height)
    # Bilinear deposit, then a separable blur. What lies beyond the padding cannot reach the view.
    for dy in (0, 1):
        for dx in (0, 1):
            column, row = corner[:, 0] + dx, corner[:, 1] + dy
            weight = np.abs(1 - dx - part[:, 0]) * np.abs(1 - dy - part[:, 1])
            seen = (column >= 0) & (column < width) & (row >= 0) & (row < height)
            mass += np.bincount(row[seen] * width + column[seen], weight[seen], minlength=mass.size)
    kernel = np.exp(-0.5 * (np.arange(-pad, pad + 1) / sd) ** 2)
    taps = torch.from_numpy(kernel / kernel.sum())
    image = torch.from_numpy(mass.reshape(1, 1, height, width) / len(points))
    image = torch.nn.functional.conv2d(image, taps.view(1, 1, -1, 1))
    image = torch.nn.functional.conv2d(image, taps.view(1, 1, 1, -1))
    return image[0, 0].numpy()
