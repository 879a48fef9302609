"""The velocity network of a continuous flow, and its derivatives without autograd."""

from __future__ import annotations

import math
from typing import NamedTuple, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["Derivatives", "VelocityField", "VelocityNetwork"]


class Derivatives(NamedTuple):
    """A velocity and its derivatives along k tangents.

    Attributes:
        velocity: v(x, t), (n, 2).
        tangents: dv/dx applied to each tangent, (k, n, 2).
    """

    velocity: Tensor
    tangents: Tensor


class VelocityField(Protocol):
    """What a continuous flow integrates; an ``nn.Module``."""

    def __call__(self, x: Tensor, time: Tensor) -> Tensor:
        """v(x, t), (n, 2), for x (n, 2) and time () or (n,)."""
        ...

    def derivatives(self, x: Tensor, time: Tensor, noise: Tensor | None = None) -> Derivatives:
        """The same with its derivatives: along both axes (k = 2), or along one ``noise`` (n, 2) alone (k = 1)."""
        ...


class VelocityNetwork(nn.Module):
    """v(x, t) = c(t) x + MLP(x, Fourier features of the expected end point, time features).

    c(t) x is the velocity that carries N(0, I) to N(0, I), which every standardised target has for its large scales:
    c(t) = (2t - 1) / s^2 with s^2 = t^2 + (1 - t)^2.

    A detail of the picture sits at t times its final place while it forms, so the features see not x but the end
    point it would have in expectation, y = t x / s^2, and each frequency w is damped by
    exp(-|w|^2 (1 - t)^2 / (2 s^2)): what a feature sin(w y) is worth on average while the end point is that uncertain.
    (Random Fourier features: Tancik et al. 2020, arXiv:2006.10739; damping them by a Gaussian: Barron et al. 2021,
    arXiv:2103.13415, eq. 14.)

    Args:
        features: number of frequencies.
        frequency: their standard deviation along x and y, radians per data unit.
        width, depth: of the hidden layers, depth at least 1.
        generator: draws the frequencies and the weights.
    """

    TIME_WAVES = 4

    frequencies: Tensor

    def __init__(
        self, features: int, frequency: tuple[float, float], width: int, depth: int, generator: torch.Generator
    ) -> None:
        super().__init__()
        spread = torch.tensor(frequency)
        self.register_buffer("frequencies", torch.randn(features, 2, generator=generator) * spread)
        self.first = nn.Linear(2 + 2 * features, width)
        self.time = nn.Linear(1 + 2 * self.TIME_WAVES, width, bias=False)
        self.hidden = nn.ModuleList(nn.Linear(width, width) for _ in range(depth - 1))
        self.last = nn.Linear(width, 2)
        for layer in (self.first, self.time, *self.hidden):
            assert isinstance(layer, nn.Linear)
            bound = 1 / math.sqrt(layer.in_features)
            for parameter in layer.parameters():
                nn.init.uniform_(parameter, -bound, bound, generator=generator)
        # An untrained field is that of N(0, I) itself.
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)

    def forward(self, x: Tensor, time: Tensor) -> Tensor:
        """v(x, t), (n, 2), for x (n, 2) and time () or (n,)."""
        a, carried, _, _ = self._enter(x, time)
        for layer in (*self.hidden, self.last):
            a = layer(F.silu(a))
        return a + carried * x

    def derivatives(self, x: Tensor, time: Tensor, noise: Tensor | None = None) -> Derivatives:
        """The velocity and its exact derivatives, which go through the layers beside the value.

        Args:
            x: (n, 2).
            time: () or (n,).
            noise: (n, 2); None for the derivatives along both axes.
        """
        a, carried, waves, shrink = self._enter(x, time)
        # d sin(w y) = cos(w y) w dy: along an axis, the layer's weights times w, on cosines and sines changed about.
        features = len(self.frequencies)
        straight, of_sin, of_cos = self.first.weight.split((2, features, features), 1)
        turned = torch.cat([torch.cat((-of_cos * w, of_sin * w), 1) for w in self.frequencies.T])
        da = (shrink * (waves @ turned.T)).view(len(x), 2, -1).transpose(0, 1) + straight.T[:, None]
        axes = torch.eye(2, dtype=x.dtype, device=x.device)[:, None]
        if noise is not None:
            axes = noise[None]
            da = (noise.T[..., None] * da).sum(0, keepdim=True)
        for layer in (*self.hidden, self.last):
            gate = a.sigmoid()
            h = a * gate
            da = (da * torch.addcmul(gate, h, 1 - gate)) @ layer.weight.T  # pyright: ignore[reportOperatorIssue, reportArgumentType]
            a = layer(h)
        return Derivatives(a + carried * x, da + carried * axes)

    def _enter(self, x: Tensor, time: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """The first layer's sums (n, width), c(t), the damped sines and cosines (n, 2 features), and dy/dx."""
        t = time[..., None]
        square = t * t + (1 - t) ** 2
        shrink = t / square
        damping = torch.exp(((1 - t) ** 2 / square) * (-0.5 * self.frequencies.square().sum(1)))
        phase = x @ self.frequencies.T * shrink
        waves = torch.cat((phase.sin() * damping, phase.cos() * damping), -1)
        beats = t * (math.pi * torch.arange(1, self.TIME_WAVES + 1, device=t.device))
        clock = self.time(torch.cat((t, beats.sin(), beats.cos()), -1))
        return self.first(torch.cat((x, waves), -1)) + clock, (2 * t - 1) / square, waves, shrink
