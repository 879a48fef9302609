"""Integrates an ordinary differential equation with torchdiffeq's methods."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torchdiffeq import odeint

from flowgif.errors import NumericalError

__all__ = ["Derivative", "Solution", "Solver", "solve"]

# Computes dx/dt, (n, c), for a time t, (), and a state x, (n, c).
Derivative = Callable[[Tensor, Tensor], Tensor]

ADAPTIVE = frozenset({"dopri5", "dopri8", "bosh3"})  # methods that choose the length of each step


@dataclass(frozen=True)
class Solver:
    """How an equation is integrated over times within [0, 1].

    Attributes:
        method: a method of torchdiffeq.
        rtol, atol: tolerances of an adaptive method, in data units and nats.
        steps: number of equal steps of a fixed method over the whole of [0, 1].
        most_steps: step limit of adaptive methods; exceeding it raises NumericalError.
        late: adaptive methods step in s = -log(1 + late - t) instead of t. Near t = 1 a fitted velocity changes on the
            scale of the time left, which equal steps in s follow; in t about every other step is rejected. None: the
            steps are in t.
    """

    method: str = "dopri5"
    rtol: float = 1e-7
    atol: float = 1e-7
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
    if solver.adaptive:
        options = {"max_num_steps": solver.most_steps}
        if solver.late is not None:
            f, grid = _change_time(f, grid, solver.late)
            # This is about the step that fitted pictures allow; torchdiffeq's search begins with a tenth of it. With
            # the method's order, the step grows as the fifth root of the tolerance.
            first_step = 0.12 + 0.1 * max(float(grid[0]), 0.0)
            options["first_step"] = first_step * (solver.rtol / 1e-5) ** 0.2
    evaluations = 0

    def counted(t: Tensor, state: Tensor) -> Tensor:
        nonlocal evaluations
        evaluations += 1
        return f(t, state)

    try:
        states = odeint(counted, start, grid, rtol=solver.rtol, atol=solver.atol, method=solver.method, options=options)
    except AssertionError as error:  # torchdiffeq raises AssertionError for both failures
        raise NumericalError(
            f"the ODE solver gave up after {evaluations} evaluations ({error}); "
            "train with a lower --lr, or with more regularisation"
        ) from None
    assert isinstance(states, Tensor)
    indices = {time: i for i, time in enumerate(distinct)}
    return Solution(states[[indices[time] for time in times]], evaluations)


def _change_time(f: Derivative, times: Tensor, late: float) -> tuple[Derivative, Tensor]:
    """Rewrites dx/dt = f(t, x) in the time s = -log(1 + late - t): dx/ds = f(t, x) exp(-s), because dt/ds = exp(-s).

    Returns:
        dx/ds, and the times s that belong to ``times``.
    """

    def changed(s: Tensor, state: Tensor) -> Tensor:
        left = torch.exp(-s)
        return f(1 + late - left, state) * left.to(state)

    return changed, -torch.log(1 + late - times)
