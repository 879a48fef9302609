"""What tests of discrete flows share: seeded points, a network with random weights, and zuko's coupling."""

from __future__ import annotations

from collections.abc import Callable

import torch
import zuko
from torch import Tensor, nn

from flowgif.flows.discrete.conditioner import Conditioner

DOUBLE = torch.float64
# The same formulas in another order: float64's rounding, through steep places.
SAME = 1e-10


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def points(n: int, seed: int = 0, spread: float = 1.5) -> Tensor:
    return spread * torch.randn(n, 2, generator=seeded(seed), dtype=DOUBLE)


def randomised(networks: Conditioner, seed: int) -> Conditioner:
    """The networks with random outputs; untrained their outputs are zero."""
    nn.init.normal_(networks.last.weight, std=1.0, generator=seeded(seed + 100))
    nn.init.normal_(networks.last.bias, std=0.5, generator=seeded(seed + 200))
    return networks.double()


def zuko_coupling(moved: int, meta: Callable[[Tensor], object]) -> zuko.transforms.CouplingTransform:
    """``meta`` makes the transform of the moved coordinate from the kept one."""
    return zuko.transforms.CouplingTransform(meta, torch.arange(2) != moved)
