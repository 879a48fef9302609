"""Fits how a cost grows with the work."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["Growth", "fit_growth"]

# A growing part below this share of the whole cost cannot be told from noise.
NOISE = 0.1
EXPONENTS = np.arange(0.05, 3.001, 0.01)


@dataclass(frozen=True)
class Growth:
    """cost = fixed + (size / largest size)^exponent growing.

    Attributes:
        fixed: the cost that does not depend on the size, such as start-up.
        growing: the rest of the cost at the largest size.
        exponent: of the growing part; None if that is too small to tell.
    """

    fixed: float
    growing: float
    exponent: float | None


def fit_growth(sizes: list[float], costs: list[float]) -> Growth:
    """Fits a fixed cost and a power law by least squares of the relative errors.

    Args:
        sizes: of the work, at least three.
        costs: of these sizes, positive.
    """
    n, cost = np.array(sizes) / max(sizes), np.array(costs)
    best: tuple[float, float, float, float] | None = None
    for exponent in EXPONENTS:
        columns = np.stack([np.ones_like(n), n**exponent], 1) / cost[:, None]
        (fixed, growing), *_ = np.linalg.lstsq(columns, np.ones_like(n))
        if fixed < 0:
            fixed, growing = 0.0, float(columns[:, 1].sum() / (columns[:, 1] ** 2).sum())
        error = float(((columns @ np.array([fixed, growing]) - 1) ** 2).sum())
        if best is None or error < best[0]:
            best = error, float(fixed), float(growing), float(exponent)
    assert best is not None
    _, fixed, growing, exponent = best
    return Growth(fixed, growing, exponent if growing > NOISE * fixed else None)
