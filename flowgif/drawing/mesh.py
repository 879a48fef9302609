"""A density from few particles: a mesh of base points, and what lies between its nodes.

A flow is smooth, so where it carries the points between neighbouring nodes follows from where it carries the nodes. A
mesh of some thousand nodes therefore stands for hundreds of thousands of particles. Each particle carries its share of
N(0, I) exactly, so there is no noise in the density that they make.
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

from flowgif.drawing.ink import CHUNK

__all__ = ["Mesh", "ParticleGroup"]

Array = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]

# Nodes are spread like N(0, SPREAD^2 I). With less the cloud's rim is coarse, with more its middle.
SPREAD = 1.6
# If one of two neighbouring edges is over so many times as long as the other, the flow has torn the cloud there.
TORN = 3.0
MAX_SPACING = 32.0  # of a group; wider cells are in the group with this spacing


class ParticleGroup(NamedTuple):
    """Particles whose spacing is about the same.

    Attributes:
        spacing: the largest distance from one to the next, in the units of their places.
        particles: parts of the group, each places (n, 2) and masses (n,); the masses of all groups sum to 1.
    """

    spacing: float
    particles: Sequence[tuple[Array, Array]]


class _Parabolas(NamedTuple):
    """Parabolas through each node and its two neighbours along one axis.

    A place u in a node's cell, -1/2 to 1/2, is at x + (slope + bend u) u.

    Attributes:
        slope, bend: (..., 2).
        length: of the longer edge that is not torn, (...).
    """

    slope: Array
    bend: Array
    length: Array


@dataclass(frozen=True)
class Mesh:
    """A square mesh in the base. Node (i, j) is at (q_i, q_j), where q_i are quantiles of N(0, SPREAD^2).

    Attributes:
        side: nodes along each side, at least 2.
        halvings: how often each node's cell is halved along each side, at most.
    """

    side: int
    halvings: int

    def nodes(self) -> Tensor:
        """Returns the nodes' base points, (side^2, 2) float32; the second coordinate runs first."""
        middles = (torch.arange(self.side, dtype=torch.float64) + 0.5) / self.side
        along = SPREAD * torch.special.ndtri(middles)
        return torch.cartesian_prod(along, along).float()

    def refine(self, places: Array, side: int) -> Array:
        """Interpolates where the nodes of a mesh with another number of nodes are.

        Args:
            places: of this mesh's nodes, (self.side^2, 2).
            side: nodes of the other mesh along each side.

        Returns:
            Places of the other mesh's nodes, (side^2, 2).
        """
        rows = places.reshape(self.side, self.side, 2)
        along = (np.arange(side) + 0.5) * (self.side / side)
        cell = along.astype(np.int64)
        at = (along - cell - 0.5)[:, None, None]
        for _ in range(2):
            slope, bend, _ = _parabolas(_extended(rows), 0)
            rows = (rows[cell] + (slope[cell] + bend[cell] * at) * at).swapaxes(0, 1)
        return rows.reshape(-1, 2)

    def particle_groups(self, places: Array, spacing: float) -> Iterator[ParticleGroup]:
        """Yields the particles that stand for the mesh, grouped by spacing: ``spacing``, twice that, four times that.

        Each node's cell is halved along either side until its particles are no more than ``spacing`` apart, at most
        ``halvings`` times; a particle has its part's exact share of N(0, I). A cell between two spacings is shared out
        to both groups, so that neighbouring cells look alike.

        Positions in a cell are on the parabola through the node and its two neighbours, along one axis and then the
        other. If one edge is over TORN times as long as the other, the flow has torn the cloud there and the gap is
        nearly empty: the longer edge is ignored and the shorter one continued.

        Args:
            places: where the nodes were carried, (side^2, 2).
            spacing: in the units of the places.
        """
        rows = _extended(_extended(places.reshape(self.side, self.side, 2)).swapaxes(0, 1)).swapaxes(0, 1)
        slope, bend, length = _parabolas(rows, 0)
        down, across = length[:, 1:-1], _parabolas(rows[1:-1], 1).length
        # A flow into thin lines stretches a cell along the line a hundred times as much as across it, so each side has
        # its number of halvings.
        wanted = [np.log2(each / spacing).clip(0, self.halvings) for each in (down.clip(1e-9), across.clip(1e-9))]
        halvings = np.ceil(wanted).astype(np.int64)
        widths = np.maximum(*(each / 2**number for each, number in zip((down, across), halvings, strict=True)))
        levels = np.log2((widths / spacing).clip(1, max(1.0, MAX_SPACING / spacing)))  # group 0 has ``spacing``
        groups: dict[int, list[tuple[Array, Array]]] = {}
        for i, j in _batches_of_like_cells(halvings):
            parts, near = (2 ** halvings[:, i[0], j[0]]).tolist(), (i[:, None], j[:, None] + np.arange(3))
            at = _middles(parts[0])[:, None, None]
            lines = (rows[1:-1][near])[:, None] + (slope[near][:, None] + bend[near][:, None] * at) * at
            turned = _parabolas(lines, 2)
            at = _middles(parts[1])[:, None]
            found = lines[:, :, 1:2] + (turned.slope + turned.bend * at) * at
            masses = _masses(self.side, parts[0])[i][:, :, None] * _masses(self.side, parts[1])[j][:, None]
            level = levels[i, j]
            for group in range(int(level.max()) + 2):
                share = 1 - np.abs(level - group)
                in_group = share > 0
                if in_group.any():
                    chosen = slice(None) if in_group.all() else in_group  # a slice copies nothing
                    divided = masses[chosen] * share[chosen][:, None, None]
                    groups.setdefault(group, []).append((found[chosen].reshape(-1, 2), divided.ravel()))
        for group in sorted(groups):
            yield ParticleGroup(spacing * 2.0**group, groups[group])


