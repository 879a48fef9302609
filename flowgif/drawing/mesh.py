"""Interpolates the density of a flow from a mesh of few base points.

A flow is smooth, so the images of points between nodes can be interpolated from the images of the nodes. A mesh of some
thousand nodes therefore stands for hundreds of thousands of particles. Each particle has exactly the N(0, I) mass of
its part of a cell, so the density has no sampling noise.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from flowgif.drawing.ink import CHUNK

__all__ = ["Mesh", "ParticleGroup"]

Array = npt.NDArray[np.floating]
Counts = npt.NDArray[np.int64]
Marks = npt.NDArray[np.bool_]

# Nodes are distributed like N(0, SPREAD^2 I). A smaller SPREAD makes the rim of the cloud coarse, a larger one its
# middle.
SPREAD = 1.6
# If one edge of a node is more than TORN times as long as the opposite one, the map is taken as discontinuous there
# ('torn').
TORN = 3.0
MAX_SPACING = 32.0  # largest spacing of a group, pixels; wider cells are in this group too


class ParticleGroup(NamedTuple):
    """Particles whose spacing is about the same.

    Attributes:
        spacing: nominal spacing, pixels; cells between two spacings are split between both groups.
        particles: parts of the group, each with positions (n, 2) and masses (n,); the masses of all groups sum to 1.
    """

    spacing: float
    particles: Sequence[tuple[Array, Array]]


class _Parabolas(NamedTuple):
    """Parabolas through each node and its two neighbours along one axis.

    The point at u in [-1/2, 1/2] of a node's cell has position x + slope u + bend u^2; x is the node's position.

    Attributes:
        slope, bend: coefficients, (..., 2).
        length: length of the longer of a node's two edges, torn edges excluded, (...).
        torn: whether the edge before a node is torn, and the edge after it, (...) each.
    """

    slope: Array
    bend: Array
    length: Array
    torn: tuple[Marks, Marks]


@dataclass(frozen=True)
class Mesh:
    """A square mesh in the base. Node (i, j) is at (q_i, q_j).

    q_i is the quantile of N(0, SPREAD^2) at the probability (i + 1/2) / side.

    Attributes:
        side: number of nodes along each side, at least 2.
        max_parts: largest number of parts of a node's cell along each side.
    """

    side: int
    max_parts: int

    def nodes(self) -> Tensor:
        """Returns the nodes' base points, (side^2, 2) float32; the second coordinate varies fastest."""
        probabilities = (torch.arange(self.side, dtype=torch.float64) + 0.5) / self.side
        quantiles = SPREAD * torch.special.ndtri(probabilities)
        return torch.cartesian_prod(quantiles, quantiles).float()

    def refine(self, positions: Array, side: int) -> Array:
        """Interpolates the positions of the nodes of a mesh with another number of nodes.

        Args:
            positions: positions of this mesh's nodes, (self.side^2, 2).
            side: number of nodes of the other mesh along each side.

        Returns:
            Positions of the other mesh's nodes, (side^2, 2).
        """
        rows = positions.reshape(self.side, self.side, 2)
        index = (np.arange(side) + 0.5) * (self.side / side)  # fractional index in this mesh
        cell = index.astype(np.int64)
        u = (index - cell - 0.5)[:, None, None]
        for _ in range(2):
            line = _parabolas(_extended(rows), 0)
            rows = (rows[cell] + (line.slope[cell] + line.bend[cell] * u) * u).swapaxes(0, 1)
        return rows.reshape(-1, 2)

    def particle_groups(self, positions: Array, spacing: float, faintest: float = 0.0) -> Iterator[ParticleGroup]:
        """Yields the particles that stand for the mesh, grouped by spacing: ``spacing``, twice that, four times that.

        Each node's cell is divided along each axis separately until its particles are at most ``spacing`` apart, but
        into at most ``max_parts`` parts. A particle has the exact N(0, I) mass of its part of the cell. A cell between
        two spacings is split between both groups, so that neighbouring cells look alike.

        Positions in a cell are on the parabola through the node and its two neighbours, along one axis and then the
        other. If one edge is over TORN times as long as the opposite one, the flow has torn the cloud there and the gap
        is nearly empty: the parabola becomes a straight line along the shorter edge.

        Args:
            positions: images of the nodes, (side^2, 2), pixels; particles have the same precision.
            spacing: spacing of the first group, pixels.
            faintest: cells whose density is below this share of the mean density are left out.
        """
        patches, lengths = _fit_patches(positions.reshape(self.side, self.side, 2))
        # A flow into thin lines stretches a cell along the line a hundred times as much as across it, so each axis has
        # its number of parts.
        counts = _part_counts(self.max_parts)
        rows = np.stack([np.searchsorted(counts, length / spacing).clip(max=len(counts) - 1) for length in lengths])
        widths = np.maximum(*(length / counts[row] for length, row in zip(lengths, rows, strict=True)))
        # Fractional group index; group g has spacing * 2^g.
        group_of = np.log2((widths / spacing).clip(1, max(1.0, MAX_SPACING / spacing)))
        shown = self._is_shown(patches, lengths, spacing, faintest)
        groups: dict[int, list[tuple[Array, Array]]] = {}
        for i, j in _batches_of_like_cells(rows, shown, counts):
            parts = counts[rows[:, i[0], j[0]]].tolist()
            places = patches[:, i, j] @ _powers(*parts).astype(patches.dtype)  # (2, cells, parts[0] * parts[1])
            above, beside = (
                _masses(self.side, n)[index].astype(patches.dtype) for n, index in zip(parts, (i, j), strict=True)
            )
            masses = (above[:, :, None] * beside[:, None]).reshape(len(i), -1)  # (cells, parts[0] * parts[1])
            group_index = group_of[i, j]
            for group in range(int(group_index.min()), int(group_index.max()) + 2):
                # Linear interpolation between the two nearest groups, (cells,).
                weight = 1 - np.abs(group_index - group)
                in_group = weight > 0
                if in_group.any():
                    chosen = slice(None) if in_group.all() else in_group  # a slice copies nothing
                    weighted = masses[chosen] * weight[chosen][:, None].astype(patches.dtype)
                    groups.setdefault(group, []).append((places[:, chosen].reshape(2, -1).T, weighted.ravel()))
        for group in sorted(groups):
            yield ParticleGroup(spacing * 2.0**group, groups[group])

    def _is_shown(self, patches: Array, lengths: tuple[Array, Array], spacing: float, faintest: float) -> Marks:
        """Tells which cells are at least as dense as a share of the mean over all mass, (side, side).

        Particles are blurred by about their spacing, so no cell counts as narrower.
        """
        mass = _masses(self.side, 1) * _masses(self.side, 1)[:, 0]
        along, across = patches[..., 3], patches[..., 1]  # the derivatives of the position at the node
        area = np.maximum(np.abs(along[0] * across[1] - along[1] * across[0]), spacing * np.maximum(*lengths))
        density = mass / np.maximum(area, spacing**2)
        return density >= faintest * (mass * density).sum()


