"""Glow in the plane (Kingma & Dhariwal 2018, arXiv:1807.03039): ActNorm, an invertible linear map, affine coupling."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from flowgif.config import GlowConfig
from flowgif.flows.base import Mapped
from flowgif.flows.coupling import AffineCoupling, Conditioner
from flowgif.flows.discrete import Chain, DiscreteFlow, Layer, part_way

__all__ = ["ActNorm", "Linear", "glow"]


class ActNorm(Layer):
    """x = z exp(a) + b per axis, set by the first batch so that z has mean 0 and variance 1 (section 3.1).

    Between 0 and its end it is interpolated linearly, as an affine coupling is.

    Args:
        bound: |a| stays below it, by a tanh.
    """

    initialised: Tensor

    def __init__(self, bound: float) -> None:
        super().__init__()
        self.bound = bound
        self.log_scale = nn.Parameter(torch.zeros(2))
        self.shift = nn.Parameter(torch.zeros(2))
        # Kept with the weights, so that going on with a training does not do it again.
        self.register_buffer("initialised", torch.tensor(0.0))

    def initialise(self, x: Tensor) -> None:
        if self.initialised:
            return
        share = (x.std(0).log() / self.bound).clamp(-0.99, 0.99)
        self.log_scale.copy_(self.bound * share.atanh())
        self.shift.copy_(x.mean(0))
        self.initialised.fill_(1.0)

    def path(self, z: Tensor, fractions: Tensor) -> Mapped:
        log_scale = self._log_scale().expand_as(z)
        point, log_slope = part_way(z, z * log_scale.exp() + self.shift, log_scale, fractions[:, None, None])
        return Mapped(point, log_slope.sum(-1))

    def inverse_at(self, x: Tensor, fraction: float = 1.0) -> Mapped:
        log_scale = self._log_scale()
        if fraction < 1:
            log_scale = torch.log1p(fraction * torch.expm1(log_scale))
        return Mapped((x - fraction * self.shift) * (-log_scale).exp(), -log_scale.sum().expand(len(x)))

    def _log_scale(self) -> Tensor:
        return self.bound * torch.tanh(self.log_scale / self.bound)


class Linear(Layer):
    """x = exp(A) z, Glow's 1x1 convolution for two channels, with log |det| = tr A.

    A linear interpolation between I and an invertible matrix can turn singular on its way; exp(s A) never does.

    Args:
        generator_matrix: A before training, (2, 2).
    """

    def __init__(self, generator_matrix: Tensor) -> None:
        super().__init__()
        self.matrix = nn.Parameter(generator_matrix)

    def path(self, z: Tensor, fractions: Tensor) -> Mapped:
        maps = torch.linalg.matrix_exp(fractions[:, None, None] * self.matrix)
        return Mapped(z @ maps.mT, (fractions * self.matrix.trace())[:, None].expand(-1, len(z)))

    def inverse_at(self, x: Tensor, fraction: float = 1.0) -> Mapped:
        exponent = -fraction * self.matrix
        return Mapped(x @ torch.linalg.matrix_exp(exponent).T, exponent.trace().expand(len(x)))

    def velocity(self, x: Tensor, fraction: float) -> Tensor:
        return x @ self.matrix.T


def glow(config: GlowConfig, generator: torch.Generator) -> DiscreteFlow:
    """Steps of three sublayers, which move one after another: drawn, a step is the coupling, then W, then ActNorm.

    Before training W is a quarter turn, so that the couplings, which all move their second coordinate, take turns.
    """
    turn = torch.tensor([[0.0, -math.pi / 2], [math.pi / 2, 0.0]])

    def step(axis: int) -> Chain:
        coupling = AffineCoupling(1, Conditioner(2, 1, config, axis, generator), config.scale_bound)
        return Chain([coupling, Linear(turn.clone()), ActNorm(config.scale_bound)])

    # After an odd number of quarter turns a step's first coordinate is the picture's second.
    return DiscreteFlow([step((config.layers - i) % 2) for i in range(config.layers)])
