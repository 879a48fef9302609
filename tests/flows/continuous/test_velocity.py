"""The velocity network's derivatives against autograd and finite differences."""

from __future__ import annotations

import pytest
import torch
from fields import network, points
from torch import Tensor


@pytest.mark.parametrize("time", [0.0, 0.35, 0.9, 1.0])
def test_derivatives_agree_with_autograd(time: float) -> None:
    field, x, t = network(), points(9), torch.tensor(time, dtype=torch.float64)
    exact = torch.stack([torch.func.jacrev(lambda p: field(p[None], t)[0])(point) for point in x])
    velocity, tangents = field.derivatives(x, t)
    torch.testing.assert_close(velocity, field(x, t), atol=1e-13, rtol=0)
    # Two orders of the same float64 sums.
    torch.testing.assert_close(tangents.permute(1, 2, 0), exact, atol=1e-12, rtol=0)
    noise = points(9, seed=5)
    torch.testing.assert_close(
        field.derivatives(x, t, noise).tangents[0], torch.einsum("nij,nj->ni", exact, noise), atol=1e-12, rtol=0
    )


def test_a_time_for_each_point_is_that_time_for_it_alone() -> None:
    field, x = network(), points(5)
    times = torch.linspace(0, 1, 5, dtype=torch.float64)
    together = field(x, times)
    alone = torch.cat([field(x[i : i + 1], times[i]) for i in range(5)])
    torch.testing.assert_close(together, alone, atol=1e-13, rtol=0)


def test_the_divergence_is_differentiable_in_the_weights() -> None:
    """Against finite differences of one weight: the likelihood objective stands on this."""
    field, x, t = network(), points(4), torch.tensor(0.6, dtype=torch.float64)
    weight = field.first.weight

    def divergence() -> Tensor:
        d = field.derivatives(x, t).tangents
        return (d[0, :, 0] + d[1, :, 1]).sum()

    gradient = torch.autograd.grad(divergence(), weight)[0][3, 5]
    step = 1e-6
    with torch.no_grad():
        weight[3, 5] += step
        above = divergence()
        weight[3, 5] -= 2 * step
        below = divergence()
    # Central differences: an error of step^2, and rounding of 1e-16 / step.
    assert float(gradient) == pytest.approx(float((above - below) / (2 * step)), abs=1e-7)
