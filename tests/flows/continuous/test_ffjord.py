"""The continuous flow against exact solutions, autograd, and its solver's declared order."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from flowgif.errors import NumericalError
from flowgif.flows.continuous.ffjord import FFJORD
from flowgif.flows.continuous.solver import Solver
from flowgif.flows.continuous.velocity import Derivatives, VelocityField, VelocityNetwork
from flowgif.session import Loaded

MATRIX = torch.tensor([[0.4, -1.1], [0.7, -0.9]], dtype=torch.float64)


class LinearField(VelocityField):
    """v(x, t) = A x: the flow is expm(t A), its log-determinant t tr A."""

    def forward(self, x: Tensor, time: Tensor) -> Tensor:
        return x @ MATRIX.T

    def derivatives(self, x: Tensor, time: Tensor, noise: Tensor | None = None) -> Derivatives:
        tangents = torch.eye(2, dtype=x.dtype)[:, None].expand(2, len(x), 2) if noise is None else noise[None]
        return Derivatives(x @ MATRIX.T, tangents @ MATRIX.T)


def _points(n: int, seed: int = 0) -> Tensor:
    return torch.randn(n, 2, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def _network(seed: int = 0) -> VelocityNetwork:
    generator = torch.Generator().manual_seed(seed)
    network = VelocityNetwork(features=16, frequency=(2.0, 2.0), width=24, depth=3, generator=generator)
    nn.init.normal_(network.last.weight, generator=generator)
    return network.double()


@pytest.mark.parametrize("time", [0.3, 1.0])
def test_a_linear_field_gives_the_matrix_exponential(time: float) -> None:
    flow = FFJORD(LinearField(), Solver(rtol=1e-11, atol=1e-11))
    z = _points(6)
    point, ladj = flow.from_base(z, time)
    # The solver's tolerance, accumulated over its steps.
    torch.testing.assert_close(point, z @ torch.linalg.matrix_exp(time * MATRIX).T, atol=1e-9, rtol=0)
    torch.testing.assert_close(ladj, torch.full_like(ladj, time * float(MATRIX.trace())), atol=1e-9, rtol=0)


def test_the_density_of_a_linear_field_is_the_gaussian_it_makes() -> None:
    flow = FFJORD(LinearField(), Solver(rtol=1e-11, atol=1e-11))
    push = torch.linalg.matrix_exp(MATRIX)
    exact = torch.distributions.MultivariateNormal(torch.zeros(2, dtype=torch.float64), push @ push.T)
    x = _points(6, seed=1)
    torch.testing.assert_close(flow.log_prob(x), exact.log_prob(x), atol=1e-8, rtol=0)


@pytest.mark.parametrize(("method", "order"), [("euler", 1), ("midpoint", 2), ("rk4", 4)])
def test_a_fixed_solver_has_its_declared_order(method: str, order: int) -> None:
    z = _points(6)
    exact = z @ torch.linalg.matrix_exp(MATRIX).T

    def error(steps: int) -> float:
        return float((FFJORD(LinearField(), Solver(method, steps=steps)).from_base(z).point - exact).abs().max())

    slope = math.log2(error(20) / error(40))
    # Halving the step of a method of order p divides the error by 2^p, but for terms of higher order.
    assert slope == pytest.approx(order, abs=0.15)


@pytest.mark.parametrize("time", [0.0, 0.35, 0.9, 1.0])
def test_derivatives_agree_with_autograd(time: float) -> None:
    network, x, t = _network(), _points(9), torch.tensor(time, dtype=torch.float64)
    exact = torch.stack([torch.func.jacrev(lambda p: network(p[None], t)[0])(point) for point in x])
    velocity, tangents = network.derivatives(x, t)
    torch.testing.assert_close(velocity, network(x, t), atol=1e-13, rtol=0)
    # Two orders of the same float64 sums.
    torch.testing.assert_close(tangents.permute(1, 2, 0), exact, atol=1e-12, rtol=0)
    noise = _points(9, seed=5)
    torch.testing.assert_close(
        network.derivatives(x, t, noise).tangents[0], torch.einsum("nij,nj->ni", exact, noise), atol=1e-12, rtol=0
    )


def test_a_time_for_each_point_is_that_time_for_it_alone() -> None:
    network, x = _network(), _points(5)
    times = torch.linspace(0, 1, 5, dtype=torch.float64)
    together = network(x, times)
    alone = torch.cat([network(x[i : i + 1], times[i]) for i in range(5)])
    torch.testing.assert_close(together, alone, atol=1e-13, rtol=0)


def test_the_divergence_is_differentiable_in_the_weights() -> None:
    """Against finite differences of one weight: the likelihood objective stands on this."""
    network, x, t = _network(), _points(4), torch.tensor(0.6, dtype=torch.float64)
    weight = network.first.weight

    def divergence() -> Tensor:
        d = network.derivatives(x, t).tangents
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


def test_hutchinson_is_unbiased_and_keeps_one_noise_a_solve() -> None:
    x = _points(1).expand(4000, 2)
    generator = torch.Generator().manual_seed(2)
    estimated = FFJORD(_network(), hutchinson=True).to_base_regularised(x, generator)
    exact = FFJORD(_network()).to_base_regularised(x[:1], generator)
    for name in ("ladj", "jacobian"):
        values = getattr(estimated, name)
        error = values.std() / len(values) ** 0.5
        # Five standard errors; both solves are at training's tolerance of 1e-3.
        assert abs(values.mean() - getattr(exact, name)[0]) < 5 * error + 5e-3, name
    # With one noise vector a linear field's estimate is e^T A e exactly; with several it could not be.
    linear = FFJORD(LinearField(), hutchinson=True).to_base_regularised(_points(5), torch.Generator().manual_seed(3))
    noise = torch.randn(5, 2, generator=torch.Generator().manual_seed(3)).double()
    expected = -torch.einsum("ni,ij,nj->n", noise, MATRIX, noise)
    torch.testing.assert_close(linear.ladj, expected, atol=1e-5, rtol=0)


def test_the_regularisers_are_their_integrals() -> None:
    """For v = A x the kinetic energy is an integral of known points, and the Jacobian's norm is constant."""
    x = _points(5)
    solved = FFJORD(LinearField()).to_base_regularised(x, torch.Generator())
    times = torch.linspace(0, 1, 401, dtype=torch.float64)
    along = torch.stack([x @ torch.linalg.matrix_exp((t - 1) * MATRIX).T for t in times])
    kinetic = torch.trapezoid((along @ MATRIX.T).square().sum(-1), times, dim=0)
    # Training's tolerance is 1e-3.
    torch.testing.assert_close(solved.kinetic, kinetic, atol=5e-3, rtol=5e-3)
    torch.testing.assert_close(solved.jacobian, MATRIX.square().sum().expand(5), atol=1e-6, rtol=0)
    torch.testing.assert_close(solved.ladj, -MATRIX.trace().expand(5), atol=1e-6, rtol=0)


