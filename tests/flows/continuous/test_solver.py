"""The solver against exact solutions, by its declared order, and where it gives up."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from fields import MATRIX, LinearField, network, points
from torch import Tensor
from torchdiffeq import odeint

from flowgif.errors import NumericalError
from flowgif.flows.continuous import solver as module
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


class Logistic:
    """dx/dt = cos(t) x (1 - x), whose solution is known: in the time sin t it is the logistic curve."""

    start = torch.rand(4, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)

    def __call__(self, t: Tensor, x: Tensor) -> Tensor:
        return t.cos() * x * (1 - x)

    def exact(self, since: float, time: float) -> Tensor:
        growth = math.exp(math.sin(time) - math.sin(since))
        return self.start * growth / (1 - self.start + self.start * growth)


def _one_step(length: float, share: float) -> float:
    """The error of one step of dopri5 of a length, at a share of it."""
    problem, since = Logistic(), 0.3
    times = torch.tensor([since, since + share * length, since + length], dtype=torch.float64)
    # No error is too large, so the first step is taken as it is.
    states = module._dopri5(problem, problem.start, times, 1e9, 1e9, abs(length), most_steps=1)
    return float((states[1] - problem.exact(since, float(times[1]))).abs().max())


@pytest.mark.parametrize("length", [0.8, -0.8])
@pytest.mark.parametrize(("share", "order"), [(1.0, 5), (0.3, 4), (0.5, 4), (0.9, 4)])
def test_dopri5_has_order_5_and_order_4_within_a_step(share: float, order: int, length: float) -> None:
    """The error of a single step of a method of order p falls as the length's power p + 1."""
    slope = math.log2(_one_step(length / 2, share) / _one_step(length / 4, share))
    # Terms of higher order make it up to a third less than in the limit. At a step's end the leading term is so small
    # for this problem that they make it more.
    assert slope > order + 1 - 0.35


def test_a_step_of_a_linear_equation_is_the_methods_polynomial() -> None:
    """R(z) = 1 + z + ... + z^5 / 5! + z^6 / 600 of dx/dt = A x with z = h A (Dormand and Prince 1980)."""
    start, h = points(4), 0.6
    times = torch.tensor([0.2, 0.2 + h], dtype=torch.float64)
    (_, end) = module._dopri5(lambda t, x: x @ MATRIX.T, start, times, 1e9, 1e9, h, most_steps=1)
    factors = [1 / math.factorial(power) for power in range(6)] + [1 / 600]
    polynomial = sum(f * torch.linalg.matrix_power(h * MATRIX, power) for power, f in enumerate(factors))
    torch.testing.assert_close(end, start @ polynomial.T, atol=1e-14, rtol=1e-13)


def test_the_tableau_is_consistent() -> None:
    """Every stage's weights add up to its time; the last stage's are the step's; those of the error add up to 0."""
    for time, weights in zip(module.NODES, module.STAGES, strict=True):
        assert sum(weights) == pytest.approx(time, abs=1e-14)
    assert sum(module.ERROR) == pytest.approx(0, abs=1e-15)
    assert sum(module.DENSE) == pytest.approx(0, abs=1e-12)
    nodes, step = np.array(module.NODES), np.array([*module.STAGES[-1], 0.0])
    for power in range(5):  # quadrature of order 5; the embedded solution has order 4
        assert step @ nodes**power == pytest.approx(1 / (power + 1), abs=1e-13)
    embedded = step - np.array(module.ERROR)
    for power in range(4):
        assert embedded @ nodes**power == pytest.approx(1 / (power + 1), abs=1e-13)
    assert abs(embedded @ nodes**4 - 1 / 5) > 1e-4


@pytest.mark.parametrize("late", [None, 0.03])
@pytest.mark.parametrize("times", [[0.0, 0.4, 1.0], [1.0, 0.55, 0.0]])
def test_the_error_falls_with_the_tolerance(times: list[float], late: float | None) -> None:
    problem, errors, counts = Logistic(), [], []
    for tolerance in (1e-4, 1e-6, 1e-8, 1e-10):
        solution = solve(problem, problem.start, times, Solver(rtol=tolerance, atol=tolerance, late=late))
        exact = torch.stack([problem.exact(times[0], time) for time in times])
        errors.append(float((solution.states - exact).abs().max()))
        counts.append(solution.evaluations)
        # Each step's error is tolerated, and the solution draws neighbours together or a little apart.
        assert errors[-1] < 20 * tolerance
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 1e-4 * errors[0]
    assert counts == sorted(counts)


