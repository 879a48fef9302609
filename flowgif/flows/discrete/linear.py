"""An invertible linear map, the 1x1 convolution of Glow (Kingma & Dhariwal 2018, arXiv:1807.03039) in the plane."""

from __future__ import annotations

import math
from typing import cast

import torch
from torch import Tensor, nn
from torch.autograd.function import FunctionCtx

from flowgif.flows.base import Mapped
from flowgif.flows.discrete.chain import Layer

__all__ = ["Entries", "Linear", "entries", "exponential", "exponential_gradient"]


# A 2x2 matrix by rows, as Python's numbers: for four entries torch's operations cost a hundred times their arithmetic.
Entries = tuple[float, float, float, float]


def exponential(matrix: Entries) -> Entries:
    """Computes exp(A) of a 2x2 matrix in closed form.

    With m = tr A / 2 and R = A - m I, R^2 = q I by Cayley and Hamilton, so exp(A) = e^m (C(q) I + S(q) R), where
    C(q) = cosh sqrt q and S(q) = sinh(sqrt q) / sqrt q. For negative q these are cos and sin of sqrt -q.
    """
    a, b, c, d = matrix
    m, h = 0.5 * (a + d), 0.5 * (a - d)
    cosh, sinhc, _ = _hyperbolics(h * h + b * c)
    grown = math.exp(m)
    return grown * (cosh + sinhc * h), grown * sinhc * b, grown * sinhc * c, grown * (cosh - sinhc * h)


def exponential_gradient(matrix: Entries, grad: Entries) -> Entries:
    """Computes the gradient by A of a function whose gradient by exp(A) is given."""
    (a, b, c, d), (ga, gb, gc, gd) = matrix, grad
    m, h = 0.5 * (a + d), 0.5 * (a - d)
    cosh, sinhc, slope = _hyperbolics(h * h + b * c)
    grown = math.exp(m)
    along_unit, along_rest = ga + gd, (ga - gd) * h + gb * b + gc * c
    to_m = grown * (cosh * along_unit + sinhc * along_rest)
    to_q = grown * (0.5 * sinhc * along_unit + slope * along_rest)  # dC/dq = S / 2
    grown_rest = grown * sinhc
    to_h = grown_rest * (ga - gd) + 2 * to_q * h
    to_b, to_c = grown_rest * gb + to_q * c, grown_rest * gc + to_q * b
    return 0.5 * (to_m + to_h), to_b, to_c, 0.5 * (to_m - to_h)


class _Exponential(torch.autograd.Function):
    """Computes exp(A), (2, 2)."""

    @staticmethod
    def forward(matrix: Tensor) -> Tensor:
        return matrix.new_tensor(exponential(entries(matrix))).view(2, 2)

    @staticmethod
    def setup_context(ctx: FunctionCtx, inputs: tuple[Tensor], output: Tensor) -> None:
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx: FunctionCtx, *grads: Tensor) -> Tensor:
        (matrix,), (grad,) = ctx.saved_tensors, grads  # pyright: ignore[reportAttributeAccessIssue]
        return matrix.new_tensor(exponential_gradient(entries(matrix), entries(grad))).view(2, 2)


def entries(matrix: Tensor) -> Entries:
    """Returns the entries of a matrix (2, 2) by rows."""
    (a, b), (c, d) = matrix.tolist()
    return a, b, c, d


def _hyperbolics(q: float) -> tuple[float, float, float]:
    """Returns C(q), S(q) and dS/dq."""
    if abs(q) < 1e-3:  # near 0 the quotients would cancel; the series' next terms are below 1e-12
        return 1 + q / 2 + q * q / 24, 1 + q / 6 + q * q / 120, 1 / 6 + q / 60 + q * q / 1680
    root = math.sqrt(abs(q))
    cosh, sinh = (math.cosh(root), math.sinh(root)) if q > 0 else (math.cos(root), math.sin(root))
    return cosh, sinh / root, (cosh - sinh / root) / (2 * q)


def _exponential(matrix: Tensor) -> Tensor:
    """Returns exp(A), (2, 2), differentiable."""
    return cast(Tensor, _Exponential.apply(matrix))


class Linear(Layer):
    """x = exp(A) z, Glow's 1x1 convolution for two channels, with log |det| = tr A.

    A linear interpolation between I and an invertible matrix can become singular; exp(s A) never does.

    Args:
        start: A before training, (2, 2), within the bound.
    """

    BOUND = 4.0  # bound of the entries of A, by a tanh: more than half a turn, and a log-determinant below 8

    def __init__(self, start: Tensor) -> None:
        super().__init__()
        self.matrix = nn.Parameter(self.BOUND * (start / self.BOUND).atanh())

    def generator(self) -> Tensor:
        """Returns A, (2, 2)."""
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
