"""Networks of one coordinate, against torch's dense layers."""

from __future__ import annotations

import pytest
import torch
from couplings import SAME, points, randomised, seeded
from torch import Tensor, nn

from flowgif.config.models import RealNVPConfig
from flowgif.flows.discrete.conditioner import Conditioner
from flowgif.flows.discrete.interpolation import EXTENT, interpolate, places, polynomials
from flowgif.flows.discrete.realnvp import realnvp


@pytest.mark.parametrize("features", [0, 4])
def test_networks_side_by_side_are_networks_of_their_own(features: int) -> None:
    """Each as torch's own dense layers compute it, and none has a weight of another's."""
    config = RealNVPConfig(layers=1, features=features, width=8, depth=2, activation="tanh")
    both = Conditioner([0], 2, 3, torch.flatten, config, seeded()).double()
    for parameter in both.parameters():
        nn.init.normal_(parameter, generator=seeded(1))
    kept = points(20)[:, 0]
    phase = kept[:, None] * both.frequencies
    inputs = torch.cat((kept[:, None], phase.sin(), phase.cos()), 1)
    dense = [both.hidden[0], both.hidden[2], both.last]
    for which, outputs in enumerate(both(kept)[0]):
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


def test_networks_are_evaluated_at_the_nodes_and_interpolated_between_them() -> None:
    config = RealNVPConfig(features=4, width=8)
    networks = randomised(Conditioner([0, 1], 1, 3, lambda outputs: outputs[:, 0].mT, config, seeded()), 1)
    kept = points(50)[:, 0]
    at_nodes = networks(networks.nodes)[1, 0].mT
    expected = interpolate(kept, polynomials(at_nodes), places(kept))[:, 0]
    assert torch.equal(networks.part(1)(kept), expected)
    # Between nodes the networks are smooth, and the B-splines are near their coefficients.
    assert (networks.part(1)(kept) - networks(kept)[1, 0].mT)[:, kept.abs() < EXTENT].abs().max() < 0.05


def test_networks_are_evaluated_once_for_all_couplings_of_a_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    flow = realnvp(RealNVPConfig(layers=3, width=8), seeded())
    calls: list[Tensor] = []
    evaluate = Conditioner.forward
    monkeypatch.setattr(Conditioner, "forward", lambda self, kept: calls.append(kept) or evaluate(self, kept))
    for _ in range(2):
        flow.log_prob(points(5).float()).sum().backward()
    assert len(calls) == 2
