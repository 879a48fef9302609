"""The solver against exact solutions, by its declared order, and where it gives up."""

from __future__ import annotations

import math

import pytest
import torch
from fields import MATRIX, LinearField, points

from flowgif.errors import NumericalError
from flowgif.flows.continuous.ffjord import FFJORD
from flowgif.flows.continuous.solver import Solver, solve


@pytest.mark.parametrize(("method", "order"), [("euler", 1), ("midpoint", 2), ("rk4", 4)])
def test_a_fixed_solver_has_its_declared_order(method: str, order: int) -> None:
    z = points(6)
    exact = z @ torch.linalg.matrix_exp(MATRIX).T

    def error(steps: int) -> float:
        return float((FFJORD(LinearField(), Solver(method, steps=steps)).from_base(z).point - exact).abs().max())

    slope = math.log2(error(20) / error(40))
    # Halving the step of a method of order p divides the error by 2^p, but for terms of higher order.
    assert slope == pytest.approx(order, abs=0.15)


@pytest.mark.parametrize("late", [None, 0.03, 1.0])
@pytest.mark.parametrize("times", [[0.0, 0.3, 0.3, 1.0], [1.0, 0.6, 0.0], [0.2, 1.0, 0.2]])
def test_the_solution_does_not_depend_on_the_time_in_which_it_steps(times: list[float], late: float | None) -> None:
    """dx/dt = 2 t x is solved by x = x0 exp(t^2 - t0^2); a time that is asked for again gets the same state."""
    start = points(5)
    solution = solve(lambda t, x: 2 * t * x, start, times, Solver(rtol=1e-10, atol=1e-10, late=late))
    exact = torch.stack([start * math.exp(time**2 - times[0] ** 2) for time in times])
    # The solver's tolerance, accumulated over its steps.
    torch.testing.assert_close(solution.states, exact, atol=1e-8, rtol=0)
    assert solution.evaluations > 6


def test_a_single_time_needs_no_evaluation() -> None:
    start = points(3)
    solution = solve(lambda t, x: x, start, [0.4, 0.4], Solver())
    assert torch.equal(solution.states, start.expand(2, 3, 2))
    assert solution.evaluations == 0


def test_a_fixed_method_takes_its_steps() -> None:
    for method, stages in (("euler", 1), ("midpoint", 2), ("rk4", 4)):
        assert solve(lambda t, x: x, points(3), [0.0, 1.0], Solver(method, steps=8)).evaluations == 8 * stages


def test_an_adaptive_method_that_needs_too_many_steps_says_so() -> None:
    with pytest.raises(NumericalError, match=r"gave up after \d+ evaluations .*max_num_steps"):
        solve(lambda t, x: (1000 * t).cos() * x, points(3), [0.0, 1.0], Solver(most_steps=5, late=None))
