"""The continuous flow against exact solutions."""

from __future__ import annotations

import pytest
import torch
from fields import MATRIX, LinearField, network, points

from flowgif.api import Loaded
from flowgif.errors import NumericalError
from flowgif.flows.continuous import ffjord
from flowgif.flows.continuous.ffjord import FFJORD, LADJ_WEIGHT
from flowgif.flows.continuous.solver import Solver
from flowgif.flows.continuous.velocity import VelocityNetwork


@pytest.mark.parametrize("time", [0.3, 1.0])
def test_a_linear_field_gives_the_matrix_exponential(time: float) -> None:
    flow = FFJORD(LinearField(), Solver(rtol=1e-11, atol=1e-11))
    z = points(6)
    point, ladj = flow.from_base(z, time)
    # The solver's tolerance, accumulated over its steps.
    torch.testing.assert_close(point, z @ torch.linalg.matrix_exp(time * MATRIX).T, atol=1e-9, rtol=0)
    torch.testing.assert_close(ladj, torch.full_like(ladj, time * float(MATRIX.trace())), atol=1e-9, rtol=0)


def test_the_density_of_a_linear_field_is_the_gaussian_it_makes() -> None:
    flow = FFJORD(LinearField(), Solver(rtol=1e-11, atol=1e-11))
    push = torch.linalg.matrix_exp(MATRIX)
    exact = torch.distributions.MultivariateNormal(torch.zeros(2, dtype=torch.float64), push @ push.T)
    x = points(6, seed=1)
    torch.testing.assert_close(flow.log_prob(x), exact.log_prob(x), atol=1e-8, rtol=0)


def test_hutchinson_is_unbiased_and_keeps_one_noise_a_solve() -> None:
    x = points(1).expand(4000, 2)
    generator = torch.Generator().manual_seed(2)
    estimated = FFJORD(network(), hutchinson=True).to_base_regularised(x, generator)
    exact = FFJORD(network()).to_base_regularised(x[:1], generator)
    for name in ("ladj", "jacobian"):
        values = getattr(estimated, name)
        error = values.std() / len(values) ** 0.5
        # Five standard errors; both solves are at training's tolerance of 1e-3.
        assert abs(values.mean() - getattr(exact, name)[0]) < 5 * error + 5e-3, name
    # With one noise vector a linear field's estimate is e^T A e exactly; with several it could not be.
    linear = FFJORD(LinearField(), hutchinson=True).to_base_regularised(points(5), torch.Generator().manual_seed(3))
    noise = torch.randn(5, 2, generator=torch.Generator().manual_seed(3)).double()
    expected = -torch.einsum("ni,ij,nj->n", noise, MATRIX, noise)
    torch.testing.assert_close(linear.ladj, expected, atol=1e-5, rtol=0)


def test_the_regularisers_are_their_integrals() -> None:
    """For v = A x the kinetic energy is an integral of known points, and the Jacobian's norm is constant."""
    x = points(5)
    solved = FFJORD(LinearField()).to_base_regularised(x, torch.Generator())
    times = torch.linspace(0, 1, 401, dtype=torch.float64)
    along = torch.stack([x @ torch.linalg.matrix_exp((t - 1) * MATRIX).T for t in times])
    kinetic = torch.trapezoid((along @ MATRIX.T).square().sum(-1), times, dim=0)
    # Training's tolerance is 1e-3.
    torch.testing.assert_close(solved.kinetic, kinetic, atol=5e-3, rtol=5e-3)
    torch.testing.assert_close(solved.jacobian, MATRIX.square().sum().expand(5), atol=1e-6, rtol=0)
    torch.testing.assert_close(solved.ladj, -MATRIX.trace().expand(5), atol=1e-6, rtol=0)


def test_an_untrained_flow_is_the_base_itself() -> None:
    field = VelocityNetwork(8, (1.0, 1.0), 8, 2, torch.Generator().manual_seed(0)).double()
    flow, x = FFJORD(field), points(5)
    exact = torch.distributions.MultivariateNormal(torch.zeros(2, dtype=torch.float64), torch.eye(2).double())
    # c(t) x stretches and shrinks the same on the way, so that only the solver's error is left.
    torch.testing.assert_close(flow.log_prob(x), exact.log_prob(x), atol=1e-5, rtol=0)


def test_the_solver_gives_up_with_a_remedy() -> None:
    field = network()
    with torch.no_grad():
        field.last.weight.mul_(1e6)
    flow = FFJORD(field, Solver(most_steps=20))
    with pytest.raises(NumericalError, match=r"gave up after .* evaluations.*--lr"):
        flow.log_prob(points(3))


