"""What tests of discrete flows share: seeded points, a network with random weights, and zuko's coupling."""

from __future__ import annotations

from collections.abc import Callable

import torch
import zuko
from torch import Tensor, nn

from flowgif.config.models import RealNVPConfig
from flowgif.flows.discrete.conditioner import Conditioner

DOUBLE = torch.float64
# The same formulas in another order: float64's rounding, through steep places.
SAME = 1e-10


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def points(n: int, seed: int = 0, spread: float = 1.5) -> Tensor:
    return spread * torch.randn(n, 2, generator=seeded(seed), dtype=DOUBLE)


def conditioner(networks: int, outputs: int, seed: int) -> Conditioner:
    config = RealNVPConfig(layers=1, features=4, frequency=1.0, width=16, depth=2)
    network = Conditioner(networks, outputs, config, 0, seeded(seed))
    nn.init.normal_(network.last.weight, std=1.0, generator=seeded(seed + 100))
    nn.init.normal_(network.last.bias, std=0.5, generator=seeded(seed + 200))
    return network.double()


def zuko_coupling(moved: int, meta: Callable[[Tensor], object]) -> zuko.transforms.CouplingTransform:
    """``meta`` makes the transform of the moved coordinate from the kept one."""
    return zuko.transforms.CouplingTransform(meta, torch.arange(2) != moved)
