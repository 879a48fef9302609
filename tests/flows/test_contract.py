"""What every flow promises. A new flow joins by entering FLOWS."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from fields import grid_network
from safetensors.torch import load_file, save_file
from torch import Tensor

from flowgif.config.models import GlowConfig, RealNVPConfig, SplineConfig
from flowgif.errors import UnusableInput
from flowgif.flows.base import Flow, base_log_prob
from flowgif.flows.continuous.concatsquash import ConcatSquashNetwork
from flowgif.flows.continuous.ffjord import FFJORD, LADJ_WEIGHT
from flowgif.flows.continuous.grid import GridNetwork
from flowgif.flows.continuous.nodes import Grids
from flowgif.flows.continuous.solver import Solver
from flowgif.flows.continuous.velocity import VelocityNetwork
from flowgif.flows.discrete.actnorm import ActNorm
from flowgif.flows.discrete.chain import Chain, DiscreteFlow, Layer, Mapped
from flowgif.flows.discrete.conditioner import Conditioner
from flowgif.flows.discrete.glow import glow
from flowgif.flows.discrete.linear import Linear
from flowgif.flows.discrete.realnvp import realnvp
from flowgif.flows.discrete.spline import spline_flow

N = 7
# Solves at 1e-10 in float64: what is left is the solver's error, grown a little by the flow's stretching.
SOLVED = 1e-7
# Float64's rounding, through a few layers that stretch it by a hundred at most.
EXACT = 1e-11
# Within a layer of every flow below, a layer and a half included, and at the end.
TIMES = [0.3, 0.37, 0.5, 0.93, 1.0]
# Small, and smooth enough for quadrature; the layers are 5, 3 and 4 so that no time is a layer's end for all.
SMALL = {"features": 4, "frequency": 0.7, "width": 8, "activation": "tanh"}


def _fourier(seed: int) -> Flow:
    generator = torch.Generator().manual_seed(seed)
    network = VelocityNetwork(features=8, frequency=(1.5, 1.5), width=16, depth=3, generator=generator)
    # An untrained network's last layer is zero, which would make most of these tests empty.
    torch.nn.init.normal_(network.last.weight, std=1.0, generator=generator)
    torch.nn.init.normal_(network.last.bias, std=1.0, generator=generator)
    return FFJORD(network, Solver(rtol=1e-10, atol=1e-10)).double()


def _grid(seed: int) -> Flow:
    # The features' second derivatives jump, and a solver must find every jump: few nodes save it work.
    field = grid_network(seed, Grids((-6.0, -6.0, 6.0, 6.0), ((5, 5), (7, 6))), channels=2, width=8)
    return FFJORD(field, Solver(rtol=1e-10, atol=1e-10))


def _paper(seed: int) -> Flow:
    network = ConcatSquashNetwork(width=16, depth=2, end_time=1.5, generator=torch.Generator().manual_seed(seed))
    with torch.no_grad():
        for dense in network.dense:
            dense.weight.mul_(2.0)  # untrained it hardly moves anything apart
    return FFJORD(network, Solver(rtol=1e-10, atol=1e-10)).double()


def _randomised(flow: DiscreteFlow, spread: float, generator: torch.Generator) -> Flow:
    for part in flow.modules():
        # All of them start as the identity, or as a quarter turn.
        if isinstance(part, Conditioner):
            torch.nn.init.normal_(part.last.weight, std=spread, generator=generator)
            torch.nn.init.normal_(part.last.bias, std=spread, generator=generator)
        elif isinstance(part, Linear):
            torch.nn.init.normal_(part.matrix, std=0.5, generator=generator)
        elif isinstance(part, ActNorm):
            torch.nn.init.normal_(part.log_scale, std=0.1, generator=generator)
            torch.nn.init.normal_(part.shift, std=0.3, generator=generator)
    return flow.double()


def _realnvp(seed: int) -> Flow:
    generator = torch.Generator().manual_seed(seed)
    return _randomised(realnvp(RealNVPConfig(layers=5, scale_bound=1.0, **SMALL), generator), 0.15, generator)


def _glow(seed: int) -> Flow:
    generator = torch.Generator().manual_seed(seed)
    return _randomised(glow(GlowConfig(layers=3, scale_bound=1.0, **SMALL), generator), 0.2, generator)


def _spline(seed: int) -> Flow:
    generator = torch.Generator().manual_seed(seed)
    return _randomised(spline_flow(SplineConfig(layers=4, bins=5, bound=3.0, **SMALL), generator), 0.4, generator)


FLOWS: dict[str, Callable[[int], Flow]] = {
    "grid": _grid,
    "fourier": _fourier,
    "concatsquash": _paper,
    "realnvp": _realnvp,
    "glow": _glow,
    "spline": _spline,
}
DISCRETE = {name: make for name, make in FLOWS.items() if make(0).layer_ends()}


# Solves take long, and the three continuous flows share what solves: `make test` has one of them.
SLOW = ("fourier", "concatsquash")


@pytest.fixture(
    params=[
        pytest.param(make, id=name, marks=[pytest.mark.slow] if name in SLOW else []) for name, make in FLOWS.items()
    ]
)
def make(request: pytest.FixtureRequest) -> Callable[[int], Flow]:
    return request.param


@pytest.fixture
def flow(make: Callable[[int], Flow]) -> Flow:
    return make(0)


@pytest.fixture(params=DISCRETE.values(), ids=DISCRETE.keys())
def discrete(request: pytest.FixtureRequest) -> Flow:
    return request.param(0)


@pytest.fixture
def accuracy(flow: Flow) -> float:
    return EXACT if flow.layer_ends() else SOLVED


@pytest.fixture
def ladj_accuracy(flow: Flow, accuracy: float) -> float:
    """Where the divergence is smooth, ladj is as exact as the points. Else the solver's own weight of it shows."""
    kinked = isinstance(flow, FFJORD) and isinstance(flow.field, GridNetwork)
    return SOLVED / LADJ_WEIGHT if kinked else accuracy