def _extended(x: Array) -> Array:
    """Extrapolates linearly one row before the first and one after the last along the first axis."""
    return np.concatenate((2 * x[:1] - x[1:2], x, 2 * x[-1:] - x[-2:-1]))


def _fit_patches(nodes: Array) -> tuple[Array, tuple[Array, Array]]:
    """Fits a parabola along the first axis to each node and its two neighbours, and one along the second to these.

    The point at (u, v) in [-1/2, 1/2]^2 of a node's cell is the product of the node's coefficients and the powers
    u^a v^b, as :func:`_powers` orders them.

    Args:
        nodes: positions of the nodes, (side, side, 2).

    Returns:
        The coefficients of column and row, (2, side, side, 9), and the lengths of the cells along both axes, (side,
        side) each.
    """
    # Pad by one extrapolated row and column on every side.
    rows = _extended(_extended(nodes).swapaxes(0, 1)).swapaxes(0, 1)
    along = _parabolas(rows, 0)
    across = _parabolas(rows[1:-1], 1)
    patches = np.empty((2, *nodes.shape[:2], 3, 3), nodes.dtype)
    for power, line in enumerate((rows[1:-1], along.slope, along.bend)):
        # A cell is torn or not as a whole, so all powers of u replace the same edges.
        slope, bend = _slope_and_bend(np.diff(line, axis=1), 1, across.torn)
        for other, coefficient in enumerate((line[:, 1:-1], slope, bend)):
            patches[..., power, other] = np.moveaxis(coefficient, -1, 0)
    return patches.reshape(2, *nodes.shape[:2], 9), (along.length[:, 1:-1], across.length)


