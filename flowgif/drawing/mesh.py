"""A density from few particles: a mesh of base points, and what lies between its nodes.

A flow is smooth, so where it takes the points between four neighbours follows from where it takes these. A mesh of some
thousand nodes thus stands for hundreds of thousands of particles, each of which carries its share of N(0, I)
exactly: there is no noise in the density that they make.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from flowgif.drawing.ink import AT_ONCE

__all__ = ["Mesh", "Swarm"]

Array = npt.NDArray[np.float64]

# Nodes are spread as N(0, SPREAD^2 I) is. With less the cloud's rim is coarse, with more its middle.
SPREAD = 1.6
# Of two neighbouring edges the longer one is torn where it is that many times as long.
TORN = 3.0
WIDEST = 32.0  # of the swarms' spacings


class Swarm(NamedTuple):
    """Particles that are about as far from each other.

    Attributes:
        spacing: from one to the next at most, in the units of their places.
        particles: places (n, 2) and masses (n,) of some of them at a time; the masses of all swarms sum to 1.
    """

    spacing: float
    particles: Sequence[tuple[Array, Array]]


@dataclass(frozen=True)
class Mesh:
    """A square mesh in the base, node (i, j) at (q_i, q_j) with q_i the quantiles of N(0, SPREAD^2).

    Attributes:
        side: nodes along each side, at least 2.
        halvings: how often each node's cell is halved along each side, at most.
    """

    side: int
    halvings: int

    def nodes(self) -> Tensor:
        """Base points, (side^2, 2) float32, the second coordinate running first."""
        middles = (torch.arange(self.side, dtype=torch.float64) + 0.5) / self.side
        along = SPREAD * torch.special.ndtri(middles)
        return torch.cartesian_prod(along, along).float()

    def finer(self, places: Array, side: int) -> Array:
        """Where another mesh's nodes are, (side^2, 2), if this one's are at ``places``, (self.side^2, 2)."""
        rows = places.reshape(self.side, self.side, 2)
        along = (np.arange(side) + 0.5) * (self.side / side)
        cell = along.astype(np.int64)
        at = (along - cell - 0.5)[:, None, None]
        for _ in range(2):
            slope, bend, _ = _parabolas(_extended(rows), 0)
            rows = (rows[cell] + (slope[cell] + bend[cell] * at) * at).swapaxes(0, 1)
        return rows.reshape(-1, 2)

    def swarms(self, places: Array, spacing: float) -> Iterator[Swarm]:
        """Particles at the middles of cells' parts, in swarms whose spacings are ``spacing``, twice that, and so on.

        Args:
            places: of the nodes, (side^2, 2), wherever they were carried.
            spacing: how close particles are to be: along each side a cell has as many parts as that takes.

        A node's particles are on the parabola through it and its two neighbours, along one axis, then the other. Where
        the flow tears the cloud apart, one of two edges is far longer than the other. What is between lies on either
        side and hardly in the gap, so there a node goes on as it does on its other side.
        """
        rows = _extended(_extended(places.reshape(self.side, self.side, 2)).swapaxes(0, 1)).swapaxes(0, 1)
        slope, bend, length = _parabolas(rows, 0)
        *_, across = _parabolas(rows[1:-1], 1)
        # A flow stretches a cell along a line of the picture a hundred times as much as across it.
        halvings = [
            np.log2(each / spacing).clip(0, self.halvings) for each in (length[:, 1:-1].clip(1e-9), across.clip(1e-9))
        ]
        kinds = np.ceil(halvings).astype(np.int64)
        widths = np.maximum(*(each / 2**kind for each, kind in zip((length[:, 1:-1], across), kinds, strict=True)))
        # Between two spacings a cell's mass is divided, so that neighbours do not look different.
        levels = np.log2((widths / spacing).clip(1, max(1.0, WIDEST / spacing)))
        swarms: dict[int, list[tuple[Array, Array]]] = {}
        for i, j in _groups(kinds):
            parts, near = (2 ** kinds[:, i[0], j[0]]).tolist(), (i[:, None], j[:, None] + np.arange(3))
            at = _middles(parts[0])[:, None, None]
            fine = (rows[1:-1][near])[:, None] + (slope[near][:, None] + bend[near][:, None] * at) * at
            turned, curl, _ = _parabolas(fine, 2)
            at = _middles(parts[1])[:, None]
            found = fine[:, :, 1:2] + (turned + curl * at) * at
            masses = _masses(self.side, parts[0])[i][:, :, None] * _masses(self.side, parts[1])[j][:, None]
            level = levels[i, j]
            for each in range(int(level.max()) + 2):
                share = 1 - np.abs(level - each)
                here = share > 0
                if here.any():
                    some = slice(None) if here.all() else here  # a view where that will do
                    divided = masses[some] * share[some][:, None, None]
                    swarms.setdefault(each, []).append((found[some].reshape(-1, 2), divided.ravel()))
        for each in sorted(swarms):
            yield Swarm(spacing * 2.0**each, swarms[each])


def _extended(x: Array) -> Array:
    """With one more before the first and after the last along the first axis, on straight lines."""
    return np.concatenate((2 * x[:1] - x[1:2], x, 2 * x[-1:] - x[-2:-1]))


def _parabolas(x: Array, axis: int) -> tuple[Array, Array, Array]:
    """Slopes and bends of all but the first and the last along an axis, and their longer edge, without what is torn.

    A place u in a cell, -1/2 to 1/2, is at x + (slope + bend u) u.
    """
    edges = np.diff(x, axis=axis)
    lengths = np.hypot(edges[..., 0], edges[..., 1])
    number = edges.shape[axis]
    (before, after), (left, right) = (
        [np.take(each, range(first, first + number - 1), axis) for first in (0, 1)] for each in (edges, lengths)
    )
    torn_left, torn_right = left > TORN * right, right > TORN * left
    longer = np.where(torn_left, right, np.where(torn_right, left, np.maximum(left, right)))
    before, after = (
        np.where(torn_left[..., None], after, before),
        np.where(torn_right[..., None], before, after),
    )
    return 0.5 * (before + after), 0.5 * (after - before), longer


def _groups(kinds: npt.NDArray[np.int64]) -> Iterator[tuple[npt.NDArray[np.int64], ...]]:
    """Rows and columns of cells that are alike in both kinds (2, rows, columns), with a bounded number of parts."""
    both = (kinds[0] * (kinds[1].max() + 1) + kinds[1]).astype(np.uint8).ravel()
    order = np.argsort(both, kind="stable")  # bytes are sorted in one pass
    for cells in np.split(order, np.flatnonzero(np.diff(both[order])) + 1):
        some = max(1, AT_ONCE // 4 >> int(kinds.reshape(2, -1)[:, cells[0]].sum()))
        for start in range(0, len(cells), some):
            yield np.unravel_index(cells[start : start + some], kinds.shape[1:])


def _middles(parts: int) -> Array:
    return (np.arange(parts) + 0.5) / parts - 0.5


@lru_cache(maxsize=16)
def _masses(side: int, parts: int) -> Array:
    """Of N(0, 1) in each of the nodes' parts along one axis, (side, parts), summing to 1."""
    edges = torch.linspace(0, 1, side * parts + 1, dtype=torch.float64)
    return torch.special.ndtr(SPREAD * torch.special.ndtri(edges)).diff().numpy().reshape(side, parts)
