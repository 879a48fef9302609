"""Glow in the plane (Kingma & Dhariwal 2018, arXiv:1807.03039): ActNorm, an invertible linear map, affine coupling."""

from __future__ import annotations

import math
from typing import Any, cast

import torch
from torch import Tensor
from torch.autograd.function import FunctionCtx

from flowgif.config.models import GlowConfig
from flowgif.flows.base import Mapped
from flowgif.flows.discrete.actnorm import ActNorm
from flowgif.flows.discrete.chain import Chain, DiscreteFlow
from flowgif.flows.discrete.coupling import AffineCoupling, affine_networks
from flowgif.flows.discrete.linear import Entries, Linear, entries, exponential, exponential_gradient

__all__ = ["Step", "glow"]


class _Inverse(torch.autograd.Function):
    """Computes the inverse of ActNorm after W, z = (x - b) exp(-a) exp(-A)^T, and its log-determinant ().

    This is one affine map of the plane, x M + c. Its few numbers are computed as Python's, its points in one product.
    """

    @staticmethod
    def forward(
        ctx: FunctionCtx, x: Tensor, log_scale: Tensor, shift: Tensor, matrix: Tensor, scale_bound: float
    ) -> tuple[Tensor, Tensor]:
        a = [scale_bound * math.tanh(free / scale_bound) for free in log_scale.tolist()]
        b0, b1 = shift.tolist()
        w = _bounded(entries(matrix))
        e00, e01, e10, e11 = exponential((-w[0], -w[1], -w[2], -w[3]))
        s0, s1 = math.exp(-a[0]), math.exp(-a[1])
        transposed = x.new_tensor(((s0 * e00, s1 * e01), (s0 * e10, s1 * e11)))
        ends = transposed @ -x.new_tensor(((b0,), (b1,)))
        ctx.save_for_backward(x, log_scale, shift, matrix, transposed)
        ctx.scale_bound = scale_bound  # pyright: ignore[reportAttributeAccessIssue]
        return torch.addmm(ends, transposed, x.mT).mT, x.new_tensor(-a[0] - a[1] - w[0] - w[3])

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        x, log_scale, shift, matrix, transposed = ctx.saved_tensors
        to_z, to_ladj = grads
        along = float(to_ladj)
        # The gradients by M and by c, and of c = -b M.
        (m00, m01), (m10, m11) = (x.mT @ to_z).tolist()
        c0, c1 = to_z.sum(0).tolist()
        (t00, t01), (t10, t11) = transposed.tolist()
        b0, b1 = shift.tolist()
        to_b = (-(t00 * c0 + t10 * c1), -(t01 * c0 + t11 * c1))
        m00, m01, m10, m11 = m00 - b0 * c0, m01 - b0 * c1, m10 - b1 * c0, m11 - b1 * c1
        # M = exp(-a) exp(-A)^T, so the gradient by a is minus the sum over a row of M times its gradient.
        to_a = (-(m00 * t00 + m01 * t10) - along, -(m10 * t01 + m11 * t11) - along)
        s0, s1 = (math.exp(-ctx.scale_bound * math.tanh(free / ctx.scale_bound)) for free in log_scale.tolist())
        free = entries(matrix)
        w = _bounded(free)
        minus = exponential_gradient((-w[0], -w[1], -w[2], -w[3]), (m00 * s0, m10 * s1, m01 * s0, m11 * s1))
        to_w = (-minus[0] - along, -minus[1], -minus[2], -minus[3] - along)
        to_matrix = [g * (1 - math.tanh(p / Linear.BOUND) ** 2) for g, p in zip(to_w, free, strict=True)]
        to_scale = [
            g * (1 - math.tanh(p / ctx.scale_bound) ** 2) for g, p in zip(to_a, log_scale.tolist(), strict=True)
        ]
        new = x.new_tensor
        return (transposed.mT @ to_z.mT).mT, new(to_scale), new(to_b), new(to_matrix).view(2, 2), None


def _bounded(free: Entries) -> Entries:
    """Returns A's entries, as ``Linear.generator`` does."""
    a, b, c, d = (Linear.BOUND * math.tanh(entry / Linear.BOUND) for entry in free)
    return a, b, c, d


class Step(Chain):
    """A step of Glow. From the base to the data: coupling, W, ActNorm."""

    def __init__(self, coupling: AffineCoupling, linear: Linear, norm: ActNorm) -> None:
        super().__init__([coupling, linear, norm])

    def inverse_at(self, x: Tensor, fraction: float = 1.0) -> Mapped:
        if fraction < 1:
            return super().inverse_at(x, fraction)
        coupling, linear, norm = self.layers
        assert isinstance(linear, Linear)
        assert isinstance(norm, ActNorm)
        inverse = _Inverse.apply(x, norm.log_scale, norm.shift, linear.matrix, norm.bound)
        between, ladj = cast(tuple[Tensor, Tensor], inverse)
        mapped = coupling.inverse_at(between)
        return Mapped(mapped.point, mapped.ladj + ladj)


def glow(config: GlowConfig, generator: torch.Generator) -> DiscreteFlow:
    """Makes an untrained flow of steps with three sublayers, which move one after another: coupling, W, ActNorm.

    (This is the order from the base to the data.) Before training W is a quarter turn. All couplings move their second
    coordinate, so they move the picture's x and y by turns.
    """
    turn = torch.tensor([[0.0, -math.pi / 2], [math.pi / 2, 0.0]])

    # After an odd number of quarter turns a step's first coordinate is the picture's second.
    axes = [(config.layers - i) % 2 for i in range(config.layers)]
    networks = affine_networks(axes, config, generator)

    def step(number: int) -> Step:
        coupling = AffineCoupling(1, networks.part(number).coefficients)
        return Step(coupling, Linear(turn.clone()), ActNorm(config.scale_bound))

    return DiscreteFlow([step(i) for i in range(config.layers)], networks)
