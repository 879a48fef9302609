"""Bounds that a user sets, for scripts."""

from __future__ import annotations

import math

from flowgif.errors import CheckFailed, UnusableInput

__all__ = ["check_bound", "hold_to_bound"]


def check_bound(option: str, bound: float | None) -> None:
    """Checks that a bound, if there is one, is a number.

    Raises:
        UnusableInput: it is none.
    """
    if bound is not None and math.isnan(bound):
        raise UnusableInput(f"{option} nan is no bound; give a number of nats")


def hold_to_bound(name: str, value: float, bound: float | None) -> None:
    """Compares a figure (nats) with the bound that the user set; None means no bound.

    Raises:
        CheckFailed: the figure is larger.
    """
    if bound is not None and value > bound:
        option = f"--max-{name.lower()}"
        raise CheckFailed(f"the {name} of {value:.4f} nats is above {option} {bound:g}; train longer (--steps)")
