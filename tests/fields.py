"""What tests of continuous flows share: seeded points, a field with an exact solution, and a random network."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from flowgif.flows.continuous.velocity import Derivatives, VelocityField, VelocityNetwork

MATRIX = torch.tensor([[0.4, -1.1], [0.7, -0.9]], dtype=torch.float64)


class LinearField(VelocityField):
    """v(x, t) = A x: the flow is expm(t A), its log-determinant t tr A."""

    def forward(self, x: Tensor, time: Tensor) -> Tensor:
        return x @ MATRIX.T

    def derivatives(self, x: Tensor, time: Tensor, noise: Tensor | None = None) -> Derivatives:
        tangents = torch.eye(2, dtype=x.dtype)[:, None].expand(2, len(x), 2) if noise is None else noise[None]
        return Derivatives(x @ MATRIX.T, tangents @ MATRIX.T)


def points(n: int, seed: int = 0) -> Tensor:
    return torch.randn(n, 2, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def network(seed: int = 0) -> VelocityNetwork:
    generator = torch.Generator().manual_seed(seed)
    field = VelocityNetwork(features=16, frequency=(2.0, 2.0), width=24, depth=3, generator=generator)
    nn.init.normal_(field.last.weight, generator=generator)
    return field.double()
