"""Couplings and Glow's layers: against the independent library zuko, torch's linear algebra, and what they promise."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
import zuko
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

import flowgif
from flowgif.config.schema import GlowConfig, RealNVPConfig, SplineConfig, read_config
from flowgif.flows.base import Mapped
from flowgif.flows.discrete.chain import Chain, DiscreteFlow, part_way
from flowgif.flows.discrete.coupling import AffineCoupling, Conditioner, Knots, SplineCoupling, rational_quadratic
from flowgif.flows.discrete.glow import ActNorm, Linear, glow
from flowgif.flows.discrete.realnvp import realnvp, spline_flow

DOUBLE = torch.float64
# The same formulas in another order: float64's rounding, through steep places.
SAME = 1e-10
BOUND = 3.0
EPS = {torch.float64: 2.3e-16, torch.float32: 1.2e-7}


def _generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def _points(n: int, seed: int = 0, spread: float = 1.5) -> Tensor:
    return spread * torch.randn(n, 2, generator=_generator(seed), dtype=DOUBLE)


def _conditioner(networks: int, outputs: int, seed: int) -> Conditioner:
    config = RealNVPConfig(layers=1, features=4, frequency=1.0, width=16, depth=2)
    network = Conditioner(networks, outputs, config, 0, _generator(seed))
    nn.init.normal_(network.last.weight, std=1.0, generator=_generator(seed + 100))
    nn.init.normal_(network.last.bias, std=0.5, generator=_generator(seed + 200))
    return network.double()


class Constant(nn.Module):
    """A network that always gives the same."""

    def __init__(self, values: Tensor) -> None:
        super().__init__()
        self.values = values

    def forward(self, kept: Tensor) -> Tensor:
        return self.values.expand(1, len(kept), -1)


# zuko squashes its parameters in ways of its own, so that its transforms get the numbers they are to have afterwards.


def _zuko_affine(log_scale: Tensor, shift: Tensor) -> zuko.transforms.MonotonicAffineTransform:
    transform = zuko.transforms.MonotonicAffineTransform(shift, torch.zeros_like(shift))
    transform.log_scale, transform.scale = log_scale, log_scale.exp()
    return transform


def _zuko_spline(knots: Knots) -> zuko.transforms.MonotonicRQSTransform:
    bins = knots.u.shape[-1] - 1
    free = torch.zeros(bins, dtype=DOUBLE)
    transform = zuko.transforms.MonotonicRQSTransform(free, free, free[1:], bound=BOUND)
    transform.horizontal, transform.vertical, transform.derivatives = knots
    return transform


def _zuko_coupling(moved: int, meta: Callable[[Tensor], object]) -> zuko.transforms.CouplingTransform:
    """``meta`` makes the transform of the moved coordinate from the kept one."""
    return zuko.transforms.CouplingTransform(meta, torch.arange(2) != moved)


@pytest.mark.parametrize("features", [0, 4])
def test_networks_side_by_side_are_networks_of_their_own(features: int) -> None:
    """Each as torch's own dense layers compute it, and none has a weight of another's."""
    config = RealNVPConfig(layers=1, features=features, width=8, depth=2, activation="tanh")
    both = Conditioner(2, 3, config, 0, _generator()).double()
    for parameter in both.parameters():
        nn.init.normal_(parameter, generator=_generator(1))
    kept = _points(20)[:, 0]
    phase = kept[:, None] * both.frequencies
    inputs = torch.cat((kept[:, None], phase.sin(), phase.cos()), 1)
    dense = [both.hidden[0], both.hidden[2], both.last]
    for which, outputs in enumerate(both(kept)):
        h = inputs
        for i, layer in enumerate(dense):
            weight, bias = layer.weight.chunk(2)[which], layer.bias.chunk(2)[which]
            h = nn.functional.linear(h, weight, bias)
            h = h if i == len(dense) - 1 else h.tanh()
        torch.testing.assert_close(outputs, h, atol=SAME, rtol=0)
        grads = torch.autograd.grad(outputs.sum(), [layer.weight for layer in dense], retain_graph=True)
        for grad in grads:
            assert not grad.chunk(2)[1 - which].any()
            assert grad.chunk(2)[which].any()


@pytest.mark.parametrize("moved", [0, 1])
def test_an_affine_coupling_is_zukos(moved: int) -> None:
    networks = _conditioner(2, 1, 1)
    coupling = AffineCoupling(moved, networks, bound=2.0)
    z = torch.cat((_points(200), 100 * _points(20, seed=1)))

    def meta(kept: Tensor) -> zuko.transforms.MonotonicAffineTransform:
        scale, shift = networks(kept[:, 0])
        return _zuko_affine(2.0 * torch.tanh(scale / 2.0), shift)

    theirs = _zuko_coupling(moved, meta)
    point, ladj = theirs.call_and_ladj(z)
    ours = coupling.path(z, torch.ones(1, dtype=DOUBLE))
    torch.testing.assert_close(ours.point[0], point, atol=SAME, rtol=SAME)
    torch.testing.assert_close(ours.ladj[0], ladj.sum(-1) if ladj.ndim > 1 else ladj, atol=SAME, rtol=SAME)
    assert ladj.abs().max() > 0.5
    back = coupling.inverse_at(z)
    torch.testing.assert_close(back.point, theirs.inv(z), atol=SAME, rtol=SAME)


@pytest.mark.parametrize("moved", [0, 1])
def test_a_spline_coupling_is_zukos(moved: int) -> None:
    network = _conditioner(1, 3 * 6 - 1, 3)
    coupling = SplineCoupling(moved, network, bins=6, bound=BOUND)
    x = torch.cat((_points(300), 1e6 * _points(10, seed=1)))  # three in a hundred, and ten, lie outside the bound

    def meta(kept: Tensor) -> zuko.transforms.MonotonicRQSTransform:
        knots = coupling._knots(kept[:, 0])
        return _zuko_spline(Knots(*(part[:, None] for part in knots)))

    theirs = _zuko_coupling(moved, meta)
    point, ladj = theirs.call_and_ladj(x)
    # The spline itself goes from the data to the base.
    ours = coupling.inverse_at(x)
    torch.testing.assert_close(ours.point, point, atol=SAME, rtol=SAME)
    torch.testing.assert_close(ours.ladj, ladj.sum(-1), atol=SAME, rtol=SAME)
    assert ladj.abs().max() > 0.5
    back = coupling.path(x, torch.ones(1, dtype=DOUBLE))
    torch.testing.assert_close(back.point[0], theirs.inv(x), atol=SAME, rtol=SAME)


def _knots(seed: int, n: int, bins: int) -> Knots:
    generator = _generator(seed)

    def places() -> Tensor:
        shares = 0.01 + (1 - 0.01 * bins) * torch.randn(n, bins, generator=generator, dtype=DOUBLE).softmax(1)
        inner = 2 * BOUND * shares[:, :-1].cumsum(1) - BOUND
        edge = torch.full((n, 1), BOUND, dtype=DOUBLE)
        return torch.cat((-edge, inner, edge), 1)

    # The outermost slopes are not 1 here: outside it is the identity all the same.
    return Knots(places(), places(), torch.randn(n, bins + 1, generator=generator, dtype=DOUBLE).exp())


@pytest.mark.parametrize("bins", [2, 5, 16])
def test_rational_quadratic_is_zukos(bins: int) -> None:
    n = 400
    knots = _knots(bins, n, bins)
    inputs = 2 * BOUND * torch.rand(n, generator=_generator(), dtype=DOUBLE) * 1.2 - BOUND * 1.2
    inputs[:2] = torch.tensor([1e300, -1e300], dtype=DOUBLE)
    theirs = _zuko_spline(knots)
    value, ladj = theirs.call_and_ladj(inputs)
    ours = rational_quadratic(knots, inputs, inverse=False)
    torch.testing.assert_close(ours[0], value, atol=SAME, rtol=0)
    torch.testing.assert_close(ours[1], ladj, atol=SAME, rtol=0)
    outside = inputs.abs() > BOUND
    assert 20 < outside.sum() < n / 2
    assert torch.equal(ours[0][outside], inputs[outside])
    assert torch.equal(ours[1][outside], torch.zeros_like(inputs[outside]))
    back, slope = rational_quadratic(knots, inputs, inverse=True)
    root = theirs.inv(inputs)
    torch.testing.assert_close(back, root, atol=SAME, rtol=0)
    torch.testing.assert_close(slope, -theirs.log_abs_det_jacobian(root, inputs), atol=1e3 * SAME, rtol=0)


@pytest.mark.parametrize("inverse", [False, True])
def test_on_a_knot_the_spline_has_the_knots_value_and_slope(inverse: bool) -> None:
    knots = _knots(7, 6, 8)
    source, image = (knots.v, knots.u) if inverse else (knots.u, knots.v)
    for k in range(1, 8):
        value, ladj = rational_quadratic(knots, source[:, k], inverse)
        torch.testing.assert_close(value, image[:, k], atol=SAME, rtol=0)
        log_slope = knots.slope[:, k].log()
        torch.testing.assert_close(ladj, -log_slope if inverse else log_slope, atol=1e3 * SAME, rtol=0)
    for k in (0, 8):
        assert torch.equal(rational_quadratic(knots, source[:, k], inverse)[0], image[:, k])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_splines_knots_are_in_order_and_end_at_the_bound(dtype: torch.dtype) -> None:
    for spread in (0.0, 1.0, 30.0, 1e6):
        values = spread * torch.randn(1, 3 * 64 - 1, generator=_generator()).to(dtype)
        coupling = SplineCoupling(0, Constant(values), bins=64, bound=BOUND)
        knots = coupling._knots(torch.zeros(2, dtype=dtype))
        for places in (knots.u, knots.v):
            assert (places.diff(dim=1) > 0).all()
            assert places[:, 0].tolist() == [-BOUND] * 2
            assert places[:, -1].tolist() == [BOUND] * 2
        assert (knots.slope > 0).all()
        assert knots.slope[:, [0, -1]].unique().tolist() == [1.0]  # smooth where the identity begins
        if spread == 0:
            torch.testing.assert_close(knots.slope, torch.ones_like(knots.slope), atol=1e-6, rtol=0)
            torch.testing.assert_close(knots.u, knots.v, atol=0, rtol=0)


splines = st.tuples(
    st.integers(0, 2**32), st.integers(2, 24), st.floats(0, 4), st.sampled_from([torch.float32, torch.float64])
)


def _random_spline(seed: int, bins: int, spread: float, dtype: torch.dtype) -> SplineCoupling:
    """Up to a spread of 4: slopes from e^-5 to 15 at the knots, and a thousand and more between them."""
    values = spread * torch.randn(1, 3 * bins - 1, generator=_generator(seed), dtype=DOUBLE)
    return SplineCoupling(1, Constant(values.to(dtype)), bins, BOUND)


def _along_the_axis(dtype: torch.dtype, n: int = 400) -> Tensor:
    return torch.linspace(-1.2 * BOUND, 1.2 * BOUND, n, dtype=dtype)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(splines)
def test_a_spline_and_its_inverse_are_one_anothers(spline: tuple[int, int, float, torch.dtype]) -> None:
    dtype = spline[-1]
    coupling = _random_spline(*spline)
    u = _along_the_axis(dtype)
    knots = coupling._knots(u)
    v, ladj = rational_quadratic(knots, u, inverse=False)
    back, again = rational_quadratic(knots, v, inverse=True)
    # v is rounded to BOUND eps or so, and the inverse stretches that by 1 / v'(u).
    rounding = 8 * BOUND * EPS[dtype]
    assert ((back - u).abs() <= 2 * rounding * (1 + (-ladj).exp())).all()
    # The other way about: u is off by that, and v' stretches it.
    there, _ = rational_quadratic(knots, back, inverse=False)
    assert ((there - v).abs() <= 2 * rounding * (1 + ladj.exp())).all()
    assert ladj.isfinite().all()
    assert again.isfinite().all()
    if dtype == torch.float64:
        torch.testing.assert_close(again, -ladj, atol=1e-6, rtol=0)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(splines)
def test_a_spline_rises_everywhere(spline: tuple[int, int, float, torch.dtype]) -> None:
    dtype = spline[-1]
    coupling = _random_spline(*spline)
    u = _along_the_axis(dtype, 2000)
    for inverse in (False, True):
        values, _ = rational_quadratic(coupling._knots(u), u, inverse)
        # Neighbours whose images are nearer than rounding may change places.
        assert values.diff().min() > -20 * BOUND * EPS[dtype]
        assert values.abs().max() <= 1.2 * BOUND


@settings(max_examples=150, deadline=None, derandomize=True)
@given(splines, st.floats(0.01, 0.99))
def test_part_of_the_way_has_an_inverse_too(spline: tuple[int, int, float, torch.dtype], fraction: float) -> None:
    """The root, however steep the spline is and at whatever fraction."""
    dtype = spline[-1]
    coupling = _random_spline(*spline)
    z = torch.stack((torch.zeros(400, dtype=dtype), _along_the_axis(dtype)), 1)
    ahead = coupling.path(z, torch.tensor([fraction], dtype=dtype))
    fraction = float(torch.tensor([fraction], dtype=dtype))
    back = coupling.inverse_at(ahead.point[0], fraction)
    # The slope on the way is at least 1 - fraction, so that the rounding is stretched a hundredfold at most; but the
    # spline's inverse is evaluated by its own formula, which rounds where v is flat, as above.
    slope = (1 + ahead.ladj[0].exp()) * (1 + (-ahead.ladj[0]).exp())
    assert ((back.point - z).abs().max(1).values <= 100 * BOUND * EPS[dtype] * slope).all()
    if dtype == torch.float64:
        torch.testing.assert_close(back.ladj, -ahead.ladj[0], atol=1e-6, rtol=0)


def test_a_whole_ways_slope_has_a_gradient_however_flat_it_is() -> None:
    start, log_slope = torch.zeros(3), torch.tensor([-18.0, -30.0, 2.0], requires_grad=True)
    _, ladj = part_way(start, start, log_slope, torch.ones(1))
    assert torch.equal(ladj, log_slope)
    ladj.sum().backward()
    assert torch.equal(log_slope.grad, torch.ones(3))


def _extreme_flows() -> Iterator[DiscreteFlow]:
    generator = _generator(5)
    sizes = {"layers": 3, "features": 4, "width": 8}
    for flow in (
        realnvp(RealNVPConfig(**sizes, scale_bound=2.0), generator),
        glow(GlowConfig(**sizes, scale_bound=2.0), generator),
        spline_flow(SplineConfig(**sizes, bins=8), generator),
    ):
        for part in flow.modules():
            if isinstance(part, Conditioner):
                nn.init.normal_(part.last.weight, std=1e6, generator=generator)
            elif isinstance(part, ActNorm):
                nn.init.normal_(part.log_scale, std=1e6, generator=generator)
            elif isinstance(part, Linear):
                nn.init.normal_(part.matrix, std=1e6, generator=generator)
        yield flow


def test_whatever_the_networks_say_log_scales_stay_bounded_and_numbers_finite() -> None:
    x = _points(100).float()
    realnvp_, glow_, spline = _extreme_flows()
    # 2 for each of three couplings, and for each axis of each of three ActNorms; the trace of each of three matrices.
    for flow, bound in ((realnvp_, 3 * 2.0), (glow_, 3 * (2.0 + 2 * 2.0 + 2 * Linear.BOUND))):
        for time in (0.2, 0.37, 1.0):
            for mapped in (flow.to_base(x, time), flow.from_base(x, time)):
                assert mapped.point.isfinite().all()
                assert mapped.ladj.abs().max() <= bound + 1e-4
        assert flow.to_base(x).ladj.abs().max() > 1.9  # the bound is reached
    for time in (0.2, 0.37, 1.0):
        for mapped in (spline.to_base(x, time), spline.from_base(x, time)):
            assert mapped.point.isfinite().all()
            assert mapped.point.abs().max() <= max(4.0, float(x.abs().max())) + 1e-4
            assert mapped.ladj.isfinite().all()


@pytest.mark.parametrize("fraction", [0.0, 0.2, 0.7, 1.0])
def test_glows_linear_layer_is_the_matrix_exponential(fraction: float) -> None:
    for seed in range(5):
        matrix = 3 * torch.rand(2, 2, generator=_generator(seed), dtype=DOUBLE) * torch.tensor([[1, -1], [1, -1]])
        layer, z = Linear(matrix), _points(9)
        ahead = layer.path(z, torch.tensor([0.1, fraction], dtype=DOUBLE))
        push = torch.linalg.matrix_exp(fraction * matrix)
        assert ahead.point.shape == (2, 9, 2)
        torch.testing.assert_close(ahead.point[1], torch.stack([push @ point for point in z]), atol=SAME, rtol=SAME)
        volume = torch.linalg.slogdet(push).logabsdet
        torch.testing.assert_close(ahead.ladj[1], volume.expand(9), atol=SAME, rtol=0)
        back = layer.inverse_at(ahead.point[1], fraction)
        torch.testing.assert_close(back.point, z, atol=1e2 * SAME, rtol=0)
        torch.testing.assert_close(back.ladj, -volume.expand(9), atol=SAME, rtol=0)


# A stretch, a shear, a turn, nothing; and on either side of where the closed form gives way to a series.
MATRICES = {
    "stretch": [[1.0, 0.5], [0.5, -0.3]],
    "shear": [[0.4, 1.3], [0.0, 0.4]],
    "turn": [[0.1, -1.57], [1.57, -0.1]],
    "zero": [[0.0, 0.0], [0.0, 0.0]],
    "near a shear": [[0.02, 0.1], [0.0062, 0.0]],
    "nearer": [[0.02, 0.1], [0.0092, 0.0]],
    "near a shear, turning": [[0.02, -0.1], [0.0108, 0.0]],
    "far": [[3.1, -3.0], [2.9, 2.5]],
}


@pytest.mark.parametrize("name", MATRICES)
def test_the_exponential_and_its_gradient_are_torchs(name: str) -> None:
    layer = Linear(torch.tensor(MATRICES[name], dtype=DOUBLE))
    theirs = layer.matrix.detach().clone().requires_grad_(True)
    push, z = torch.linalg.matrix_exp(Linear.BOUND * (theirs / Linear.BOUND).tanh()), _points(5)
    torch.testing.assert_close(layer.generator(), torch.tensor(MATRICES[name], dtype=DOUBLE), atol=SAME, rtol=0)
    ours = layer.path(z, torch.ones(1, dtype=DOUBLE)).point[0]
    torch.testing.assert_close(ours, z @ push.T, atol=SAME, rtol=SAME)
    weights = torch.randn(5, 2, generator=_generator(), dtype=DOUBLE)
    (weights * ours).sum().backward()
    (weights * (z @ push.T)).sum().backward()
    torch.testing.assert_close(layer.matrix.grad, theirs.grad, atol=SAME, rtol=SAME)


def test_glows_linear_layer_is_never_singular_on_its_way() -> None:
    """A half turn is: half way along a straight line from I it would be zero."""
    matrices = [3 * torch.randn(2, 2, generator=_generator(seed), dtype=DOUBLE) for seed in range(30)]
    matrices.append(torch.pi * torch.tensor([[0.0, -1.0], [1.0, 0.0]], dtype=DOUBLE))
    axes = torch.eye(2, dtype=DOUBLE)
    for matrix in matrices:
        layer = Linear(torch.zeros(2, 2, dtype=DOUBLE))
        layer.matrix.data = Linear.BOUND * (matrix / Linear.BOUND).clamp(-0.999, 0.999).atanh()
        images = layer.path(axes, torch.linspace(0, 1, 20, dtype=DOUBLE)).point
        volumes = torch.linalg.det(images)
        assert (volumes > 0).all()
        expected = (torch.linspace(0, 1, 20, dtype=DOUBLE) * layer.generator().trace()).exp()
        torch.testing.assert_close(volumes, expected, atol=0, rtol=1e-6)


def _glow(seed: int = 0, layers: int = 3) -> DiscreteFlow:
    config = GlowConfig(layers=layers, features=4, frequency=1.0, width=8, depth=1, scale_bound=3.0)
    flow = glow(config, _generator(seed))
    for part in flow.modules():
        if isinstance(part, Conditioner):
            nn.init.normal_(part.last.weight, std=0.3, generator=_generator(seed + 1))
    return flow


def _steps(flow: DiscreteFlow) -> list[Chain]:
    return [step for step in flow.chain.layers if isinstance(step, Chain)]


def _batch() -> Tensor:
    return (_points(200) @ torch.tensor([[2.0, 0.4], [0.0, 0.3]], dtype=DOUBLE) + 3.0).float()


def test_actnorm_is_what_it_says() -> None:
    norm = ActNorm(bound=2.0).double()
    nn.init.constant_(norm.log_scale, 0.3)
    norm.log_scale.data[1] = -50.0
    norm.shift.data[:] = torch.tensor([0.5, -2.0])
    z = _points(6)
    log_scale = 2.0 * torch.tensor([0.15, -25.0], dtype=DOUBLE).tanh()
    s = torch.tensor([0.0, 0.4, 1.0], dtype=DOUBLE)
    there = norm.path(z, s)
    for k, part in enumerate(s.tolist()):
        scale = 1 - part + part * log_scale.exp()
        torch.testing.assert_close(there.point[k], z * scale + part * norm.shift, atol=SAME, rtol=0)
        torch.testing.assert_close(there.ladj[k], scale.log().sum().expand(6), atol=SAME, rtol=0)
        back = norm.inverse_at(there.point[k], part)
        torch.testing.assert_close(back.point, z, atol=SAME, rtol=0)
        torch.testing.assert_close(back.ladj, -there.ladj[k], atol=SAME, rtol=0)


def test_initialising_gives_every_actnorm_mean_0_and_variance_1_on_the_bases_side() -> None:
    flow, x = _glow(), _batch()
    flow.initialise(x)
    for step in reversed(_steps(flow)):
        for part in reversed(list(step.layers)):
            x = part.inverse_at(x).point.detach()
            if isinstance(part, ActNorm):
                # float32, and x up to ten in size
                torch.testing.assert_close(x.mean(0), torch.zeros(2), atol=1e-5, rtol=0)
                torch.testing.assert_close(x.var(0), torch.ones(2), atol=1e-4, rtol=0)


def test_initialising_is_done_once_and_that_is_kept_with_the_weights() -> None:
    flow = _glow()
    flow.initialise(_batch())
    first = {name: value.clone() for name, value in flow.state_dict().items()}
    other = _glow(seed=7)
    other.load_state_dict(first)
    for again in (flow, other):
        again.initialise(10 * _batch() - 4)
        assert all(torch.equal(value, first[name]) for name, value in again.state_dict().items())
    fresh = _glow()
    fresh.initialise(10 * _batch() - 4)
    assert not torch.equal(fresh.state_dict()["chain.layers.0.layers.2.shift"], first["chain.layers.0.layers.2.shift"])


def test_points_that_are_all_alike_leave_actnorm_finite() -> None:
    flow = _glow()
    flow.initialise(torch.full((16, 2), 2.5))
    assert all(value.isfinite().all() for value in flow.state_dict().values())


def _shifts(folder: Path) -> dict[str, Tensor]:
    weights = flowgif.load(folder).flow.state_dict()
    return {name: value for name, value in weights.items() if name.endswith((".shift", "log_scale", "initialised"))}


def test_going_on_from_a_run_does_not_initialise_again(tmp_path: Path) -> None:
    model = {"name": "glow", "layers": 2, "features": 4, "width": 8}
    training = {"steps": 3, "batch_size": 16}
    config = read_config(None, {"target": {"data": "moons"}, "model": model, "training": training})
    flowgif.train(config, tmp_path / "first")
    first = _shifts(tmp_path / "first")
    assert all(float(value) == 1 for name, value in first.items() if name.endswith("initialised"))
    # Another target, to which another initialisation would belong, and a rate that moves nothing much.
    still = {"from": tmp_path / "first", "steps": 1, "batch_size": 16, "lr": 1e-6}
    flowgif.train(read_config(None, {"target": {"data": "8gaussians"}, "training": still}), tmp_path / "second")
    for name, value in _shifts(tmp_path / "second").items():
        torch.testing.assert_close(value, first[name], atol=1e-5, rtol=0)


def test_couplings_take_turns() -> None:
    """Every flow moves both coordinates: each depends on the other after two layers."""
    for flow in (
        realnvp(RealNVPConfig(layers=2, width=8), _generator()),
        glow(GlowConfig(layers=2, width=8), _generator()),
        spline_flow(SplineConfig(layers=2, width=8), _generator()),
    ):
        for part in flow.modules():
            if isinstance(part, Conditioner):
                nn.init.normal_(part.last.weight, std=0.5, generator=_generator(1))
        jacobian = torch.func.jacrev(lambda p, flow=flow: flow.to_base(p[None]).point[0])(torch.tensor([0.3, -0.4]))
        assert (jacobian.abs() > 1e-3).all()


def test_an_untrained_discrete_flow_leaves_everything_where_it_is() -> None:
    x = _points(20)
    for flow in (realnvp(RealNVPConfig(), _generator()), spline_flow(SplineConfig(), _generator())):
        mapped: Mapped = flow.double().from_base(x)
        # The spline of equal knots is computed, not skipped.
        torch.testing.assert_close(mapped.point, x, atol=1e-6, rtol=0)
        torch.testing.assert_close(mapped.ladj, torch.zeros(20, dtype=DOUBLE), atol=1e-6, rtol=0)
