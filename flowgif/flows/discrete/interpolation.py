"""Functions of one coordinate that are known at equally spaced nodes, interpolated by quadratic B-splines.

The networks of a coupling have one input, so they are evaluated at the nodes of a grid instead of at every point of a
batch, and their values there are the coefficients of B-splines (Unser 1999, "Splines: a perfect fit for signal and
image processing", degree 2). A B-spline has a continuous derivative, and its values lie between those of the three
nodes nearest. So bounds and orders that hold at the nodes hold everywhere.
"""

from __future__ import annotations

from typing import Any, NamedTuple, cast

import torch
from torch import Tensor
from torch.autograd.function import FunctionCtx

__all__ = ["CELLS", "EXTENT", "Places", "gradients", "interpolate", "nodes", "places", "polynomials", "read"]

EXTENT = 4.5  # the grid lies on [-EXTENT, EXTENT]; beyond, functions are constant; seven points of a million of N(0, 1)
CELLS = 128  # cells of 0.07 data units; twice as many fit gears no better


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
    rise = values.diff()
    first, second = rise[..., :-1], rise[..., 1:]
    return torch.stack((torch.add(values[..., :-2], first, alpha=0.5), first, torch.sub(second, first).mul(0.5)))


def places(x: Tensor) -> Places:
    """Finds the places of points (n,) on the grid; a point beyond its ends has the place of the end.

    A point that is not a number has a cell and an offset that is not a number, so that values there are none either.
    """
    free = (x.detach() + EXTENT) * (CELLS / (2 * EXTENT))
    bounded = free.clamp(0, CELLS)
    cell = bounded.long().clamp_(0, CELLS - 1)  # the lower bound is for points that are not numbers
    return Places(cell, bounded - cell, (free == bounded).to(x.dtype))


def read(coefficients: Tensor, indices: Tensor, offset: Tensor) -> tuple[Tensor, Tensor]:
    """Computes c0 + c1 f + c2 f^2 at the offsets f, and the derivatives by f; without gradients.

    Args:
        coefficients: polynomials of several functions on each cell, (3, rows, columns).
        indices: the columns to use, (k n,).
        offset: f, (n,).

    Returns:
        Values and derivatives, (rows, k, n) each.
    """
    powers, rows, columns = coefficients.shape
    picked = coefficients.reshape(-1, columns).index_select(1, indices)
    c0, c1, c2 = picked.view(powers, rows, -1, len(offset))
    inner = torch.addcmul(c1, c2, offset)
    return torch.addcmul(c0, inner, offset), torch.addcmul(inner, c2, offset)


def gradients(grad: Tensor, derivative: Tensor, indices: Tensor, where: Places, columns: int) -> tuple[Tensor, Tensor]:
    """Computes the gradients of what :func:`read` returned, by the points (n,) and by the coefficients.

    Args:
        grad: the gradients by the values, (rows, k, n).
        derivative: the derivatives that :func:`read` returned.
        indices, where: the columns that were read, and the points' places.
        columns: the number of columns of the coefficients.
    """
    to_points = (grad * derivative).sum((0, 1)) * where.inside * (CELLS / (2 * EXTENT))
    to_first = grad * where.offset
    along = torch.stack((grad, to_first, to_first * where.offset)).flatten(0, 1).flatten(1)
    to_coefficients = grad.new_zeros(len(along), columns).scatter_add_(1, indices.expand(len(along), -1), along)
    return to_points, to_coefficients.view(3, -1, columns)


class _Interpolation(torch.autograd.Function):
    """Computes :func:`interpolate`. The hand-written gradients take a third of the operations of automatic ones."""

    @staticmethod
    def forward(
        ctx: FunctionCtx, x: Tensor, coefficients: Tensor, indices: Tensor, cell: Tensor, offset: Tensor, inside: Tensor
    ) -> Tensor:
        # x has no part in the values but through the places that were found from it.
        values, derivative = read(coefficients, indices, offset)
        ctx.save_for_backward(derivative, indices, cell, offset, inside)
        ctx.columns = coefficients.shape[2]  # pyright: ignore[reportAttributeAccessIssue]
        return values

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        derivative, indices, *where = ctx.saved_tensors
        to_x, to_coefficients = gradients(grads[0], derivative, indices, Places(*where), ctx.columns)
        return to_x, to_coefficients, None, None, None, None


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
    return cast(Tensor, _Interpolation.apply(x, coefficients, indices, *where))
