"""The velocity network of a continuous flow, and its derivatives without autograd."""

from __future__ import annotations

import itertools
import math
from typing import NamedTuple, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["ConcatSquashNetwork", "Derivatives", "VelocityField", "VelocityNetwork"]


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


class ConcatSquashNetwork(nn.Module):
    """The velocity network of the FFJORD paper: layers (W x + b) * sigmoid(w t + c) + v t, with tanh between them.

    (Grathwohl et al. 2019, arXiv:1810.01367, section 4 and appendix; there its layers are called concatsquash.) The
    time t in it runs to an end that is trained with the weights; to the outside it runs to 1.

    Args:
        width, depth: of the hidden layers.
        end_time: before training.
        generator: draws the weights.
    """

    def __init__(self, width: int, depth: int, end_time: float, generator: torch.Generator) -> None:
        super().__init__()
        sizes = [2] + [width] * depth + [2]
        pairs = list(itertools.pairwise(sizes))
        self.dense = nn.ModuleList(nn.Linear(a, b) for a, b in pairs)
        self.gates = nn.ModuleList(nn.Linear(1, b) for _, b in pairs)
        self.drifts = nn.ModuleList(nn.Linear(1, b, bias=False) for _, b in pairs)
        for layer in (*self.dense, *self.gates, *self.drifts):
            assert isinstance(layer, nn.Linear)
            bound = 1 / math.sqrt(layer.in_features)
            for parameter in layer.parameters():
                nn.init.uniform_(parameter, -bound, bound, generator=generator)
        self.log_end = nn.Parameter(torch.tensor(math.log(end_time)))

    def forward(self, x: Tensor, time: Tensor) -> Tensor:
        """v(x, t), (n, 2), for x (n, 2) and time () or (n,)."""
        return self._evaluate(x, time, x.new_zeros(0, *x.shape)).velocity

    def derivatives(self, x: Tensor, time: Tensor, noise: Tensor | None = None) -> Derivatives:
        """The velocity and its exact derivatives, along both axes or along ``noise`` (n, 2)."""
        if noise is None:
            return self._evaluate(x, time, torch.eye(2, dtype=x.dtype, device=x.device)[:, None].expand(2, *x.shape))
        return self._evaluate(x, time, noise[None])

    def _evaluate(self, x: Tensor, time: Tensor, tangents: Tensor) -> Derivatives:
        end = self.log_end.exp()
        t = (end * time)[..., None]
        for i, (dense, gate, drift) in enumerate(zip(self.dense, self.gates, self.drifts, strict=True)):
            if i > 0:
                x = x.tanh()
                tangents = tangents * (1 - x * x)
            open_by = gate(t).sigmoid()
            x = dense(x) * open_by + drift(t)
            tangents = tangents @ dense.weight.T * open_by  # pyright: ignore[reportOperatorIssue, reportArgumentType]
        # dx/d(time) = dx/dt * end
        return Derivatives(end * x, end * tangents)