@pytest.fixture
def x() -> Tensor:
    points = torch.randn(N, 2, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    points[-1] = torch.tensor([3.4, -0.3])  # outside a spline's bound, along one axis
    return points


@torch.no_grad()
def test_shapes(flow: Flow, x: Tensor) -> None:
    flow = flow.relaxed(1e-3)
    times = torch.tensor([0.0, 0.25, 1.0], dtype=torch.float64)
    assert [tuple(part.shape) for part in flow.to_base(x)] == [(N, 2), (N,)]
    assert [tuple(part.shape) for part in flow.from_base(x)] == [(N, 2), (N,)]
    assert [tuple(part.shape) for part in flow.path(x, times)] == [(3, N, 2), (3, N)]
    assert flow.trajectory(x, times).shape == (3, N, 2)
    assert flow.log_prob(x).shape == (N,)
    assert flow.sample(5, generator=torch.Generator().manual_seed(0)).shape == (5, 2)


@torch.no_grad()
def test_the_flow_does_something(flow: Flow, x: Tensor) -> None:
    """Without this the others would hold for the identity."""
    moved = flow.from_base(x)
    assert (moved.point - x).norm(dim=1).min() > 0.05
    assert moved.ladj.abs().max() > 0.05


@torch.no_grad()
@pytest.mark.parametrize("time", TIMES)
def test_from_base_inverts_to_base(flow: Flow, x: Tensor, time: float, accuracy: float, ladj_accuracy: float) -> None:
    z, there = flow.to_base(x, time)
    back, again = flow.from_base(z, time)
    assert (back - x).abs().max() < accuracy
    assert (there + again).abs().max() < ladj_accuracy


@pytest.mark.parametrize("time", [0.37, 1.0])
@pytest.mark.parametrize("direction", ["to_base", "from_base"])
def test_ladj_is_the_log_determinant_of_the_jacobian(
    flow: Flow, x: Tensor, direction: str, time: float, accuracy: float
) -> None:
    x.requires_grad_(True)
    point, ladj = getattr(flow, direction)(x, time)
    # A point depends on its argument alone (see below), so a sum's gradient is that of each point.
    rows = [torch.autograd.grad(point[:, axis].sum(), x, retain_graph=True)[0] for axis in (0, 1)]
    exact = torch.linalg.slogdet(torch.stack(rows, 1)).logabsdet
    torch.testing.assert_close(ladj, exact, atol=10 * accuracy, rtol=0)


@torch.no_grad()
@pytest.mark.parametrize("direction", ["to_base", "from_base"])
def test_each_point_is_carried_by_itself(flow: Flow, x: Tensor, direction: str, accuracy: float) -> None:
    carry = getattr(flow, direction)
    together = carry(x)
    for k in (0, N - 1):
        alone = carry(x[k : k + 1])
        # The solver adapts to one point here and to all of them there; both are within its tolerance.
        torch.testing.assert_close(alone.point[0], together.point[k], atol=10 * accuracy, rtol=0)
        torch.testing.assert_close(alone.ladj[0], together.ladj[k], atol=10 * accuracy, rtol=0)


@torch.no_grad()
def test_path_passes_through_from_base(flow: Flow, x: Tensor, accuracy: float, ladj_accuracy: float) -> None:
    times = torch.tensor([0.0, 0.0, 0.4, 0.4, 0.45, 0.75, 1.0, 1.0], dtype=torch.float64)
    path = flow.path(x, times)
    for k, time in enumerate(times.tolist()):
        there = flow.from_base(x, time)
        torch.testing.assert_close(path.point[k], there.point, atol=accuracy, rtol=0)
        torch.testing.assert_close(path.ladj[k], there.ladj, atol=ladj_accuracy, rtol=0)
    torch.testing.assert_close(flow.trajectory(x, times), path.point, atol=accuracy, rtol=0)


@torch.no_grad()
def test_nothing_has_moved_at_time_0(flow: Flow, x: Tensor) -> None:
    for mapped in (flow.path(x, torch.tensor([0.0, 0.5])), flow.path(x, torch.tensor([0.0]))):
        assert torch.equal(mapped.point[0], x)
        assert torch.equal(mapped.ladj[0], torch.zeros_like(x[:, 0]))
    for mapped in (flow.from_base(x, 0.0), flow.to_base(x, 0.0)):
        assert torch.equal(mapped.point, x)
        assert torch.equal(mapped.ladj, torch.zeros_like(x[:, 0]))


@torch.no_grad()
def test_trajectory_also_runs_backwards(flow: Flow, x: Tensor, accuracy: float) -> None:
    times = torch.tensor([0.9, 0.37, 0.0], dtype=torch.float64)
    back = flow.trajectory(x, times, start=1.0)
    z = flow.to_base(x).point
    torch.testing.assert_close(back[2], z, atol=accuracy, rtol=0)
    for k, time in ((0, 0.9), (1, 0.37)):
        torch.testing.assert_close(back[k], flow.from_base(z, time).point, atol=accuracy, rtol=0)
    again = flow.trajectory(back[2], torch.tensor([0.5, 1.0], dtype=torch.float64))
    torch.testing.assert_close(again[1], x, atol=accuracy, rtol=0)
    half_way = flow.trajectory(again[0], torch.tensor([0.5, 1.0], dtype=torch.float64), start=0.5)
    torch.testing.assert_close(half_way[0], again[0], atol=accuracy, rtol=0)
    torch.testing.assert_close(half_way[1], x, atol=accuracy, rtol=0)


@torch.no_grad()
def test_log_prob_is_the_change_of_variables(flow: Flow, x: Tensor) -> None:
    z, ladj = flow.to_base(x)
    torch.testing.assert_close(flow.log_prob(x), base_log_prob(z) + ladj, atol=1e-12, rtol=0)


@pytest.mark.parametrize("time", TIMES)
def test_log_prob_integrates_to_one(flow: Flow, time: float) -> None:
    """On a lattice whose step is far below the density's finest detail, the trapezoid rule is nearly exact.

    The circle of radius 5, outside of which are 4e-6 of the base, is carried around all that is carried of its disc.
    """
    angle = torch.linspace(0, 2 * math.pi, 400, dtype=torch.float64)
    step = 0.04 if flow.layer_ends() else 0.15  # layers are cheap, and splines have kinks
    with torch.no_grad():
        rough = flow.relaxed(1e-6)
        edge = rough.from_base(5 * torch.stack((angle.cos(), angle.sin()), 1), time).point
        sides = [torch.arange(float(c.min()) - 0.1, float(c.max()) + 0.1, step, dtype=torch.float64) for c in edge.T]
        total = rough.log_prob(torch.cartesian_prod(*sides), time).exp().sum() * step**2
    assert float(total) == pytest.approx(1, abs=1e-3)


def test_gradients_reach_every_parameter(flow: Flow, x: Tensor) -> None:
    flow.log_prob(x).mean().backward()
    for name, parameter in flow.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().max() > 0, name


@pytest.mark.parametrize("time", [0.37, 1.0])
@pytest.mark.parametrize("direction", ["to_base", "from_base"])
def test_gradients_are_those_of_finite_differences(flow: Flow, x: Tensor, direction: str, time: float) -> None:
    """Along one direction of all weights and points: what is solved for by iteration must be differentiated too."""
    generator = torch.Generator().manual_seed(4)
    parameters = [x.requires_grad_(True), *flow.parameters()]
    along = [torch.randn(p.shape, generator=generator, dtype=torch.float64) for p in parameters]
    if isinstance(flow, FFJORD) and isinstance(flow.field, GridNetwork):
        # An adaptive solver's error in ladj jumps by more than the difference that is sought. Fixed steps jump nowhere.
        flow.solver = Solver("rk4", steps=20)
        for parameter, d in zip(parameters, along, strict=True):
            if parameter is flow.field.table.weight:
                d[-1] = 0  # the row of all nodes without coefficients, which are no weights
    weights = torch.randn(3, N, generator=generator, dtype=torch.float64)

    def value() -> Tensor:
        point, ladj = getattr(flow, direction)(x, time)
        return (weights * torch.stack((*point.unbind(1), ladj))).sum()

    gradients = torch.autograd.grad(value(), parameters, allow_unused=True)  # later layers have no part in it
    slope = sum(float((g * d).sum()) for g, d in zip(gradients, along, strict=True) if g is not None)
    step = 1e-5
    with torch.no_grad():
        ends: list[float] = []
        for amount in (step, -2 * step):
            for parameter, d in zip(parameters, along, strict=True):
                parameter.add_(amount * d)
            ends.append(float(value()))
    # Central differences: an error of step^2, and the solver's 1e-10, or rounding, through the step.
    assert slope == pytest.approx((ends[0] - ends[1]) / (2 * step), rel=1e-5, abs=1e-5 if flow.layer_ends() else 1e-4)


def _whole_layers(flow: Flow, z: Tensor) -> list[Mapped]:
    """Where the base's points are after no layer, one, two, ..., by the layers themselves."""
    assert isinstance(flow, DiscreteFlow)
    stops = [Mapped(z, z.new_zeros(len(z)))]
    for layer in flow.chain.layers:
        assert isinstance(layer, Layer)
        moved = layer.path(stops[-1].point, z.new_ones(1))
        stops.append(Mapped(moved.point[0], stops[-1].ladj + moved.ladj[0]))
    return stops


def test_layer_i_ends_at_time_i_of_t(discrete: Flow, x: Tensor) -> None:
    """To the bit, however the time was rounded, be it a float32's or a sum's."""
    count = len(discrete.layer_ends())
    for i, stop in enumerate(_whole_layers(discrete, x)):
        for time in (i / count, float(torch.tensor(i / count)), sum([1 / count] * i), i * (1 / count)):
            mapped = discrete.from_base(x, min(time, 1.0))
            assert torch.equal(mapped.point, stop.point), (i, time)
            assert torch.equal(mapped.ladj, stop.ladj), (i, time)
        single = discrete.path(x, torch.linspace(0, 1, count + 1)).point[i]
        assert torch.equal(single, stop.point)
        back = discrete.to_base(stop.point, float(torch.tensor(i / count)))
        torch.testing.assert_close(back.point, x, atol=EXACT, rtol=0)


class _Walk(Layer):
    """x = z + 1, by whose place one sees how many layers have moved."""

    def path(self, z: Tensor, fractions: Tensor) -> Mapped:
        return Mapped(z + fractions[:, None, None], z.new_zeros(len(fractions), len(z)))

    def inverse_at(self, x: Tensor, fraction: float = 1.0) -> Mapped:
        return Mapped(x - fraction, x.new_zeros(len(x)))


@pytest.mark.parametrize("count", [1, 2, 3, 7, 48, 49, 100, 163, 200])
def test_a_float32_time_lands_on_a_layer_however_many_there_are(count: int) -> None:
    flow = DiscreteFlow([_Walk() for _ in range(count)]).double()
    start = torch.zeros(1, 2, dtype=torch.float64)
    times = torch.arange(count + 1) / count
    assert flow.path(start, times)[0][:, 0, 0].tolist() == list(range(count + 1))
    for i, time in enumerate(times.tolist()):
        assert flow.to_base(start + i, time).point[0, 0] == 0


@pytest.mark.parametrize("name", ["realnvp", "spline"])
def test_a_coupling_moves_on_straight_lines(name: str, x: Tensor) -> None:
    flow = FLOWS[name](0)
    stops = _whole_layers(flow, x)
    count = len(flow.layer_ends())
    for i in range(count):
        for s in (0.01, 0.5, 0.8):
            line = (1 - s) * stops[i].point + s * stops[i + 1].point
            between = flow.from_base(x, (i + s) / count).point
            torch.testing.assert_close(between, line, atol=EXACT, rtol=0)


def test_a_step_of_glow_moves_its_sublayers_one_after_another(x: Tensor) -> None:
    flow = _glow(0)
    assert isinstance(flow, DiscreteFlow)
    stops = _whole_layers(flow, x)
    second = flow.chain.layers[1]
    assert isinstance(second, Chain)
    point = stops[1].point
    for k, sublayer in enumerate(second.layers):
        assert isinstance(sublayer, Layer)
        # Two fifths of the third of the step that is this sublayer's.
        there = sublayer.path(point, torch.tensor([0.4, 1.0], dtype=torch.float64)).point
        between = flow.from_base(x, (1 + (k + 0.4) / 3) / 3).point
        torch.testing.assert_close(between, there[0], atol=EXACT, rtol=0)
        point = there[1]


@torch.no_grad()
def test_weights_survive_a_file(make: Callable[[int], Flow], x: Tensor, tmp_path: Path) -> None:
    first, second = make(0).relaxed(1e-3), make(1).relaxed(1e-3)
    assert not torch.equal(first.log_prob(x), second.log_prob(x))
    save_file(first.state_dict(), tmp_path / "weights.safetensors")
    second.load_state_dict(load_file(tmp_path / "weights.safetensors"))
    assert torch.equal(first.log_prob(x), second.log_prob(x))


def test_sampling_follows_the_generator(flow: Flow) -> None:
    flow = flow.relaxed(1e-3)
    draws = [flow.sample(5, generator=torch.Generator().manual_seed(seed)) for seed in (3, 3, 4)]
    assert torch.equal(draws[0], draws[1])
    assert not torch.equal(draws[0], draws[2])


@torch.no_grad()
def test_points_may_be_of_any_dtype(flow: Flow, x: Tensor) -> None:
    flow = flow.relaxed(1e-3).float()
    single, whole = x.float(), torch.tensor([[0, 1], [-1, 2]])
    times = torch.tensor([0.5, 1.0])
    assert flow.log_prob(single.double()).dtype == torch.float64
    # The base's density is computed in the points' own dtype.
    torch.testing.assert_close(flow.log_prob(single.double()).float(), flow.log_prob(single), atol=1e-5, rtol=1e-6)
    for answer in (
        lambda points: flow.to_base(points).point,
        lambda points: flow.from_base(points).ladj,
        lambda points: flow.trajectory(points, times),
        lambda points: flow.velocity(points, torch.tensor(0.5)),
    ):
        assert answer(single.double()).dtype == torch.float64
        assert torch.equal(answer(single.double()), answer(single).double())
        assert torch.equal(answer(whole), answer(whole.float()))


@torch.no_grad()
def test_there_may_be_no_points(flow: Flow, x: Tensor) -> None:
    flow, none, times = flow.relaxed(1e-3), x[:0], torch.tensor([0.5, 1.0])
    assert flow.sample(0).shape == (0, 2)
    assert flow.log_prob(none).shape == (0,)
    assert flow.velocity(none, torch.tensor(0.5)).shape == (0, 2)
    assert flow.trajectory(none, times).shape == (2, 0, 2)
    assert [tuple(part.shape) for part in flow.path(none, times)] == [(2, 0, 2), (2, 0)]


@torch.no_grad()
def test_a_point_that_is_nowhere_spoils_no_other(flow: Flow, x: Tensor) -> None:
    flow, times = flow.relaxed(1e-3), torch.tensor([0.5, 1.0])
    nowhere = torch.tensor([[math.nan, 0.0], [0.0, math.inf], [-1e30, 0.0], [math.inf, math.nan]], dtype=x.dtype)
    mixed = torch.cat((x[:3], nowhere, x[3:]))
    log_prob, path, ways = flow.log_prob(mixed), flow.path(mixed, times), flow.trajectory(mixed, times)
    assert torch.equal(torch.cat((log_prob[:3], log_prob[7:])), flow.log_prob(x))
    assert torch.equal(torch.cat((ways[:, :3], ways[:, 7:]), 1), flow.trajectory(x, times))
    assert log_prob[[3, 6]].isnan().all()
    assert log_prob[[4, 5]].tolist() == [-math.inf, -math.inf]
    for part in (path.point[:, 3:7], path.ladj[:, 3:7], ways[:, 3:7]):
        assert part.isnan().all()


def test_points_of_another_shape_are_refused(flow: Flow) -> None:
    with pytest.raises(UnusableInput, match=r"shape \(2,\); give them as \(n, 2\)"):
        flow.log_prob(torch.zeros(2))
