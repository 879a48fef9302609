"""Grids of several spacings over the plane, whose nodes stand only where a target has details of the spacing's size."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from flowgif.config.models import FFJORDConfig
from flowgif.errors import UnusableInput
from flowgif.flows.base import Ink
from flowgif.flows.networks import frequencies_of

__all__ = ["Box", "Grids", "fit_grids", "grids_of", "place_nodes"]

COARSEST = 8  # number of spacings of the coarsest grid along the box's sides
RATIO = 2.0  # of the spacings of neighbouring grids
# The cloud's expected end points reach this far; and so much is added around the target's ink. Data units.
REACH, MARGIN = 4.2, 0.5
# Grids with at most so many nodes along their shorter side have nodes everywhere.
FULL = 14
# A node stands where blurring by its spacing, more or less, changes the density by this share of the highest density.
LEAST_CHANGE = 0.02
# The finest grid has this many nodes across the target's lines, with a spacing between these bounds in pixels.
ACROSS, LEAST_SPACING, MOST_SPACING = 4.0, 1.5, 3.0
MOST_NODES = 90_000
MOST_PLACES = 20_000_000  # for nodes in the finest grid
MOST_CHOSEN = 6_000_000  # of them, where the spacing is not given

Box = tuple[float, float, float, float]  # the lowest x and y and the highest x and y, data units


@dataclass(frozen=True)
class Grids:
    """Grids over one box, from the coarsest to the finest.

    Attributes:
        box: the box that all grids fill; their first and last nodes stand on its sides.
        sizes: the numbers of (columns, rows) of each grid.
    """

    box: Box
    sizes: tuple[tuple[int, int], ...]

    @classmethod
    def down_to(cls, box: Box, finest: tuple[float, float]) -> Grids:
        """Makes the grids of a box, whose spacings fall by equal ratios along each axis.

        Args:
            box: the box.
            finest: the spacing of the finest grid along x and y, data units.
        """
        spans = box[2] - box[0], box[3] - box[1]
        most = [max(1.0, span / spacing / COARSEST) for span, spacing in zip(spans, finest, strict=True)]
        last = max(1, round(math.log(max(most)) / math.log(RATIO)))
        return cls(
            box,
            tuple(
                (round(COARSEST * most[0] ** (level / last)) + 1, round(COARSEST * most[1] ** (level / last)) + 1)
                for level in range(last + 1)
            ),
        )

    @property
    def firsts(self) -> tuple[int, ...]:
        """The number of the first node of each grid. Nodes are numbered row by row, grid after grid."""
        counts = [columns * rows for columns, rows in self.sizes]
        return tuple(sum(counts[:level]) for level in range(len(counts)))

    @property
    def count(self) -> int:
        """The number of nodes of all grids."""
        return sum(columns * rows for columns, rows in self.sizes)

    def spacings(self) -> Tensor:
        """Returns the spacings along x and y, (2, levels), data units."""
        span = torch.tensor([[self.box[2] - self.box[0]], [self.box[3] - self.box[1]]])
        return span / (torch.tensor(self.sizes).T - 1)


def grids_of(config: FFJORDConfig) -> Grids:
    """Returns the grids of a config that was fitted to a target.

    Raises:
        UnusableInput: the box is none, or the grids have too many places for nodes.
    """
    assert config.box is not None
    assert config.finest is not None
    low_x, low_y, high_x, high_y = config.box
    if not (low_x < high_x and low_y < high_y):
        raise UnusableInput("[model] box: the highest x and y are not above the lowest; leave it out")
    finest = frequencies_of(config.finest, 1 / (config.aspect or 1.0))
    if (high_x - low_x) / finest[0] * (high_y - low_y) / finest[1] > MOST_PLACES:
        raise UnusableInput(f"[model] finest = {config.finest:g} is too fine for the grids' box; give a larger number")
    return Grids.down_to(config.box, finest)


def fit_grids(config: FFJORDConfig, target: Ink) -> FFJORDConfig:
    """Returns a config whose grids suit a target: the box, the finest spacing and the number of nodes, unless given."""
    pixel = 2 * float(target.std.prod().sqrt())
    stroke = target.stroke_width() / (2 * float((target.std * target.scale).mean()))
    box = config.box or _box_around(target)
    least = math.sqrt(abs((box[2] - box[0]) * (box[3] - box[1])) / MOST_CHOSEN)
    finest = config.finest or max(pixel * min(max(stroke / ACROSS, LEAST_SPACING), MOST_SPACING), least)
    while True:
        config = config.model_copy(update={"box": box, "finest": float(f"{finest:.4g}")})
        nodes = len(place_nodes(grids_of(config), target))
        if nodes <= MOST_NODES:
            return config.model_copy(update={"nodes": nodes})
        finest *= 1.25


def _box_around(target: Ink) -> Box:
    """Returns the box of the grids for a target."""
    low, high = target.extent()
    low, high = (low - MARGIN).clamp(max=-REACH), (high + MARGIN).clamp(min=REACH)
    x0, y0, x1, y1 = (round(float(v), 3) for v in (*low, *high))
    return x0, y0, x1, y1


def place_nodes(grids: Grids, target: Ink) -> Tensor:
    """Finds the nodes that a target needs: near the outline of its ink, at every scale.

    Inside and outside of the ink, far from the outline, blurring changes nothing, so the velocity there follows from
    coarser grids.

    Returns:
        The numbers of the nodes, (n,) int32, rising. The two outermost rows and columns of every grid have none, so
        that the features fall smoothly to 0 at the box's sides.
    """
    found: list[Tensor] = []
    for first, (columns, rows) in zip(grids.firsts, grids.sizes, strict=True):
        x, y = (
            torch.linspace(low, high, count, dtype=torch.float64)
            for low, high, count in zip(grids.box[:2], grids.box[2:], (columns, rows), strict=True)
        )
        needed = torch.ones(rows, columns, dtype=torch.bool)
        if min(columns, rows) > FULL:
            spacing = float(x[1] - x[0]), float(y[1] - y[0])
            blurred = [target.density(x, y, blur=(scale * spacing[0], scale * spacing[1])) for scale in (0.7, 1.4, 2.8)]
            change = torch.maximum((blurred[0] - blurred[1]).abs(), (blurred[1] - blurred[2]).abs())
            needed = change > LEAST_CHANGE * blurred[0].max()
            needed = F.max_pool2d(needed[None].float(), 3, 1, 1)[0] > 0  # a spline reads three nodes along each axis
        needed[:2] = needed[-2:] = False
        needed[:, :2] = needed[:, -2:] = False
        found.append(first + torch.nonzero(needed.flatten()).flatten())
    return torch.cat(found).int()
