"""The network of grids: its derivatives, its smoothness, and how it is stored."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
import torch.nn.functional as F
from fields import GRIDS, grid_network, points
from torch import Tensor, nn

from flowgif.config.models import FFJORDConfig
from flowgif.flows.continuous.ffjord import NETWORKS
from flowgif.flows.continuous.grid import GridNetwork
from flowgif.flows.continuous.nodes import Grids
from flowgif.flows.continuous.table import look_up
from flowgif.targets.toy import ToyTarget
from flowgif.training.updates import Adam

DOUBLE = torch.float64
# The same float64 sums in two orders. Derivatives grow with the inverse of the spacings.
SAME = 1e-12
# 0 and 1 are the ends; at 0.2 the finest grid is left out, at 0.9 all grids are read.
TIMES = [0.0, 0.2, 0.6, 0.9, 1.0]


def _at(time: float) -> Tensor:
    return torch.tensor(time, dtype=DOUBLE)


def _shrink(time: float) -> float:
    """dy/dx of the expected end point y = t x / s^2."""
    return time / (time**2 + (1 - time) ** 2)


def _jacobian(field: GridNetwork, x: Tensor, time: Tensor) -> Tensor:
    """dv/dx by autograd, (n, 2, 2). A point's velocity depends on that point alone."""
    x = x.clone().requires_grad_(True)
    velocity = field(x, time)
    return torch.stack([torch.autograd.grad(velocity[:, i].sum(), x, retain_graph=True)[0] for i in (0, 1)], 1)


@pytest.mark.parametrize("time", TIMES)
def test_derivatives_agree_with_autograd(time: float) -> None:
    field, x, t = grid_network(), points(40), _at(time)
    exact = _jacobian(field, x, t)
    velocity, tangents = field.derivatives(x, t)
    torch.testing.assert_close(velocity, field(x, t), atol=SAME, rtol=0)
    torch.testing.assert_close(tangents.permute(1, 2, 0), exact, atol=10 * SAME, rtol=0)
    noise = points(40, seed=5)
    alone = field.derivatives(x, t, noise)
    torch.testing.assert_close(alone.velocity, velocity, atol=SAME, rtol=0)
    along = torch.einsum("nij,nj->ni", exact, noise)[None]
    torch.testing.assert_close(alone.tangents, along, atol=10 * SAME, rtol=0)


@pytest.mark.parametrize("time", [0.6, 0.9, 1.0])
def test_the_features_are_sums_of_quadratic_b_splines(time: float) -> None:
    """Against the definition: every node's coefficient times a product of two splines around it."""
    field, x = grid_network(), points(6)
    shrink, table = _shrink(time), field.table.weight.detach()

    def spline(u: Tensor) -> Tensor:
        u = u.abs()
        return torch.where(u < 0.5, 0.75 - u**2, 0.5 * (1.5 - u).clamp(min=0) ** 2)

    features = []
    for level, (first, (columns, rows)) in enumerate(zip(GRIDS.firsts, GRIDS.sizes, strict=True)):
        hx, hy = field.spacing[:, level].tolist()
        damping = torch.exp(-0.25 * (hx**-2 + hy**-2) * (1 - _at(time)) ** 2 / (time**2 + (1 - time) ** 2))
        sums = torch.zeros(len(x), table.shape[1], dtype=DOUBLE)
        for place, coefficients in zip(field.places.tolist(), table[:-1], strict=True):
            row, column = divmod(place - first, columns)
            if 0 <= row < rows:
                middle = torch.tensor([GRIDS.box[0] + column * hx, GRIDS.box[1] + row * hy], dtype=DOUBLE)
                u = (shrink * x - middle) / torch.tensor([hx, hy], dtype=DOUBLE)
                sums += spline(u).prod(1, keepdim=True) * coefficients
        features.append(damping * sums)
    (prepared,) = field.prepare(x, _at(time), len(x))
    levels = len(prepared[2]) // len(x)
    assert levels == len(GRIDS.sizes)
    read = field._features(*prepared[2:], levels)
    # The box's sides and the spacings are float32's.
    torch.testing.assert_close(read, torch.cat(features, 1), atol=1e-5, rtol=0)
    assert read.abs().max() > 0.3