@pytest.mark.slow
def test_a_trained_density_integrates_to_one(cat: Loaded) -> None:
    """Within half a percent, on a lattice of five pixels: what a short training leaves is blurred wider.

    Outside the square the density is that of the base's tail, which has 0.2 % of the mass beyond a radius of 3.6.
    """
    step = 5 / float(cat.target.scale.max())
    side = torch.arange(-3.6, 3.6, step)
    plane = torch.cartesian_prod(side, side)
    with torch.no_grad():
        total = float(cat.flow.relaxed(1e-3).log_prob(plane).exp().sum()) * step**2
    assert total == pytest.approx(1, abs=0.005)


@pytest.mark.usefixtures("two_threads")
def test_blocks_are_solved_each_by_itself_and_put_together_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ffjord, "BLOCK", 10)
    # Points far out take more steps, so that blocks end in another order than they began.
    flow, x = FFJORD(network()), points(25) * torch.linspace(3, 0, 25, dtype=torch.float64)[:, None]
    with torch.no_grad():
        together = flow.to_base(x)
        evaluations = flow.evaluations
        alone, counts = [], []
        for block in x.split(10):
            alone.append(flow.to_base(block))
            counts.append(flow.evaluations)
        paths = flow.path(x, torch.tensor([0.2, 0.7, 1.0]))
        parts = [flow.path(block, torch.tensor([0.2, 0.7, 1.0])) for block in x.split(10)]
    assert torch.equal(together.point, torch.cat([block.point for block in alone]))
    assert torch.equal(together.ladj, torch.cat([block.ladj for block in alone]))
    assert evaluations == max(counts)
    assert len(set(counts)) > 1
    assert torch.equal(paths.point, torch.cat([part.point for part in parts], 1))
    assert torch.equal(paths.ladj, torch.cat([part.ladj for part in parts], 1))


@pytest.mark.usefixtures("two_threads")
def test_threads_keep_no_gradients_and_training_keeps_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ffjord, "BLOCK", 10)
    flow, x = FFJORD(network()), points(25)
    with torch.no_grad():
        assert not flow.to_base(x).point.requires_grad
    mapped = flow.to_base(x)
    assert mapped.point.requires_grad
    assert mapped.ladj.requires_grad


def test_log_determinants_count_less_for_the_tolerance_and_are_still_exact() -> None:
    """One nat counts as 0.03 data units, so that their error may be larger by the inverse."""
    x, tolerance = points(30), 1e-6
    with torch.no_grad():
        exact = FFJORD(network(), Solver(rtol=1e-12, atol=1e-12)).to_base(x)
        solved = FFJORD(network(), Solver(rtol=tolerance, atol=tolerance)).to_base(x)
    # An error is tolerated in each of about thirty steps.
    assert (solved.point - exact.point).abs().max() < 30 * tolerance
    assert (solved.ladj - exact.ladj).abs().max() < 30 * tolerance / LADJ_WEIGHT


class Exploding(LinearField):
    """dx/dt = |x|^2 x, whose points at distance r are infinitely far away after a time of 1 / (2 r^2)."""

    def forward(self, x: torch.Tensor, time: torch.Tensor) -> torch.Tensor:
        return x.square().sum(1, keepdim=True) * x


@pytest.mark.usefixtures("two_threads")
def test_a_block_that_cannot_be_solved_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ffjord, "BLOCK", 10)
    x = 0.1 * points(25).clamp(-1, 1)
    x[17] = 2.0
    with torch.no_grad(), pytest.raises(NumericalError, match="the ODE solver gave up"):
        FFJORD(Exploding()).trajectory(x, torch.tensor([1.0]))


@torch.no_grad()
def test_far_points_that_cannot_be_solved_are_given_up_alone() -> None:
    flow = FFJORD(Exploding())
    near = 0.3 * points(5).clamp(-1, 1)
    far = torch.tensor([[0.0, 1e3]], dtype=near.dtype)
    ways = flow.trajectory(torch.cat((near, far)), torch.tensor([0.5, 1.0]))
    assert torch.equal(ways[:, :5], flow.trajectory(near, torch.tensor([0.5, 1.0])))
    assert ways[:, 5].isnan().all()
    # A point that is not far says that the flow itself cannot be solved.
    with pytest.raises(NumericalError, match="the ODE solver gave up"):
        flow.trajectory(torch.cat((near, far / 500)), torch.tensor([1.0]))