@lru_cache(maxsize=256)
def _powers(parts_u: int, parts_v: int) -> Array:
    """Returns the powers u^a v^b, a and b up to 2, of the middles of a cell's parts, (9, parts_u * parts_v)."""
    u, v = (np.vander(_middles(parts), 3, increasing=True).T for parts in (parts_u, parts_v))
    return (u[:, None, :, None] * v[None, :, None, :]).reshape(9, -1)


def _parabolas(x: Array, axis: int) -> _Parabolas:
    """Fits parabolas to all nodes but the first and the last along an axis; opposite edges replace torn ones.

    Args:
        x: positions of the nodes, (..., 2).
        axis: the axis along which nodes are neighbours.
    """
    edges = np.diff(x, axis=axis)
    lengths = np.hypot(edges[..., 0], edges[..., 1])
    before, after = _before_and_after(lengths, axis)
    torn = before > TORN * after, after > TORN * before
    length = np.where(torn[0], after, np.where(torn[1], before, np.maximum(before, after)))
    return _Parabolas(*_slope_and_bend(edges, axis, torn), length, torn)


def _slope_and_bend(edges: Array, axis: int, torn: tuple[Marks, Marks]) -> tuple[Array, Array]:
    """Computes the coefficients of parabolas from edges along an axis; ``torn`` marks edges before and after nodes."""
    before, after = _before_and_after(edges, axis)
    before, after = np.where(torn[0][..., None], after, before), np.where(torn[1][..., None], before, after)
    return 0.5 * (before + after), 0.5 * (after - before)


def _before_and_after(edges: Array, axis: int) -> tuple[Array, Array]:
    """Returns the edge before each inner node along an axis, and the edge after it."""
    edges = np.moveaxis(edges, axis, 0)
    return np.moveaxis(edges[:-1], 0, axis), np.moveaxis(edges[1:], 0, axis)


@cache
def _part_counts(most: int) -> Counts:
    """Returns the possible numbers of parts of a cell along an axis, rising: 1, 2, 3, 4, 6, 8, 12, ... up to ``most``.

    Larger steps would divide most cells further than needed, and smaller ones would make more batches of few cells.
    """
    powers = 2 ** np.arange(most.bit_length())
    return np.unique(np.concatenate((powers, 3 * powers // 2)).clip(1, most))


def _batches_of_like_cells(rows: Counts, shown: Marks, counts: Counts) -> Iterator[tuple[Counts, Counts]]:
    """Yields rows and columns of cells with the same numbers of parts, with a bounded number of parts in each batch.

    Args:
        rows: indices in ``counts`` of the number of parts of each cell along both axes, (2, rows, columns).
        shown: whether a cell is in a batch, (rows, columns).
        counts: the possible numbers of parts.
    """
    pairs = (rows[0] * len(counts) + rows[1]).astype(np.uint16).ravel()
    inside = np.flatnonzero(shown)
    order = inside[np.argsort(pairs[inside], kind="stable")]  # numpy radix-sorts uint16, which is fast
    for cells in np.split(order, np.flatnonzero(np.diff(pairs[order])) + 1):
        if len(cells) == 0:
            continue
        # A batch has at most CHUNK / 4 particles, as each takes several numbers; but at least one cell.
        step = max(1, CHUNK // 4 // int(counts[rows.reshape(2, -1)[:, cells[0]]].prod()))
        for start in range(0, len(cells), step):
            i, j = np.divmod(cells[start : start + step], shown.shape[1])
            yield i, j


def _middles(parts: int) -> Array:
    """Returns the middles of a cell's parts, (parts,), if the cell goes from -1/2 to 1/2."""
    return (np.arange(parts) + 0.5) / parts - 0.5


@lru_cache(maxsize=64)
def _masses(side: int, parts: int) -> Array:
    """Returns the N(0, 1) mass of each part of each node's cell along one axis, (side, parts); the sum is 1."""
    edges = torch.linspace(0, 1, side * parts + 1, dtype=torch.float64)
    return torch.special.ndtr(SPREAD * torch.special.ndtri(edges)).diff().numpy().reshape(side, parts)
