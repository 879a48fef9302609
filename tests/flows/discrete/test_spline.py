"""Spline couplings against the independent library zuko, and what they promise."""

from __future__ import annotations

from functools import partial

import pytest
import torch
import zuko
from couplings import DOUBLE, SAME, points, randomised, seeded, zuko_coupling
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from flowgif.config.models import SplineConfig
from flowgif.flows.discrete.conditioner import Conditioner
from flowgif.flows.discrete.interpolation import CELLS, polynomials
from flowgif.flows.discrete.spline import Knots, SplineCoupling, knots_at_nodes, rational_quadratic

BOUND = 3.0
EPS = {torch.float64: 2.3e-16, torch.float32: 1.2e-7}


def _constant(moved: int, outputs: Tensor, bins: int) -> SplineCoupling:
    """A coupling whose network always gives the same outputs (3 bins - 1,)."""
    values = knots_at_nodes(outputs.expand(1, 1, CELLS + 2, -1), bins, BOUND)
    return SplineCoupling(moved, lambda: polynomials(values)[:, 0], BOUND)


# zuko squashes its parameters in ways of its own, so that its transforms get the numbers they are to have afterwards.


def _zuko_spline(knots: Knots) -> zuko.transforms.MonotonicRQSTransform:
    bins = knots.u.shape[-1] - 1
    free = torch.zeros(bins, dtype=DOUBLE)
    transform = zuko.transforms.MonotonicRQSTransform(free, free, free[1:], bound=BOUND)
    transform.horizontal, transform.vertical, transform.derivatives = knots
    return transform


@pytest.mark.parametrize("moved", [0, 1])
def test_a_spline_coupling_is_zukos(moved: int) -> None:
    config = SplineConfig(features=4, frequency=1.0, width=16)
    values = partial(knots_at_nodes, bins=6, bound=BOUND)
    networks = randomised(Conditioner([1 - moved], 1, 3 * 6 - 1, values, config, seeded(3)), 3)
    coupling = SplineCoupling(moved, networks.part(0).coefficients, BOUND)
    x = torch.cat((points(300), 1e6 * points(10, seed=1)))  # three in a hundred, and ten, lie outside the bound

    def meta(kept: Tensor) -> zuko.transforms.MonotonicRQSTransform:
        knots = coupling._knots(kept[:, 0])
        return _zuko_spline(Knots(*(part[:, None] for part in knots)))

    theirs = zuko_coupling(moved, meta)
    point, ladj = theirs.call_and_ladj(x)
    # The spline itself goes from the data to the base.
    ours = coupling.inverse_at(x)
    torch.testing.assert_close(ours.point, point, atol=SAME, rtol=SAME)
    torch.testing.assert_close(ours.ladj, ladj.sum(-1), atol=SAME, rtol=SAME)
    assert ladj.abs().max() > 0.5
    back = coupling.path(x, torch.ones(1, dtype=DOUBLE))
    torch.testing.assert_close(back.point[0], theirs.inv(x), atol=SAME, rtol=SAME)


def _knots(seed: int, n: int, bins: int) -> Knots:
    generator = seeded(seed)

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
    inputs = 2 * BOUND * torch.rand(n, generator=seeded(), dtype=DOUBLE) * 1.2 - BOUND * 1.2
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
        coupling = _constant(0, spread * torch.randn(3 * 64 - 1, generator=seeded()).to(dtype), bins=64)
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
    return _constant(1, spread * torch.randn(3 * bins - 1, generator=seeded(seed), dtype=DOUBLE).to(dtype), bins)


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