def _extended(x: Array) -> Array:
    """Adds one row before the first and one after the last along the first axis, continued on straight lines."""
    return np.concatenate((2 * x[:1] - x[1:2], x, 2 * x[-1:] - x[-2:-1]))


def _parabolas(x: Array, axis: int) -> _Parabolas:
    """Lays parabolas through all nodes but the first and the last along an axis, without the edges that are torn.

    Args:
        x: places of the nodes, (..., 2).
        axis: along which the neighbours are.
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
    return _Parabolas(0.5 * (before + after), 0.5 * (after - before), longer)


def _batches_of_like_cells(halvings: Counts) -> Iterator[tuple[Counts, ...]]:
    """Yields rows and columns of cells that are halved alike, with a bounded number of parts in each batch.

    Args:
        halvings: of each cell along both sides, (2, rows, columns).
    """
    both = (halvings[0] * (halvings[1].max() + 1) + halvings[1]).astype(np.uint8).ravel()
    order = np.argsort(both, kind="stable")  # bytes are sorted in one pass
    for cells in np.split(order, np.flatnonzero(np.diff(both[order])) + 1):
        step = max(1, CHUNK // 4 >> int(halvings.reshape(2, -1)[:, cells[0]].sum()))
        for start in range(0, len(cells), step):
            yield np.unravel_index(cells[start : start + step], halvings.shape[1:])


def _middles(parts: int) -> Array:
    """Returns the middles of a cell's parts, (parts,), if the cell goes from -1/2 to 1/2."""
    return (np.arange(parts) + 0.5) / parts - 0.5


@lru_cache(maxsize=16)
def _masses(side: int, parts: int) -> Array:
    """Returns the mass of N(0, 1) in each of the nodes' parts along one axis, (side, parts), summing to 1."""
    edges = torch.linspace(0, 1, side * parts + 1, dtype=torch.float64)
    return torch.special.ndtr(SPREAD * torch.special.ndtri(edges)).diff().numpy().reshape(side, parts)
