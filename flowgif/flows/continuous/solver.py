"""Integrates an ordinary differential equation: by this module's dopri5, or by any method of torchdiffeq.

dopri5 is here because every command uses it, and torchdiffeq imports scipy's integrators, which takes half a second.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from flowgif.errors import NumericalError

__all__ = ["Derivative", "Solution", "Solver", "solve"]

# Computes dx/dt, (n, c), for a time t, (), and a state x, (n, c).
Derivative = Callable[[Tensor, Tensor], Tensor]

ADAPTIVE = frozenset({"dopri5", "dopri8", "bosh3"})  # methods that choose the length of each step


@dataclass(frozen=True)
class Solver:
    """How an equation is integrated over times within [0, 1].

    Attributes:
        method: dopri5, or a method of torchdiffeq.
        rtol, atol: tolerances of an adaptive method, in the units of the state.
        steps: number of equal steps of a fixed method over the whole of [0, 1].
        most_steps: step limit of adaptive methods; exceeding it raises NumericalError.
        late: adaptive methods step in s = -log(1 + late - t) instead of t. Near t = 1 a fitted velocity changes on the
            scale of the time left, which equal steps in s follow; in t about every other step is rejected. None: the
            steps are in t.
    """

    method: str = "dopri5"
    rtol: float = 2e-7
    atol: float = 2e-7
    steps: int = 100
    most_steps: int = 2000
    late: float | None = 0.03

    @property
    def adaptive(self) -> bool:
        """Whether the method chooses the length of each step."""
        return self.method in ADAPTIVE


class Solution(NamedTuple):
    """The solution of an equation.

    Attributes:
        states: the states at the requested times, (k, n, c).
        evaluations: number of evaluations of the derivative.
    """

    states: Tensor
    evaluations: int


def solve(f: Derivative, start: Tensor, times: Sequence[float], solver: Solver) -> Solution:
    """Solves dx/dt = f(t, x).

    Args:
        f: the derivative.
        start: the state at the first time, (n, c).
        times: k times, rising or falling, within [0, 1]; a time may occur more than once.
        solver: the method and its tolerances.

    Raises:
        NumericalError: the solver exceeds its step limit, or meets a number that is not finite.
    """
    distinct = list(dict.fromkeys(times))
    if len(distinct) == 1:
        return Solution(start[None].expand(len(times), *start.shape), 0)
    dtype = torch.float32 if start.device.type == "mps" else torch.float64  # MPS has no float64
    grid = torch.tensor(distinct, dtype=dtype, device=start.device)
    options: dict[str, float] = {"step_size": 1 / solver.steps}
    first_step = None
    if solver.adaptive:
        options = {"max_num_steps": solver.most_steps}
        if solver.late is not None:
            f, grid = _change_time(f, grid, solver.late)
            # This is about the step that fitted pictures allow; torchdiffeq's search begins with a tenth of it. With
            # the method's order, the step grows as the fifth root of the tolerance.
            first_step = 0.12 + 0.1 * max(float(grid[0]), 0.0)
            first_step *= (solver.rtol / 1e-5) ** 0.2
            options["first_step"] = first_step
    evaluations = 0

    def counted(t: Tensor, state: Tensor) -> Tensor:
        nonlocal evaluations
        evaluations += 1
        derivative = f(t.to(state.dtype), state)
        # torchdiffeq checks its limit and its states in assertions, which python -O leaves out.
        if solver.adaptive and solver.method != "dopri5":
            if evaluations > MOST_STAGES * (solver.most_steps + 1):
                raise AssertionError("max_num_steps exceeded")
            if not bool(derivative.isfinite().all()):
                raise AssertionError("the state is not finite")
        return derivative

    try:
        if solver.method == "dopri5":
            states = _dopri5(counted, start, grid, solver.rtol, solver.atol, first_step, solver.most_steps)
        else:
            from torchdiffeq import odeint

            states = odeint(
                counted, start, grid, rtol=solver.rtol, atol=solver.atol, method=solver.method, options=options
            )
    except AssertionError as error:  # torchdiffeq raises AssertionError for both failures
        raise NumericalError(
            f"the ODE solver gave up after {evaluations} evaluations ({error}); "
            "train with a lower --lr, or with more regularisation"
        ) from None
    assert isinstance(states, Tensor)
    indices = {time: i for i, time in enumerate(distinct)}
    return Solution(states[[indices[time] for time in times]], evaluations)


MOST_STAGES = 14  # evaluations of a step, of any method
# Dormand and Prince's method of order 5 with an estimate of order 4 (Hairer, Norsett and Wanner 1993, Solving Ordinary
# Differential Equations I, table II.5.2): the times of the stages, their weights in later stages, and the difference of
# the two solutions' weights. The last stage is the derivative at the step's end.
NODES = (0.0, 1 / 5, 3 / 10, 4 / 5, 8 / 9, 1.0, 1.0)
STAGES = (
    (),
    (1 / 5,),
    (3 / 40, 9 / 40),
    (44 / 45, -56 / 15, 32 / 9),
    (19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729),
    (9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656),
    (35 / 384, 0.0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84),
)
ERROR = (71 / 57600, 0.0, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525, -1 / 40)
# The weights of the term of highest degree in the solution between a step's ends (page 192, the method's dense output).
DENSE = (
    -12715105075 / 11282082432,
    0.0,
    87487479700 / 32700410799,
    -10690763975 / 1880347072,
    701980252875 / 199316789632,
    -1453857185 / 822651844,
    69997945 / 29380423,
)
SAFETY, LEAST_FACTOR, MOST_FACTOR = 0.9, 0.2, 10.0  # of the length of the next step (section II.4)


def _dopri5(
    f: Derivative, start: Tensor, times: Tensor, rtol: float, atol: float, first_step: float | None, most_steps: int
) -> Tensor:
    """Integrates by Dormand and Prince's method with steps whose estimated error, a root mean square, is tolerated.

    Returns:
        The states at the times, (k, n, c). Within a step they are those of its polynomial of order 4.

    Raises:
        AssertionError: the steps exceed their limit, or the state is not finite.
    """
    t, end = float(times[0]), float(times[-1])
    forwards = math.copysign(1.0, end - t)
    y, slope = start, f(times[0], start)
    length = first_step or _first_length(f, y, slope, times, rtol, atol)
    states, done, steps = [start], 1, 0
    while done < len(times):
        if steps >= most_steps:
            raise AssertionError(f"max_num_steps exceeded ({steps}>={most_steps})")
        steps += 1
        length = min(length, abs(end - t))
        h = forwards * length
        slopes = [slope]
        new = y
        for node, weights in zip(NODES[1:], STAGES[1:], strict=True):
            new = y + _combined(slopes, weights, h)
            slopes.append(f(times.new_tensor(t + node * h), new))
        error = _combined(slopes, ERROR, h).detach()
        scale = atol + rtol * torch.maximum(y.detach().abs(), new.detach().abs())
        size = float((error / scale).square().mean().sqrt())
        if not math.isfinite(size):
            raise AssertionError("the state is not finite")
        factor = SAFETY * max(size, 1e-10) ** -0.2
        if size <= 1:
            reached = end if length >= abs(end - t) else t + h
            while done < len(times) and forwards * (float(times[done]) - reached) <= 0:
                share = (float(times[done]) - t) / h
                states.append(new if float(times[done]) == reached else _within(y, new, slopes, h, share))
                done += 1
            t, y, slope = reached, new, slopes[-1]
        else:
            factor = min(factor, 1.0)
        length *= min(max(factor, LEAST_FACTOR), MOST_FACTOR)
        if t + forwards * length == t and done < len(times):
            raise AssertionError(f"underflow in dt {length}")
    return torch.stack(states)


def _first_length(f: Derivative, y: Tensor, slope: Tensor, times: Tensor, rtol: float, atol: float) -> float:
    """Guesses the first step's length from the first and second derivative (section II.4, page 169).

    Raises:
        AssertionError: the first derivative is not finite.
    """
    scale = atol + rtol * y.detach().abs()

    def size(value: Tensor) -> float:
        return float((value.detach() / scale).square().mean().sqrt())

    extent, speed = size(y), size(slope)
    if not math.isfinite(speed):
        raise AssertionError("the state is not finite")
    short = 0.01 * extent / speed if min(extent, speed) > 1e-5 else 1e-6
    h = math.copysign(short, float(times[-1] - times[0]))
    bend = size(f(times[0] + h, y + h * slope) - slope) / short
    most = max(speed, bend)
    return min(100 * short, (0.01 / most) ** 0.2 if most > 1e-15 else max(1e-6, short / 1000))


def _combined(slopes: Sequence[Tensor], weights: Sequence[float], h: float) -> Tensor:
    """Computes h sum_i weights[i] slopes[i]."""
    return torch.tensordot(slopes[0].new_tensor([h * weight for weight in weights]), torch.stack(list(slopes)), 1)


def _within(y: Tensor, new: Tensor, slopes: Sequence[Tensor], h: float, share: float) -> Tensor:
    """Computes the state at a share of a step from y to ``new``."""
    change = new - y
    bend = h * slopes[0] - change
    inner = change - h * slopes[-1] - bend + (1 - share) * _combined(slopes, DENSE, h)
    return y + share * (change + (1 - share) * (bend + share * inner))


def _change_time(f: Derivative, times: Tensor, late: float) -> tuple[Derivative, Tensor]:
    """Rewrites dx/dt = f(t, x) in the time s = -log(1 + late - t): dx/ds = f(t, x) exp(-s), because dt/ds = exp(-s).

    Returns:
        dx/ds, and the times s that belong to ``times``.
    """

    def changed(s: Tensor, state: Tensor) -> Tensor:
        left = torch.exp(-s)
        return f(1 + late - left, state) * left.to(state)

    return changed, -torch.log(1 + late - times)