def test_a_time_for_each_point_is_that_time_for_it_alone() -> None:
    """A time for all points leaves out grids that count for less than LEAST, one for each point sets them to 0."""
    field, x = grid_network(), points(9)
    times = torch.tensor([*TIMES, 0.05, 0.3, 0.45, 0.99], dtype=DOUBLE)
    noise = points(9, seed=2)
    velocity = field(x, times)
    both, along = field.derivatives(x, times), field.derivatives(x, times, noise)
    for i, time in enumerate(times):
        part = slice(i, i + 1)
        torch.testing.assert_close(velocity[part], field(x[part], time), atol=SAME, rtol=0)
        alone = field.derivatives(x[part], time)
        torch.testing.assert_close(both.velocity[part], alone.velocity, atol=SAME, rtol=0)
        torch.testing.assert_close(both.tangents[:, part], alone.tangents, atol=10 * SAME, rtol=0)
        alone = field.derivatives(x[part], time, noise[part])
        torch.testing.assert_close(along.tangents[:, part], alone.tangents, atol=10 * SAME, rtol=0)


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("level", [0, 1, 2, 3])
def test_the_velocity_and_its_derivatives_are_continuous_at_a_knot(axis: int, level: int) -> None:
    """A spline's knots lie half way between its nodes. There only its second derivative jumps."""
    field, time, apart = grid_network(), 0.9, 1e-7
    low, spacing = GRIDS.box[axis], float(field.spacing[axis, level])
    nearest = round((0.9 - low) / spacing)  # the ink lies around 1.4, so that the nodes here have coefficients
    knot = (float(field.low[axis]) + (nearest + 0.5) * spacing) / _shrink(time)
    x = torch.full((2, 2), 0.85, dtype=DOUBLE)
    x[:, axis] = torch.tensor([knot - apart, knot + apart])
    middles = (_shrink(time) * x[:, axis] - field.low[axis].squeeze()) / spacing
    assert middles.round().unique().numel() == 2  # the points lie on both sides of the knot
    (v0, v1), tangents = field(x, _at(time)), field.derivatives(x, _at(time)).tangents
    scale = tangents.abs().max()
    assert scale > 0.1
    # The slope times the distance; then the second derivative times the distance, with features of sizes of 1 on the
    # scale of the finest spacing.
    assert (v1 - v0).abs().max() < 3 * apart * scale
    assert (tangents[:, 0] - tangents[:, 1]).abs().max() < 20 * apart * scale / float(field.spacing.min())
    # The features are not smoother than that, so the knot is where it is looked for.
    wide = torch.full((4, 2), 0.85, dtype=DOUBLE)
    wide[:, axis] = knot + 1e-4 * torch.tensor([-2.0, -1e-6, 1e-6, 2.0])
    slopes = field.derivatives(wide, _at(time)).tangents[axis]
    bends = (slopes[1] - slopes[0]) / 2e-4, (slopes[3] - slopes[2]) / 2e-4
    assert (bends[0] - bends[1]).abs().max() > 0.01


@pytest.mark.parametrize("time", [0.7, 1.0])
def test_beyond_the_box_the_grids_say_nothing(time: float) -> None:
    """The splines end half a coarsest spacing within the box, so v is as smooth there as elsewhere."""
    field, bare = grid_network(), grid_network()
    with torch.no_grad():
        bare.table.weight.zero_()
    x0, y0, x1, y1 = GRIDS.box
    side = torch.linspace(-6, 6, 25, dtype=DOUBLE)
    inner = 0.49 * float(field.spacing.min())
    for beyond in (-inner, -1e-6, 0.0, 1e-6, 0.5, 30.0):
        lines = (
            torch.stack((torch.full_like(side, x0 - beyond), side), 1),
            torch.stack((torch.full_like(side, x1 + beyond), side), 1),
            torch.stack((side, torch.full_like(side, y0 - beyond)), 1),
            torch.stack((side, torch.full_like(side, y1 + beyond)), 1),
        )
        for y in lines:
            x = y / _shrink(time)
            # The box's sides and the spacings are float32's.
            torch.testing.assert_close(field(x, _at(time)), bare(x, _at(time)), atol=1e-5, rtol=0)
            with_grids, without = (each.derivatives(x, _at(time)).tangents for each in (field, bare))
            torch.testing.assert_close(with_grids, without, atol=1e-5, rtol=0)
    inside = points(20)
    assert (field(inside, _at(time)) - bare(inside, _at(time))).abs().max() > 0.1


def test_grids_that_are_left_out_would_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    field, x = grid_network(), points(50)
    times = torch.linspace(0, 1, 41, dtype=DOUBLE)
    read = [len(field._at(time).damping) for time in times]
    assert read[0] < len(GRIDS.sizes) == read[-1]
    assert read == sorted(read)
    fast = torch.stack([field(x, time) for time in times])
    slopes = torch.stack([field.derivatives(x, time).tangents for time in times])
    monkeypatch.setattr(GridNetwork, "LEAST", 0.0)
    assert {len(field._at(time).damping) for time in times} == {len(GRIDS.sizes)}
    # A feature of size 1 is damped to 1e-6, and the layers that follow weaken it.
    torch.testing.assert_close(fast, torch.stack([field(x, time) for time in times]), atol=1e-6, rtol=0)
    whole = torch.stack([field.derivatives(x, time).tangents for time in times])
    # A derivative of it is larger by the inverse of the spacing.
    torch.testing.assert_close(slopes, whole, atol=1e-6 / float(field.spacing.min()), rtol=0)


