"""Affine couplings against the independent library zuko, and what all couplings promise."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
import zuko
from couplings import DOUBLE, SAME, points, randomised, seeded, zuko_coupling
from torch import Tensor, nn

from flowgif.config.models import GlowConfig, RealNVPConfig, SplineConfig
from flowgif.flows.base import Mapped
from flowgif.flows.discrete.actnorm import ActNorm
from flowgif.flows.discrete.chain import DiscreteFlow, part_way
from flowgif.flows.discrete.conditioner import Conditioner
from flowgif.flows.discrete.coupling import AffineCoupling, affine_networks, bounded_scale_and_shift
from flowgif.flows.discrete.glow import glow
from flowgif.flows.discrete.linear import Linear
from flowgif.flows.discrete.realnvp import realnvp
from flowgif.flows.discrete.spline import spline_flow


def _zuko_affine(log_scale: Tensor, shift: Tensor) -> zuko.transforms.MonotonicAffineTransform:
    transform = zuko.transforms.MonotonicAffineTransform(shift, torch.zeros_like(shift))
    transform.log_scale, transform.scale = log_scale, log_scale.exp()
    return transform


@pytest.mark.parametrize("two_networks", [False, True])
@pytest.mark.parametrize("moved", [0, 1])
def test_an_affine_coupling_is_zukos(moved: int, two_networks: bool) -> None:
    config = RealNVPConfig(features=4, frequency=1.0, width=16, two_networks=two_networks)
    network = randomised(affine_networks([1 - moved], config, seeded(1)), 3).part(0)
    coupling = AffineCoupling(moved, network.coefficients)
    z = torch.cat((points(200), 100 * points(20, seed=1)))

    def meta(kept: Tensor) -> zuko.transforms.MonotonicAffineTransform:
        return _zuko_affine(*network(kept[:, 0])[..., None])

    theirs = zuko_coupling(moved, meta)
    point, ladj = theirs.call_and_ladj(z)
    ours = coupling.path(z, torch.ones(1, dtype=DOUBLE))
    torch.testing.assert_close(ours.point[0], point, atol=SAME, rtol=SAME)
    torch.testing.assert_close(ours.ladj[0], ladj.sum(-1) if ladj.ndim > 1 else ladj, atol=SAME, rtol=SAME)
    assert ladj.abs().max() > 0.5
    back = coupling.inverse_at(z)
    torch.testing.assert_close(back.point, theirs.inv(z), atol=SAME, rtol=SAME)


def test_log_scales_are_bounded_by_a_tanh_whichever_network_they_come_from() -> None:
    scale, shift = torch.randn(2, 5, 9, generator=seeded(), dtype=DOUBLE) * torch.tensor([[[30.0]], [[1.0]]])
    for outputs in (torch.stack((scale, shift), -1)[:, None], torch.stack((scale, shift), 1)[..., None]):
        values = bounded_scale_and_shift(outputs, 2.0)
        torch.testing.assert_close(values, torch.stack((2 * (scale / 2).tanh(), shift), 1), atol=0, rtol=0)


def test_a_whole_ways_slope_has_a_gradient_however_flat_it_is() -> None:
    start, log_slope = torch.zeros(3), torch.tensor([-18.0, -30.0, 2.0], requires_grad=True)
    _, ladj = part_way(start, start, log_slope, torch.ones(1))
    assert torch.equal(ladj, log_slope)
    ladj.sum().backward()
    assert torch.equal(log_slope.grad, torch.ones(3))


def _extreme_flows() -> Iterator[DiscreteFlow]:
    generator = seeded(5)
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
    x = points(100).float()
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


def test_couplings_take_turns() -> None:
    """Every flow moves both coordinates: each depends on the other after two layers."""
    for flow in (
        realnvp(RealNVPConfig(layers=2, width=8), seeded()),
        glow(GlowConfig(layers=2, width=8), seeded()),
        spline_flow(SplineConfig(layers=2, width=8), seeded()),
    ):
        for part in flow.modules():
            if isinstance(part, Conditioner):
                nn.init.normal_(part.last.weight, std=0.5, generator=seeded(1))
        point = torch.tensor([[0.3, -0.4]], requires_grad=True)
        for coordinate in flow.to_base(point).point[0]:
            gradient = torch.autograd.grad(coordinate, point, retain_graph=True)[0]
            assert (gradient.abs() > 1e-3).all()


def test_an_untrained_discrete_flow_leaves_everything_where_it_is() -> None:
    x = points(20)
    for flow in (realnvp(RealNVPConfig(), seeded()), spline_flow(SplineConfig(), seeded())):
        mapped: Mapped = flow.double().from_base(x)
        # The spline of equal knots is computed, not skipped.
        torch.testing.assert_close(mapped.point, x, atol=1e-6, rtol=0)
        torch.testing.assert_close(mapped.ladj, torch.zeros(20, dtype=DOUBLE), atol=1e-6, rtol=0)
