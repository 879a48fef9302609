"""Makes evenly spread points of the cloud, N(0, I)."""

from __future__ import annotations

import math

import torch
from torch import Tensor

__all__ = ["normal_quantiles", "spread_cloud"]

EDGE = 1e-9  # smallest distance of a probability from 0 and 1; the quantile is then 6 standard deviations away


def spread_cloud(n: int, seed: int) -> Tensor:
    """Spreads n points like N(0, I), (n, 2) float32, so evenly that ink of any shape fills evenly.

    The points are a scrambled Sobol sequence. Each is moved at random by about the distance to its neighbours,
    because a bare sequence shows as a lattice in the cloud. The moves wrap around the unit
    square, which keeps the density even.

    Args:
        n: number of points.
        seed: seed of the scrambling and of the moves.
    """
    u = torch.quasirandom.SobolEngine(2, scramble=True, seed=seed).draw(n, dtype=torch.float64)
    moves = torch.rand(n, 2, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) - 0.5
    return normal_quantiles((u + moves / math.sqrt(n)) % 1).float()


def normal_quantiles(u: Tensor) -> Tensor:
    """Maps probabilities u, uniform on (0, 1), to draws of N(0, 1); 0 and 1 themselves stay finite."""
    return torch.special.ndtri(u.clamp(EDGE, 1 - EDGE))
