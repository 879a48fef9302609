"""Functions of one coordinate that are known at equally spaced nodes, interpolated by quadratic B-splines.

The networks of a coupling have one input, so they are evaluated at the nodes of a grid instead of at every point of a
batch, and their values there are the coefficients of B-splines (Unser 1999, "Splines: a perfect fit for signal and
image processing", degree 2). A B-spline has a continuous derivative, and its values lie between those of the three
nodes nearest. So bounds and orders that hold at the nodes hold everywhere.
"""

from __future__ import annotations

from typing import NamedTuple, cast

import torch
from torch import Tensor
from torch.autograd.function import FunctionCtx

__all__ = ["CELLS", "EXTENT", "Places", "interpolate", "nodes", "places", "polynomials"]

EXTENT = 4.5  # the grid lies on [-EXTENT, EXTENT]; beyond, functions are constant; seven points of a million of N(0, 1)
CELLS = 256  # cells of 0.035 data units


class Places(NamedTuple):
    """Where points lie on the grid.

    Attributes:
        cell: the cell's number, (n,) int64.
        offset: the place within the cell, (n,) in [0, 1].
        inside: 1 where the point lies on the grid, otherwise 0, (n,).
    """

    cell: Tensor
    offset: Tensor
    inside: Tensor


def nodes() -> Tensor:
    """Returns the nodes, (CELLS + 2,): the middles of the cells, and one beyond each end."""
    return (torch.arange(CELLS + 2) - 0.5) * (2 * EXTENT / CELLS) - EXTENT


def polynomials(values: Tensor) -> Tensor:
    """Converts values at the nodes, (..., CELLS + 2), to each cell's polynomial in the offset.

    Returns:
        The coefficients of the powers 0, 1 and 2, (3, ..., CELLS).
    """
    left, middle, right = values[..., :-2], values[..., 1:-1], values[..., 2:]
    rise = middle - left
    return torch.stack((0.5 * (left + middle), rise, 0.5 * (right - middle - rise)))


def places(x: Tensor) -> Places:
    """Finds the places of points (n,) on the grid; a point beyond its ends has the place of the end."""
    free = (x.detach() + EXTENT) * (CELLS / (2 * EXTENT))
    bounded = free.clamp(0, CELLS)
    cell = bounded.long().clamp_(max=CELLS - 1)
    return Places(cell, bounded - cell, (free == bounded).to(x.dtype))


class _Interpolation(torch.autograd.Function):
    """Computes c0 + c1 f + c2 f^2 with the coefficients at given indices and the offsets f of points.

    The hand-written gradients take a third of the operations of automatic ones.
    """

    @staticmethod
    def forward(
        ctx: FunctionCtx, x: Tensor, coefficients: Tensor, indices: Tensor, offset: Tensor, inside: Tensor
    ) -> Tensor:
        # x has no part in the values but through the places that were found from it.
        powers, rows, columns = coefficients.shape
        n = len(offset)
        c0, c1, c2 = coefficients.reshape(-1, columns).index_select(1, indices).view(powers, rows, -1, n)
        inner = torch.addcmul(c1, c2, offset)
        ctx.save_for_backward(torch.addcmul(inner, c2, offset), indices, offset, inside)
        ctx.shape = coefficients.shape  # pyright: ignore[reportAttributeAccessIssue]
        return torch.addcmul(c0, inner, offset)

    @staticmethod
    def backward(ctx: FunctionCtx, *grads: Tensor) -> tuple[Tensor | None, ...]:  # pyright: ignore[reportIncompatibleMethodOverride]
        (slope, indices, offset, inside), (grad,) = ctx.saved_tensors, grads  # pyright: ignore[reportAttributeAccessIssue]
        powers, rows, columns = ctx.shape  # pyright: ignore[reportAttributeAccessIssue]
        to_x = (grad * slope).sum((0, 1)) * inside * (CELLS / (2 * EXTENT))
        to_first = grad * offset
        along = torch.stack((grad, to_first, to_first * offset)).view(powers * rows, -1)
        to_coefficients = grad.new_zeros(powers * rows, columns)
        to_coefficients.scatter_add_(1, indices.expand(powers * rows, -1), along)
        return to_x, to_coefficients.view(powers, rows, columns), None, None, None


def interpolate(x: Tensor, coefficients: Tensor, where: Places, indices: Tensor | None = None) -> Tensor:
    """Computes functions at points, differentiable by points and coefficients.

    Args:
        x: the points, (n,).
        coefficients: polynomials of several functions on each cell, (3, rows, CELLS), or any columns.
        where: the places of ``x``.
        indices: the columns to use, (k n,); by default the points' cells.

    Returns:
        (rows, k, n), with k = 1 by default.
    """
    indices = where.cell if indices is None else indices
    return cast(Tensor, _Interpolation.apply(x, coefficients, indices, where.offset, where.inside))