def test_an_untrained_flow_is_the_base_itself() -> None:
    network = VelocityNetwork(8, (1.0, 1.0), 8, 2, torch.Generator().manual_seed(0)).double()
    flow, x = FFJORD(network), _points(5)
    exact = torch.distributions.MultivariateNormal(torch.zeros(2, dtype=torch.float64), torch.eye(2).double())
    # c(t) x stretches and shrinks the same on the way, so that only the solver's error is left.
    torch.testing.assert_close(flow.log_prob(x), exact.log_prob(x), atol=1e-5, rtol=0)


def test_the_solver_gives_up_with_a_remedy() -> None:
    network = _network()
    with torch.no_grad():
        network.last.weight.mul_(1e6)
    flow = FFJORD(network, Solver(most_steps=20))
    with pytest.raises(NumericalError, match=r"gave up after .* evaluations.*--lr"):
        flow.log_prob(_points(3))


def test_a_trained_density_integrates_to_one(cat: Loaded) -> None:
    """Within half a percent, on a lattice of two and a half pixels: what a short training leaves is blurred wider."""
    step = 2.5 / float(cat.target.scale.max())
    side = torch.arange(-4.5, 4.5, step)
    plane = torch.cartesian_prod(side, side)
    with torch.no_grad():
        # Far from everything the density is that of the base's tail: below e^-10 at radius 4.5.
        total = float(cat.flow.relaxed(1e-4).log_prob(plane).exp().sum()) * step**2
    assert total == pytest.approx(1, abs=0.005)
