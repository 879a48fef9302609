"""What tests of continuous flows share: seeded points, a field with an exact solution, and random networks."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from flowgif.flows.continuous.grid import GridNetwork
from flowgif.flows.continuous.nodes import Grids, place_nodes
from flowgif.flows.continuous.velocity import Derivatives, VelocityField, VelocityNetwork
from flowgif.targets.toy import ToyTarget

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


# Four grids of different columns and rows over eight blobs, whose means lie within 1.4 of the origin.
GRIDS = Grids((-4.2, -4.5, 4.2, 4.5), ((9, 10), (16, 18), (30, 34), (58, 66)))


def grid_network(seed: int = 0, grids: Grids = GRIDS, channels: int = 3, width: int = 16) -> GridNetwork:
    """A network of grids with random weights, in float64."""
    generator = torch.Generator().manual_seed(seed)
    target = ToyTarget("8gaussians")
    field = GridNetwork(grids, len(place_nodes(grids, target)), channels, width, 2, generator)
    field.fit_to(target)
    nn.init.normal_(field.last.weight, generator=generator)
    with torch.no_grad():
        field.table.weight[:-1] = torch.randn(len(field.places), channels, generator=generator)
    return field.double()
