"""What every flow promises. A new flow joins by entering FLOWS."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from flowgif.flows.base import Flow, base_log_prob
from flowgif.flows.ffjord import FFJORD, Solver
from flowgif.flows.velocity import VelocityNetwork

N = 7
# Solves at 1e-10 in float64: what is left is the solver's error, grown a little by the flow's stretching.
SOLVED = 1e-7


def _ffjord(seed: int) -> Flow:
    generator = torch.Generator().manual_seed(seed)
    network = VelocityNetwork(features=8, frequency=(1.5, 1.5), width=16, depth=3, generator=generator)
    # An untrained network's last layer is zero, which would make most of these tests empty.
    torch.nn.init.normal_(network.last.weight, std=1.0, generator=generator)
    torch.nn.init.normal_(network.last.bias, std=1.0, generator=generator)
    return FFJORD(network, Solver(rtol=1e-10, atol=1e-10)).double()


FLOWS: dict[str, Callable[[int], Flow]] = {"ffjord": _ffjord}


@pytest.fixture(params=FLOWS.values(), ids=FLOWS.keys())
def make(request: pytest.FixtureRequest) -> Callable[[int], Flow]:
    return request.param


@pytest.fixture
def flow(make: Callable[[int], Flow]) -> Flow:
    return make(0)


@pytest.fixture
def x() -> Tensor:
    return torch.randn(N, 2, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def test_shapes(flow: Flow, x: Tensor) -> None:
    times = torch.tensor([0.0, 0.25, 1.0], dtype=torch.float64)
    assert [tuple(part.shape) for part in flow.to_base(x)] == [(N, 2), (N,)]
    assert [tuple(part.shape) for part in flow.from_base(x)] == [(N, 2), (N,)]
    assert [tuple(part.shape) for part in flow.path(x, times)] == [(3, N, 2), (3, N)]
    assert flow.trajectory(x, times).shape == (3, N, 2)
    assert flow.log_prob(x).shape == (N,)
    assert flow.sample(5, generator=torch.Generator().manual_seed(0)).shape == (5, 2)


def test_the_flow_does_something(flow: Flow, x: Tensor) -> None:
    """Without this the others would hold for the identity."""
    moved = flow.from_base(x)
    assert (moved.point - x).norm(dim=1).min() > 0.05
    assert moved.ladj.abs().max() > 0.05


@pytest.mark.parametrize("time", [0.3, 1.0])
def test_from_base_inverts_to_base(flow: Flow, x: Tensor, time: float) -> None:
    z, there = flow.to_base(x, time)
    back, again = flow.from_base(z, time)
    assert (back - x).abs().max() < SOLVED
    assert (there + again).abs().max() < SOLVED


@pytest.mark.parametrize("direction", ["to_base", "from_base"])
def test_ladj_is_the_log_determinant_of_the_jacobian(flow: Flow, x: Tensor, direction: str) -> None:
    carry = getattr(flow, direction)
    jacobian = torch.stack(
        [torch.autograd.functional.jacobian(lambda p: carry(p[None]).point[0], point) for point in x]  # type: ignore[no-untyped-call]
    )
    # The solver adapts to one point here and to all of them there; both are within its tolerance.
    torch.testing.assert_close(carry(x).ladj, torch.linalg.slogdet(jacobian).logabsdet, atol=1e-6, rtol=0)


def test_path_passes_through_from_base(flow: Flow, x: Tensor) -> None:
    times = torch.tensor([0.0, 0.4, 0.4, 1.0], dtype=torch.float64)
    path = flow.path(x, times)
    for k, time in enumerate(times.tolist()):
        there = flow.from_base(x, time)
        torch.testing.assert_close(path.point[k], there.point, atol=SOLVED, rtol=0)
        torch.testing.assert_close(path.ladj[k], there.ladj, atol=SOLVED, rtol=0)
    torch.testing.assert_close(path.point[0], x, atol=0, rtol=0)
    torch.testing.assert_close(flow.trajectory(x, times), path.point, atol=SOLVED, rtol=0)


def test_trajectory_also_runs_backwards(flow: Flow, x: Tensor) -> None:
    times = torch.tensor([0.5, 0.0], dtype=torch.float64)
    back = flow.trajectory(x, times, start=1.0)
    z = flow.to_base(x).point
    torch.testing.assert_close(back[1], z, atol=SOLVED, rtol=0)
    torch.testing.assert_close(back[0], flow.from_base(z, 0.5).point, atol=SOLVED, rtol=0)


def test_log_prob_is_the_change_of_variables(flow: Flow, x: Tensor) -> None:
    z, ladj = flow.to_base(x)
    torch.testing.assert_close(flow.log_prob(x), base_log_prob(z) + ladj, atol=1e-12, rtol=0)


@pytest.mark.parametrize("time", [0.5, 1.0])
def test_log_prob_integrates_to_one(flow: Flow, time: float) -> None:
    """On a lattice whose step is far below the density's finest detail, the trapezoid rule is nearly exact."""
    side = torch.arange(-9, 9, 0.15, dtype=torch.float64)
    plane = torch.cartesian_prod(side, side)
    with torch.no_grad():
        total = flow.relaxed(1e-6).log_prob(plane, time).exp().sum() * 0.15**2
    assert float(total) == pytest.approx(1, abs=1e-3)


def test_gradients_reach_every_parameter(flow: Flow, x: Tensor) -> None:
    flow.log_prob(x).mean().backward()
    for name, parameter in flow.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().max() > 0, name


def test_weights_survive_a_file(make: Callable[[int], Flow], x: Tensor, tmp_path: Path) -> None:
    first, second = make(0), make(1)
    assert not torch.equal(first.log_prob(x), second.log_prob(x))
    save_file(first.state_dict(), tmp_path / "weights.safetensors")
    second.load_state_dict(load_file(tmp_path / "weights.safetensors"))
    assert torch.equal(first.log_prob(x), second.log_prob(x))


def test_sampling_follows_the_generator(flow: Flow) -> None:
    draws = [flow.sample(5, generator=torch.Generator().manual_seed(seed)) for seed in (3, 3, 4)]
    assert torch.equal(draws[0], draws[1])
    assert not torch.equal(draws[0], draws[2])
