"""A density from few particles: a mesh of base points, and what lies between its nodes.

A flow is smooth, so where it takes the points between four neighbours follows from where it takes these. A mesh of some
ten thousand nodes thus stands for hundreds of thousands of particles, each of which carries its share of N(0, I)
exactly: there is no noise in the density that they make.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

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
        spacing: from one to the next, in the units of their places.
        places: (n, 2).
        masses: of each, (n,), in all swarms summing to 1.
    """

    spacing: float
    places: Array
    masses: Array


@dataclass(frozen=True)
class Mesh:
    """A square mesh in the base, node (i, j) at (q_i, q_j) with q_i the quantiles of N(0, SPREAD^2).

    Attributes:
        side: nodes along each side, at least 2.
        parts: into how many each node's cell is divided along each side.
    """

    side: int
    parts: int

    def nodes(self) -> Tensor:
        """Base points, (side^2, 2) float32, the second coordinate running first."""
        middles = (torch.arange(self.side, dtype=torch.float64) + 0.5) / self.side
        along = SPREAD * torch.special.ndtri(middles)
        return torch.cartesian_prod(along, along).float()

    def swarms(self, places: Array, closest: float) -> Iterator[Swarm]:
        """The particles at the middles of all parts, in swarms whose spacings are ``closest``, twice that, and so on.

        Args:
            places: of the nodes, (side^2, 2), wherever they were carried.
            closest: the least spacing; particles that are closer count as that.

        A node's particles are on the parabola through it and its two neighbours, along one axis, then the other. Where
        the flow tears the cloud apart, one of two edges is far longer than the other. What is between lies on either
        side and hardly in the gap, so there a node goes on as it does on its other side.
        """
        rows = places.reshape(self.side, self.side, 2)
        fine, far = _along(rows, self.parts)
        fine, further = _along(fine.swapaxes(0, 1), self.parts)
        # (column, part, row, part) to a row of parts for each node.
        blocks = fine.reshape(self.side, self.parts, self.side, self.parts, 2).transpose(2, 0, 3, 1, 4)
        masses = _masses(self.side, self.parts)
        wide = np.maximum(far, further.reshape(self.side, self.side, self.parts).max(2).T) / self.parts
        # Between two spacings a node's mass is divided, so that neighbours do not look different. The wider has more
        # of it, as particles that count as closer than they are would show one by one.
        level = np.maximum(np.log2(wide.clip(0.1 * closest, max(closest, WIDEST)) / closest) + 0.5, 0)
        for each in range(int(level.max()) + 2):
            share = 1 - np.abs(level - each)
            here = share > 0
            if here.any():
                divided = (masses[here] * share[here][:, None]).ravel()
                yield Swarm(closest * 2.0**each, blocks[here].reshape(-1, 2), divided)


def _along(x: Array, parts: int) -> tuple[Array, Array]:
    """Each row's parts along the first axis, (len(x) parts, ...), and how long a row's cell is, without them."""
    edges = np.diff(x, axis=0)
    before, after = np.concatenate((edges[:1], edges)), np.concatenate((edges, edges[-1:]))
    length = np.hypot(*np.moveaxis(edges, -1, 0))[..., None]
    left, right = np.concatenate((length[:1], length)), np.concatenate((length, length[-1:]))
    torn_left, torn_right = left > TORN * right, right > TORN * left
    before, after = np.where(torn_left, after, before), np.where(torn_right, before, after)
    slope, bend = 0.5 * (before + after), 0.5 * (after - before)
    at = (np.arange(parts) + 0.5) / parts - 0.5
    fine = np.stack([x + (slope + bend * place) * place for place in at], 1)
    return fine.reshape(len(x) * parts, *x.shape[1:]), np.hypot(*np.moveaxis(slope, -1, 0))


@lru_cache(maxsize=2)
def _masses(side: int, parts: int) -> Array:
    """Of N(0, I) in each node's parts, (side, side, parts^2), summing to 1."""
    edges = torch.linspace(0, 1, side * parts + 1, dtype=torch.float64)
    along = torch.special.ndtr(SPREAD * torch.special.ndtri(edges)).diff().numpy().reshape(side, parts)
    return np.einsum("ip,jq->ijpq", along, along).reshape(side, side, -1)
