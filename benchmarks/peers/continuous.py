"""Continuous flows: FFJORD as its paper trains it, and flow matching with torchcfm."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torchdiffeq import odeint, odeint_adjoint

from peers.base import Peer, log_normal

__all__ = ["FFJORD", "CouplingMatching", "FFJORDHutchinson", "IndependentMatching"]

TOLERANCE = 1e-5  # of the solves in FFJORD's script for pictures, and of every log-density here


def _divergence(velocity: Tensor, x: Tensor, create_graph: bool) -> Tensor:
    """Returns the exact divergence of a velocity (n, 2) that was computed from x, (n,)."""
    parts = (
        torch.autograd.grad(velocity[:, i].sum(), x, create_graph=create_graph, retain_graph=True)[0][:, i]
        for i in range(2)
    )
    return torch.stack([*parts]).sum(0)


class _ConcatSquash(nn.Module):
    """FFJORD's layer: (W x + b) sigmoid(u t + c) + v t (Grathwohl et al. 2019, arXiv:1810.01367, appendix B.1)."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.layer = nn.Linear(inputs, outputs)
        self.gate = nn.Linear(1, outputs)
        self.bias = nn.Linear(1, outputs, bias=False)

    def forward(self, t: Tensor, x: Tensor) -> Tensor:
        t = t.view(1, 1)
        return self.layer(x) * torch.sigmoid(self.gate(t)) + self.bias(t)


class _Dynamics(nn.Module):
    """The velocity of FFJORD's script and d log p / dt; ``noise`` makes the divergence Hutchinson's estimate."""

    def __init__(self, width: int) -> None:
        super().__init__()
        sizes = (2, width, width, width, 2)
        self.layers = nn.ModuleList([_ConcatSquash(sizes[i], sizes[i + 1]) for i in range(4)])
        self.noise: Tensor | None = None

    def forward(self, t: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, Tensor]:
        with torch.enable_grad():
            x = state[0].requires_grad_(True)
            h = x
            for i, layer in enumerate(self.layers):
                h = layer(t, h)
                if i < len(self.layers) - 1:
                    h = torch.tanh(h)
            graph = self.training
            if self.noise is None:
                divergence = _divergence(h, x, graph)
            else:
                pulled = torch.autograd.grad(h, x, self.noise, create_graph=graph)[0]
                divergence = (pulled * self.noise).sum(1)
        return h, -divergence.unsqueeze(1)


class FFJORD(Peer):
    """FFJORD with the settings of its authors' script for pictures (github.com/rtqichen/ffjord, train_img2d.py).

    Three hidden concatsquash layers with tanh; maximum likelihood through dopri5 at 1e-5 with the adjoint; an end time
    of 0.5 that is trained too; Adam with a weight decay of 1e-5. The divergence is exact, as in that script.
    """

    weight_decay = 1e-5
    clip = None
    hutchinson = False

    def __init__(self, width: int) -> None:
        super().__init__()
        self.dynamics = _Dynamics(width)
        self.root_end_time = nn.Parameter(torch.tensor(0.5**0.5))

    def exact_log_prob(self, x: Tensor) -> Tensor:
        self.dynamics.noise = None
        return self._solve(x)

    def loss(self, x: Tensor) -> Tensor:
        self.dynamics.noise = torch.randn_like(x) if self.hutchinson else None
        return -self._solve(x).mean()

    def _solve(self, x: Tensor) -> Tensor:
        times = torch.stack([torch.zeros(()), self.root_end_time**2])
        solve: Any = odeint_adjoint if self.training else odeint
        z, change = solve(
            self.dynamics, (x, torch.zeros(len(x), 1)), times, rtol=TOLERANCE, atol=TOLERANCE, method="dopri5"
        )
        return log_normal(z[-1]) - change[-1, :, 0]


class FFJORDHutchinson(FFJORD):
    """The same with Hutchinson's estimate of the divergence, with Gaussian noise that is fixed during a solve."""

    hutchinson = True


class _Matching(Peer):
    """Flow matching with torchcfm's matchers and its own network; sigma is 0, so that the paths end on the points."""

    clip = None

    def __init__(self, width: int) -> None:
        from torchcfm.models import MLP

        super().__init__()
        self.network = MLP(dim=2, time_varying=True, w=width)
        self.matcher = self.make_matcher()

    def make_matcher(self) -> Any:
        """Returns the matcher of torchcfm."""
        raise NotImplementedError

    def velocity(self, t: Tensor, x: Tensor) -> Tensor:
        """Returns the velocity at a time or at a time for each point."""
        return self.network(torch.cat([x, t.expand(len(x)).unsqueeze(1)], 1))

    def loss(self, x: Tensor) -> Tensor:
        t, at, wanted = self.matcher.sample_location_and_conditional_flow(torch.randn_like(x), x)
        return ((self.velocity(t, at) - wanted) ** 2).mean()

    def exact_log_prob(self, x: Tensor) -> Tensor:
        def derivatives(t: Tensor, state: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
            with torch.enable_grad():
                at = state[0].detach().requires_grad_(True)
                velocity = self.velocity(t, at)
                divergence = _divergence(velocity, at, create_graph=False)
            return velocity.detach(), divergence

        times = torch.tensor([1.0, 0.0])
        solved: Any = odeint(
            derivatives, (x, torch.zeros(len(x))), times, rtol=TOLERANCE, atol=TOLERANCE, method="dopri5"
        )
        z, change = solved
        # change is the integral of the divergence from 1 to 0, minus the one from 0 to 1.
        return log_normal(z[-1]) + change[-1]


class IndependentMatching(_Matching):
    """I-CFM: pairs of noise and points are independent (Tong et al. 2024, arXiv:2302.00482)."""

    def make_matcher(self) -> Any:
        from torchcfm import ConditionalFlowMatcher

        return ConditionalFlowMatcher(sigma=0.0)


class CouplingMatching(_Matching):
    """OT-CFM: each batch is paired by optimal transport (Tong et al. 2024, arXiv:2302.00482)."""

    def make_matcher(self) -> Any:
        from torchcfm import ExactOptimalTransportConditionalFlowMatcher

        return ExactOptimalTransportConditionalFlowMatcher(sigma=0.0)
