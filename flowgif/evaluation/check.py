"""Checks that a flow is what it says: a density, whose map can be undone and whose derivatives are right."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from flowgif.errors import NumericalError
from flowgif.evaluation.gap import RANDOMISATIONS, mean_and_error, spread_points
from flowgif.flows.base import Flow, base_from_uniform, base_log_prob
from flowgif.targets.mixture import GaussianMixture

__all__ = ["Check", "check_flow"]

POINTS = 16_384
COMPARED = 4096  # points at which derivatives are compared
WIDE = 1.5  # standard deviation of the wide half of the points, data units
TOLERANCE = 1e-5  # of the solve, whose errors cancel in the mean

# A density that is not one differs by far more; the estimate's own error is about .001.
MOST_OF_INTEGRAL = 0.005
MOST_OF_INVERSION = 0.01  # data units, about a pixel of a picture of 400x400
MOST_OF_DERIVATIVE = 1e-3  # nats, or nats per unit of time, if the standard error is smaller
STANDARD_ERRORS = 4.0


@dataclass(frozen=True)
class Check:
    """The figures of a check.

    Attributes:
        integral: the integral of the density over the plane, which is 1.
        integral_se: its standard error.
        derivative: the mean difference of the exact derivative of the log-density and an estimate that does without
            it, which is 0; see :meth:`flowgif.flows.base.Flow.derivative_differences`.
        derivative_se: its standard error.
    """

    integral: float
    integral_se: float
    derivative: float
    derivative_se: float


@torch.no_grad()
def check_flow(
    flow: Flow,
    target: GaussianMixture,
    inversion_error: float,
    seed: int = 0,
    on_progress: Callable[[float], object] | None = None,
) -> Check:
    """Integrates the flow's density over the plane, and compares its derivatives with an estimate.

    Half of the points come from the target and half from a wide Gaussian, and each counts as much as the density of
    both says (importance sampling with the balance heuristic: Veach and Guibas 1995, section 3).

    Args:
        flow: the flow.
        target: the target to which it was fitted.
        inversion_error: the largest |x - from_base(to_base(x))| that was found, data units.
        seed: the seed of the points.
        on_progress: receives the share that is done, a few times.

    Raises:
        NumericalError: one of them is wrong.
    """
    like = next(flow.parameters())
    near = spread_points(target, POINTS // 2, seed).view(RANDOMISATIONS, -1, 2).double()
    points = torch.cat((near, _spread_widely(near.shape[1], seed)), 1)
    relaxed = flow.relaxed(TOLERANCE)
    log_q = relaxed.log_prob(points.flatten(0, 1).float().to(like)).cpu().double().view(RANDOMISATIONS, -1)
    if on_progress is not None:
        on_progress(0.9)
    wide = base_log_prob(points / WIDE) - 2 * math.log(WIDE)
    log_p = target.log_prob(points.flatten(0, 1)).view(RANDOMISATIONS, -1)
    parts = (log_q - torch.logaddexp(log_p, wide) + math.log(2)).exp().mean(1)
    generator = torch.Generator().manual_seed(seed)
    x = target.sample(COMPARED, generator)
    differences = flow.derivative_differences(x.to(like), generator).cpu().double()
    if on_progress is not None:
        on_progress(1.0)
    found = Check(*mean_and_error(parts), *mean_and_error(differences))
    if not abs(found.integral - 1) <= MOST_OF_INTEGRAL:
        raise NumericalError(f"the density integrates to {found.integral:.4f}, not to 1: the solve is inaccurate")
    if not inversion_error <= MOST_OF_INVERSION:
        raise NumericalError(f"the inverse is off by {inversion_error:.2g} data units: the solve is inaccurate")
    if not abs(found.derivative) <= max(STANDARD_ERRORS * found.derivative_se, MOST_OF_DERIVATIVE):
        raise NumericalError(f"the exact derivative differs from an estimate by {found.derivative:.2g} nats on average")
    return found


def _spread_widely(n: int, seed: int) -> Tensor:
    """Returns n points of the wide Gaussian in each of RANDOMISATIONS scramblings, (RANDOMISATIONS, n, 2) float64."""
    seeds = (seed * 1000 + RANDOMISATIONS + i for i in range(RANDOMISATIONS))  # those after the target's
    engines = (torch.quasirandom.SobolEngine(2, scramble=True, seed=each) for each in seeds)
    return WIDE * torch.stack([base_from_uniform(engine.draw(n, dtype=torch.float64)) for engine in engines])
