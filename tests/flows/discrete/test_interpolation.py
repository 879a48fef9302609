"""Interpolation by quadratic B-splines, against scipy's."""

from __future__ import annotations

import torch
from couplings import DOUBLE, SAME, seeded
from scipy.interpolate import BSpline
from torch import Tensor

from flowgif.flows.discrete.interpolation import CELLS, EXTENT, interpolate, nodes, places, polynomials

STEP = 2 * EXTENT / CELLS


def _values(rows: int) -> Tensor:
    return torch.randn(rows, CELLS + 2, generator=seeded(), dtype=DOUBLE)


def _points(n: int) -> Tensor:
    """Points on the grid, its ends and places between cells among them."""
    x = EXTENT * (2 * torch.rand(n, generator=seeded(1), dtype=DOUBLE) - 1)
    x[:3] = torch.tensor([-EXTENT, EXTENT, -EXTENT + 7 * STEP], dtype=DOUBLE)
    return x


def test_values_at_nodes_are_coefficients_of_quadratic_b_splines() -> None:
    values, x = _values(3), _points(500)
    # A B-spline of degree 2 begins one and a half steps before its node.
    knots = float(nodes()[0]) + STEP * (torch.arange(CELLS + 5, dtype=DOUBLE) - 1.5)
    theirs = torch.from_numpy(BSpline(knots.numpy(), values.mT.numpy(), 2)(x.numpy())).mT
    ours = interpolate(x, polynomials(values), places(x))[:, 0]
    # Nodes are float32 numbers, whose rounding the differences of neighbours, up to 5, multiply.
    torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=0)


def test_beyond_the_grid_a_function_has_the_value_of_its_end() -> None:
    coefficients = polynomials(_values(2))
    x = torch.tensor([-EXTENT, -2 * EXTENT, -1e30, EXTENT, 2 * EXTENT, 1e30], dtype=DOUBLE, requires_grad=True)
    values = interpolate(x, coefficients, places(x))[:, 0]
    torch.testing.assert_close(values[:, 1:3], values[:, :1].expand(-1, 2), atol=0, rtol=0)
    torch.testing.assert_close(values[:, 4:], values[:, 3:4].expand(-1, 2), atol=0, rtol=0)
    values.sum().backward()
    assert x.grad is not None
    assert x.grad[[1, 2, 4, 5]].tolist() == [0.0] * 4


def test_values_lie_between_those_of_the_three_nearest_nodes() -> None:
    values, x = _values(1)[0], _points(500)
    where = places(x)
    near = torch.stack([values[where.cell + i] for i in range(3)])
    between = interpolate(x, polynomials(values[None]), where)[0, 0]
    assert (between >= near.min(0).values - SAME).all()
    assert (between <= near.max(0).values + SAME).all()


def test_gradients_are_those_of_finite_differences() -> None:
    x = _points(20)[3:].requires_grad_(True)
    coefficients = polynomials(_values(2)).requires_grad_(True)
    weights = torch.randn(2, 17, generator=seeded(2), dtype=DOUBLE)

    def value(x: Tensor, coefficients: Tensor) -> Tensor:
        return (weights * interpolate(x, coefficients, places(x))[:, 0]).sum()

    # One direction of all coefficients and points stands for all; a step must not cross into another cell.
    assert torch.autograd.gradcheck(value, (x, coefficients), eps=1e-7, atol=1e-4, fast_mode=True)


def test_any_columns_may_be_read_at_a_points_offset() -> None:
    coefficients, x = polynomials(_values(2)), _points(40)
    where = places(x)
    pairs = interpolate(x, coefficients, where, torch.cat((where.cell, (where.cell + 5) % CELLS)))
    assert torch.equal(pairs[:, 0], interpolate(x, coefficients, where)[:, 0])
    shifted = interpolate(x, coefficients.roll(-5, 2), where)[:, 0]
    assert torch.equal(pairs[:, 1], shifted)