@pytest.mark.parametrize("times", ["each", "one"])
def test_what_is_prepared_gives_the_same_velocity_and_gradients(times: str) -> None:
    """In parts, by layers that differentiate themselves; against torch's layers on the looked-up features."""
    field, x = grid_network(), points(23)
    time = torch.linspace(0, 1, 23, dtype=DOUBLE) if times == "each" else _at(0.35)
    prepared = field.prepare(x, time, 10)
    assert [len(part[0]) for part in prepared] == [10, 10, 3]
    weights = points(23, seed=3)
    loss = sum((field.velocity_of(p) * w).sum() for p, w in zip(prepared, weights.split(10), strict=True))
    assert isinstance(loss, Tensor)
    ours = torch.autograd.grad(loss, list(field.parameters()))
    (whole,) = field.prepare(x, time, 23)
    levels = len(whole[2]) // 23
    h = torch.cat((whole[0], field._features(whole[2], whole[3], levels)), 1)
    a = F.linear(h, field.first.weight[:, : h.shape[1]], field.first.bias)
    for layer in (*field.hidden, field.last):
        a = layer(F.silu(a))
    expected = a + whole[1]
    torch.testing.assert_close(field(x, time), expected, atol=SAME, rtol=0)
    theirs = torch.autograd.grad((expected * weights).sum(), list(field.parameters()))
    for (name, _), a, b in zip(field.named_parameters(), ours, theirs, strict=True):
        assert b.abs().max() > 0, name
        torch.testing.assert_close(a, b, atol=10 * SAME, rtol=0)
    assert not theirs[0][-1].any()


def test_without_gradients_of_points_the_same_is_computed() -> None:
    field, x, time = grid_network(), points(5), torch.linspace(0, 1, 5, dtype=DOUBLE)
    torch.testing.assert_close(field(x, time), field(x.requires_grad_(True), time), atol=SAME, rtol=0)


def test_a_state_brings_its_nodes() -> None:
    first = grid_network(0)
    second = GridNetwork(GRIDS, len(first.places), 3, 16, 2, torch.Generator().manual_seed(1)).double()
    assert not torch.equal(first.places, second.places)
    state = {name: value.clone() for name, value in first.state_dict().items()}
    assert "places" in state
    assert not {"row_of", "spacing", "low"} & state.keys()  # what follows from the config and the places
    second.load_state_dict(state)
    assert torch.equal(first.places, second.places)
    assert torch.equal(first.row_of, second.row_of)
    x = points(9)
    assert torch.equal(first(x, _at(0.8)), second(x, _at(0.8)))


@pytest.mark.parametrize("place", [-1, GRIDS.count, 2**31 - 1])
def test_a_place_outside_of_the_grids_is_refused(place: int) -> None:
    field = grid_network()
    state = {name: value.clone() for name, value in field.state_dict().items()}
    state["places"][3] = place
    with pytest.raises(RuntimeError, match="a node lies outside of the grids"):
        field.load_state_dict(state)


def test_nodes_without_coefficients_stay_at_zero_through_training() -> None:
    field, x = grid_network(), points(300, seed=7)
    before = field.table.weight.detach().clone()
    optimiser = Adam(field.parameters(), 0.1)
    for _ in range(3):
        optimiser.zero_grad()
        field(x, _at(1.0)).square().sum().backward()
        optimiser.step()
    assert not field.table.weight[-1].any()
    moved = (field.table.weight - before).abs().amax(1) > 0
    assert 20 < moved.sum() < len(moved)  # only rows that the points read


def test_before_training_the_velocity_is_that_of_the_base() -> None:
    field = GridNetwork(GRIDS, 10, 2, 8, 1, torch.Generator().manual_seed(0))
    x, time = points(7).float(), torch.linspace(0, 1, 7)
    exact = ((2 * time - 1) / (time**2 + (1 - time) ** 2))[:, None] * x
    torch.testing.assert_close(field(x, time), exact, atol=1e-6, rtol=1e-6)  # float32


def test_the_config_gives_its_sizes() -> None:
    target = ToyTarget("8gaussians")
    config = FFJORDConfig(channels=5, width=11, depth=3, finest=0.4).resolved("flow-matching")
    config = NETWORKS["grid"].fit_config(config, target)
    field = NETWORKS["grid"].build(config, torch.Generator().manual_seed(0))
    assert isinstance(field, GridNetwork)
    assert config.nodes is not None
    assert field.table.weight.shape == (config.nodes + 1, 5)
    assert [layer.out_features for layer in (field.first, *field.hidden, field.last)] == [11, 11, 11, 2]
    linears = [module for module in field.modules() if isinstance(module, nn.Linear)]
    assert [a.out_features == b.in_features for a, b in pairwise(linears)] == [True] * 3
    levels = len(field.columns)
    assert field.first.in_features == 2 + 1 + 2 * GridNetwork.TIME_WAVES + 5 * levels
    assert isinstance(field._grids, Grids)
    # A feature is a look-up of the table, so an unknown row must not be read.
    assert int(field.row_of.max()) == config.nodes
    assert look_up(field.table.weight, field.row_of[:9][None], torch.ones(1, 9)).shape == (1, 5)
