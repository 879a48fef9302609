"""The table of learning-rate schedules. A new schedule is one row."""

from __future__ import annotations

from collections.abc import Callable

from flowgif import names
from flowgif.names import Table

__all__ = ["SCHEDULES", "WARM_UP", "Schedule"]

WARM_UP = 50  # number of steps during which the learning rate rises

# Maps the number of steps done and the share of the training done to a share of the peak learning rate.
Schedule = Callable[[int, float], float]


def linear(step: int, done: float) -> float:
    """Rises linearly over the first steps and falls linearly to zero at the end."""
    return min(1.0, (step + 1) / WARM_UP) * (1.0 - done)


def constant(step: int, done: float) -> float:
    """Stays at the peak rate."""
    return 1.0


SCHEDULES: Table[Schedule] = Table(names.SCHEDULES, {"linear": linear, "constant": constant})