@pytest.mark.parametrize("tolerance", [1e-4, 1e-6, 1e-8])
@pytest.mark.parametrize("times", [[0.0, 0.3, 0.7, 1.0], [1.0, 0.6, 0.0]])
def test_dopri5_is_as_exact_and_as_fast_as_torchdiffeqs(times: list[float], tolerance: float) -> None:
    field, start, calls = network(), points(20), 0

    def f(t: Tensor, x: Tensor) -> Tensor:
        nonlocal calls
        calls += 1
        return field(x, t)

    with torch.no_grad():
        exact = solve(f, start, times, Solver(rtol=1e-12, atol=1e-12, late=None)).states
        calls = 0
        theirs = odeint(f, start, torch.tensor(times).double(), rtol=tolerance, atol=tolerance, method="dopri5")
        their_calls = calls
        ours = solve(f, start, times, Solver(rtol=tolerance, atol=tolerance, late=None))
    assert isinstance(theirs, Tensor)
    # The methods are the same. The first step differs, and this one's last step ends at the last time.
    their_error, our_error = (float((states - exact).abs().max()) for states in (theirs, ours.states))
    assert our_error < 3 * their_error
    assert ours.evaluations <= 1.2 * their_calls + 6
    assert ours.evaluations == calls - their_calls


def test_gradients_go_through_the_steps() -> None:
    start = points(3).requires_grad_(True)
    end = solve(lambda t, x: x @ MATRIX.T, start, [0.0, 0.5, 1.0], Solver(rtol=1e-11, atol=1e-11)).states
    outer = points(3, seed=4)
    for k, time in ((1, 0.5), (2, 1.0)):
        (gradient,) = torch.autograd.grad((end[k] * outer).sum(), start, retain_graph=True)
        # The solver's tolerance.
        torch.testing.assert_close(gradient, outer @ torch.linalg.matrix_exp(time * MATRIX), atol=1e-9, rtol=0)


@pytest.mark.parametrize("late", [None, 0.03])
def test_a_start_at_zero_is_solved_too(late: float | None) -> None:
    start = torch.zeros(2, 2, dtype=torch.float64)
    solution = solve(lambda t, x: 3 * t**2 + x * 0, start, [0.0, 1.0], Solver(rtol=1e-9, atol=1e-9, late=late))
    torch.testing.assert_close(solution.states[1], torch.ones_like(start), atol=1e-7, rtol=0)  # the tolerance


def test_what_stands_still_needs_few_evaluations() -> None:
    start = points(3)
    solution = solve(lambda t, x: torch.zeros_like(x), start, [0.0, 0.5, 1.0], Solver(late=None))
    assert torch.equal(solution.states, start.expand(3, 3, 2))
    assert solution.evaluations < 80


@pytest.mark.parametrize("late", [None, 0.03])
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("since", [0.0, 0.5])
def test_a_state_that_is_not_finite_is_named(since: float, value: float, late: float | None) -> None:
    def f(t: Tensor, x: Tensor) -> Tensor:
        return x if float(t) < since else torch.full_like(x, value)

    with pytest.raises(NumericalError, match=r"gave up after \d+ evaluations \(the state is not finite\).*--lr"):
        solve(f, points(3), [0.0, 1.0], Solver(late=late))


def test_steps_that_would_become_nothing_are_named() -> None:
    """dx/dt = x^2 leaves every bound at t = 1 / x."""
    start = torch.full((1, 2), 2.0, dtype=torch.float64)
    with pytest.raises(NumericalError, match=r"gave up after \d+ evaluations \((underflow|the state is not|max_num)"):
        solve(lambda t, x: x * x, start, [0.0, 1.0], Solver(late=None))


def test_many_times_within_a_step_cost_nothing() -> None:
    times = torch.linspace(0, 1, 200, dtype=torch.float64).tolist()
    many = solve(lambda t, x: t.cos() * x, points(4), times, Solver())
    few = solve(lambda t, x: t.cos() * x, points(4), [0.0, 1.0], Solver())
    assert many.evaluations == few.evaluations
    assert torch.equal(many.states[-1], few.states[-1])
    exact = torch.stack([points(4) * math.exp(math.sin(time)) for time in times])
    # A hundred tolerances: within a step the solution has one order less than at its end.
    torch.testing.assert_close(many.states, exact, atol=3e-5, rtol=0)
