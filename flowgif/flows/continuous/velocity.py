"""The contract of velocity fields, and this project's velocity network, which differentiates without autograd."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from flowgif.config.models import FFJORDConfig
from flowgif.flows.base import Ink
from flowgif.flows.networks import ListOf, frequencies_of, initialise_uniformly

__all__ = ["Derivatives", "Prepared", "VelocityField", "VelocityNetwork", "differentiate_layers"]

# What a velocity field needs to know of points and times. It does not depend on the field's weights.
Prepared = tuple[Tensor, ...]


class Derivatives(NamedTuple):
    """A velocity and its derivatives along k tangents.

    Attributes:
        velocity: v(x, t), (n, 2).
        tangents: dv/dx applied to each tangent, (k, n, 2).
    """

    velocity: Tensor
    tangents: Tensor

    def divergence(self) -> Tensor:
        """Returns div v = tr dv/dx, (n,); the tangents must be the two axes."""
        return self.tangents[0, :, 0] + self.tangents[1, :, 1]


class VelocityField(nn.Module, ABC):
    """A velocity v(x, t) with its derivatives in x, which a continuous flow integrates.

    A new velocity network derives from this class and is one row of ``flowgif.flows.continuous.ffjord.NETWORKS``.
    """

    @abstractmethod
    def forward(self, x: Tensor, time: Tensor) -> Tensor:
        """Computes v(x, t), (n, 2), for x (n, 2) and time () or (n,)."""

    def prepare(self, x: Tensor, time: Tensor, size: int) -> list[Prepared]:
        """Computes what :meth:`velocity_of` needs, for one part of ``size`` points after another."""
        return list(zip(x.split(size), time.split(size), strict=True))

    def velocity_of(self, prepared: Prepared) -> Tensor:
        """Computes v(x, t), (n, 2), from what :meth:`prepare` returned for a part of the points."""
        x, time = prepared
        return self(x, time)

    def fit_to(self, target: Ink) -> None:
        """Adapts the untrained network to a target; by default does nothing."""

    @abstractmethod
    def derivatives(self, x: Tensor, time: Tensor, noise: Tensor | None = None) -> Derivatives:
        """Computes the velocity and its exact derivatives along both axes (k = 2), or along one noise vector (k = 1).

        Args:
            x: (n, 2).
            time: () or (n,).
            noise: the noise vectors, (n, 2); None for the derivatives along both axes.
        """


class VelocityNetwork(VelocityField):
    """v(x, t) = c(t) x + MLP(x, Fourier features of the expected end point, time features).

    c(t) x with c(t) = (2t - 1) / s^2 and s^2 = t^2 + (1 - t)^2 is the velocity that carries N(0, I) to N(0, I). At
    large scales every standardised target has it.

    While a detail of the picture forms, it is at t times its final position. So the features are functions not of x
    but of the point's expected end, y = t x / s^2. Each frequency w is damped by exp(-|w|^2 (1 - t)^2 / (2 s^2)), the
    average of a feature sin(w y) over the end points that are still possible. (Random Fourier features: Tancik et al.
    2020, arXiv:2006.10739; damping them by a Gaussian: Barron et al. 2021, arXiv:2103.13415, eq. 14.)

    Args:
        features: number of frequencies.
        frequency: the frequencies' standard deviation along x and y, radians per data unit.
        width, depth: width and number of the hidden layers, depth at least 1.
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
        self.hidden = ListOf[nn.Linear](nn.Linear(width, width) for _ in range(depth - 1))
        self.last = nn.Linear(width, 2)
        for layer in (self.first, self.time, *self.hidden):
            initialise_uniformly(layer, generator)
        # Before training, the velocity is that of N(0, I).
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)

    @classmethod
    def from_config(cls, config: FFJORDConfig, generator: torch.Generator) -> VelocityNetwork:
        """Makes an untrained network from a resolved config."""
        assert config.features is not None
        assert config.frequency is not None
        assert config.width is not None
        assert config.depth is not None
        frequency = frequencies_of(config.frequency, config.aspect)
        return cls(config.features, frequency, config.width, config.depth, generator)

    def forward(self, x: Tensor, time: Tensor) -> Tensor:
        a, linear_rate, _, _ = self._enter(x, time)
        for layer in (*self.hidden, self.last):
            a = layer(F.silu(a))
        return a + linear_rate * x

    def derivatives(self, x: Tensor, time: Tensor, noise: Tensor | None = None) -> Derivatives:
        # Tangents go through the layers together with the value.
        a, linear_rate, waves, shrink = self._enter(x, time)
        # d sin(w y) = w cos(w y) dy and d cos(w y) = -w sin(w y) dy. So the first layer's derivative along an axis is a
        # product with the same waves: sines have the cosines' weights times -w, cosines the sines' weights times w.
        features = len(self.frequencies)
        straight, of_sin, of_cos = self.first.weight.split((2, features, features), 1)
        turned = torch.cat([torch.cat((-of_cos * w, of_sin * w), 1) for w in self.frequencies.T])
        da = (shrink * (waves @ turned.T)).view(len(x), 2, -1).transpose(0, 1) + straight.T[:, None]
        return differentiate_layers(x, linear_rate, a, da, (*self.hidden, self.last), noise)

    def _enter(self, x: Tensor, time: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Computes the first layer's sums (n, width), c(t), the damped sines and cosines (n, 2 features), and dy/dx."""
        t = time[..., None]
        square = t * t + (1 - t) ** 2
        shrink = t / square
        damping = torch.exp(((1 - t) ** 2 / square) * (-0.5 * self.frequencies.square().sum(1)))
        phase = x @ self.frequencies.T * shrink
        waves = torch.cat((phase.sin() * damping, phase.cos() * damping), -1)
        beats = t * (math.pi * torch.arange(1, self.TIME_WAVES + 1, device=t.device))
        clock = self.time(torch.cat((t, beats.sin(), beats.cos()), -1))
        return self.first(torch.cat((x, waves), -1)) + clock, (2 * t - 1) / square, waves, shrink


def differentiate_layers(
    x: Tensor, rate: Tensor, a: Tensor, da: Tensor, layers: Iterable[nn.Linear], noise: Tensor | None
) -> Derivatives:
    """Carries a network's first sums and their derivatives through the other layers, with SiLU before each.

    Args:
        x: the points, (n, 2).
        rate: c(t), the rate of the velocity c(t) x that is added to the network's output; (), (1, 1) or (n, 1).
        a: the first layer's sums, (n, width).
        da: their derivatives along both axes, (2, n, width).
        layers: the layers after the first.
        noise: see :meth:`VelocityField.derivatives`.
    """
    axes = torch.eye(2, dtype=x.dtype, device=x.device)[:, None]
    if noise is not None:
        axes = noise[None]
        da = (noise.T[..., None] * da).sum(0, keepdim=True)
    for layer in layers:
        gate = a.sigmoid()
        h = a * gate
        da = (da * torch.addcmul(gate, h, 1 - gate)) @ layer.weight.T
        a = layer(h)
    return Derivatives(a + rate * x, da + rate * axes)
