"""A step of Glow inverts ActNorm and its matrix in one operation, which must be the two layers' own."""

from __future__ import annotations

import torch
from couplings import DOUBLE, SAME, points, randomised, seeded
from torch import nn

from flowgif.config.models import GlowConfig
from flowgif.flows.discrete.actnorm import ActNorm
from flowgif.flows.discrete.chain import Chain
from flowgif.flows.discrete.glow import Step, glow
from flowgif.flows.discrete.linear import Linear


def test_a_steps_inverse_and_its_gradients_are_those_of_its_sublayers() -> None:
    flow = glow(GlowConfig(layers=1, features=4, width=8), seeded()).double()
    assert flow.networks is not None
    randomised(flow.networks, 1)
    for part in flow.modules():
        if isinstance(part, Linear):
            nn.init.normal_(part.matrix, generator=seeded(2))
        elif isinstance(part, ActNorm):
            nn.init.normal_(part.log_scale, generator=seeded(3))
            nn.init.normal_(part.shift, generator=seeded(4))
    (step,) = flow.chain.layers
    assert isinstance(step, Step)
    x = points(30).requires_grad_(True)
    weights = torch.randn(30, 3, generator=seeded(5), dtype=DOUBLE)
    results = []
    for mapped in (step.inverse_at(x), Chain.inverse_at(step, x)):
        values = torch.cat((mapped.point, mapped.ladj[:, None]), 1)
        gradients = torch.autograd.grad((weights * values).sum(), [x, *flow.parameters()])
        results.append([values, *gradients])
    for ours, theirs in zip(*results, strict=True):
        assert theirs.abs().max() > 1e-3
        torch.testing.assert_close(ours, theirs, atol=SAME, rtol=SAME)
