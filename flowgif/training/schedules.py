"""The table of learning-rate schedules. A new schedule is one row."""

from __future__ import annotations

from collections.abc import Callable

from flowgif import names
from flowgif.names import Table

__all__ = ["SCHEDULES", "WARM_UP", "Schedule"]

WARM_UP = 50  # steps in which the learning rate rises

# Gives the share of the highest learning rate that a step uses, from the steps done and the share of the training done.
Schedule = Callable[[int, float], float]


def linear(step: int, done: float) -> float:
    """Rises linearly over the first steps and falls linearly to zero at the end."""
    return min(1.0, (step + 1) / WARM_UP) * (1.0 - done)


def constant(step: int, done: float) -> float:
    """Stays at the highest rate."""
    return 1.0


SCHEDULES: Table[Schedule] = Table(names.SCHEDULES, {"linear": linear, "constant": constant})
