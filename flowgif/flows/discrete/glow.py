"""Glow in the plane (Kingma & Dhariwal 2018, arXiv:1807.03039): ActNorm, an invertible linear map, affine coupling."""

from __future__ import annotations

import math
from typing import cast

import torch
from torch import Tensor, nn
from torch.autograd.function import FunctionCtx

from flowgif.config.schema import GlowConfig
from flowgif.flows.base import Mapped
from flowgif.flows.discrete.chain import Chain, DiscreteFlow, Layer, part_way
from flowgif.flows.discrete.coupling import AffineCoupling, Conditioner

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


class _Exponential(torch.autograd.Function):
    """exp(A) of a matrix of two rows, in closed form: four times as fast as torch's, which serves matrices of any size.

    With m = tr A / 2 and R = A - m I, R^2 = q I by Cayley and Hamilton, so exp(A) = e^m (C(q) I + S(q) R), where
    C(q) = cosh sqrt q and S(q) = sinh(sqrt q) / sqrt q, for negative q cos and sin of sqrt -q.
    """

    @staticmethod
    def forward(matrix: Tensor) -> Tensor:
        (a, b), (c, d) = matrix.tolist()
        m, h = 0.5 * (a + d), 0.5 * (a - d)
        cosh, sinhc, _ = _hyperbolics(h * h + b * c)
        grown = math.exp(m)
        return grown * matrix.new_tensor(((cosh + sinhc * h, sinhc * b), (sinhc * c, cosh - sinhc * h)))

    @staticmethod
    def setup_context(ctx: FunctionCtx, inputs: tuple[Tensor], output: Tensor) -> None:
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx: FunctionCtx, *grads: Tensor) -> Tensor:
        (matrix,), (grad,) = ctx.saved_tensors, grads  # pyright: ignore[reportAttributeAccessIssue]
        ((a, b), (c, d)), ((ga, gb), (gc, gd)) = matrix.tolist(), grad.tolist()
        m, h = 0.5 * (a + d), 0.5 * (a - d)
        cosh, sinhc, slope = _hyperbolics(h * h + b * c)
        grown = math.exp(m)
        along_unit, along_rest = ga + gd, (ga - gd) * h + gb * b + gc * c
        to_m = grown * (cosh * along_unit + sinhc * along_rest)
        to_q = grown * (0.5 * sinhc * along_unit + slope * along_rest)  # dC/dq = S / 2
        grown_rest = grown * sinhc
        to_h = grown_rest * (ga - gd) + 2 * to_q * h
        to_b, to_c = grown_rest * gb + to_q * c, grown_rest * gc + to_q * b
        return matrix.new_tensor(((0.5 * (to_m + to_h), to_b), (to_c, 0.5 * (to_m - to_h))))


def _hyperbolics(q: float) -> tuple[float, float, float]:
    """C(q), S(q) and dS/dq."""
    if abs(q) < 1e-3:  # where the quotients cancel; the series' next terms are below 1e-12
        return 1 + q / 2 + q * q / 24, 1 + q / 6 + q * q / 120, 1 / 6 + q / 60 + q * q / 1680
    root = math.sqrt(abs(q))
    cosh, sinh = (math.cosh(root), math.sinh(root)) if q > 0 else (math.cos(root), math.sin(root))
    return cosh, sinh / root, (cosh - sinh / root) / (2 * q)


def _exponential(matrix: Tensor) -> Tensor:
    return cast(Tensor, _Exponential.apply(matrix))


class Linear(Layer):
    """x = exp(A) z, Glow's 1x1 convolution for two channels, with log |det| = tr A.

    A linear interpolation between I and an invertible matrix can turn singular on its way; exp(s A) never does.

    Args:
        start: A before training, (2, 2), within the bound.
    """

    BOUND = 4.0  # of the entries of A, by a tanh: more than half a turn, and a log-determinant below 8

    def __init__(self, start: Tensor) -> None:
        super().__init__()
        self.matrix = nn.Parameter(self.BOUND * (start / self.BOUND).atanh())

    def generator(self) -> Tensor:
        """A, (2, 2)."""
        return self.BOUND * torch.tanh(self.matrix / self.BOUND)

    def path(self, z: Tensor, fractions: Tensor) -> Mapped:
        generator = self.generator()
        maps = torch.stack([_exponential(fraction * generator) for fraction in fractions])
        return Mapped(z @ maps.mT, (fractions * generator.trace())[:, None].expand(-1, len(z)))

    def inverse_at(self, x: Tensor, fraction: float = 1.0) -> Mapped:
        exponent = -fraction * self.generator()
        return Mapped(x @ _exponential(exponent).T, exponent.trace().expand(len(x)))

    def velocity(self, x: Tensor, fraction: float) -> Tensor:
        return x @ self.generator().T


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
