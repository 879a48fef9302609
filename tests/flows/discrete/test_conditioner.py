"""Networks of one coordinate, against torch's dense layers."""

from __future__ import annotations

import pytest
import torch
from couplings import SAME, points, seeded
from torch import nn

from flowgif.config.models import RealNVPConfig
from flowgif.flows.discrete.conditioner import Conditioner


@pytest.mark.parametrize("features", [0, 4])
def test_networks_side_by_side_are_networks_of_their_own(features: int) -> None:
    """Each as torch's own dense layers compute it, and none has a weight of another's."""
    config = RealNVPConfig(layers=1, features=features, width=8, depth=2, activation="tanh")
    both = Conditioner(2, 3, config, 0, seeded()).double()
    for parameter in both.parameters():
        nn.init.normal_(parameter, generator=seeded(1))
    kept = points(20)[:, 0]
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
