"""How well a flow fits: the negative log-likelihood against the target's entropy, in nats."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from flowgif.errors import NumericalError
from flowgif.flows.base import Flow
from flowgif.targets.mixture import GaussianMixture

__all__ = ["RANDOMISATIONS", "Gap", "Report", "evaluate", "mean_and_error", "measure_gap", "spread_points"]

RANDOMISATIONS = 16  # independent scramblings of the Sobol points, from which the standard error comes
POINTS = 8192
INVERTED = 512
GAP_SHARE = 0.7  # share of an evaluation's time that measuring the gap takes; the inversion takes the rest
# Nats. Without any flow, N(0, I) has a gap of less than 10 to a standardised target. A poor fit can be worse than that;
# one that is worse by far has diverged.
DIVERGED = 1000.0
# The NLL is a mean, in which the points' errors cancel: at this tolerance it is within 1e-3 nats of a tighter solve.
TOLERANCE = 1e-5


@dataclass(frozen=True)
class Gap:
    """NLL minus entropy, which is the Kullback-Leibler divergence of the flow from the target.

    Attributes:
        gap: the difference, nats.
        standard_error: the standard error of the gap, nats.
        nfe: number of evaluations of the flow's network in the solve, or of its layers, at each point.
    """

    gap: float
    standard_error: float
    nfe: int


@dataclass(frozen=True)
class Report:
    """The figures that ``flowgif eval`` prints, all in the standardised data coordinates of the target.

    Attributes:
        nll: -E log q(x), nats.
        nll_se, gap_se: standard errors, nats.
        entropy: the target's entropy, nats, which is the least possible NLL.
        gap: nll - entropy, nats; the same in any affine coordinates.
        bits_per_dim: nll / (2 ln 2).
        points: number of points over which the NLL is averaged.
        nfe: number of evaluations of the flow's network in the solve, or of its layers, at each point.
        inversion_error: the largest |x - from_base(to_base(x))| of INVERTED points, data units.
        seconds: duration of the evaluation.
    """

    nll: float
    nll_se: float
    entropy: float
    gap: float
    gap_se: float
    bits_per_dim: float
    points: int
    nfe: int
    inversion_error: float
    seconds: float


def spread_points(target: GaussianMixture, n: int, seed: int) -> Tensor:
    """Carries RANDOMISATIONS independently scrambled Sobol sequences to the target; returns about n points (., 2)."""
    points_per_sequence = n // RANDOMISATIONS
    engines = (torch.quasirandom.SobolEngine(3, scramble=True, seed=seed * 1000 + i) for i in range(RANDOMISATIONS))
    return torch.cat(
        [target.from_uniform(engine.draw(points_per_sequence, dtype=torch.float64)) for engine in engines]
    ).float()


def mean_and_error(values: Tensor) -> tuple[float, float]:
    """Returns the mean of independent values (n,), and its standard error."""
    return float(values.mean()), float(values.std()) / math.sqrt(len(values))


@torch.no_grad()
def measure_gap(flow: Flow, target: GaussianMixture, n: int = POINTS, seed: int = 0) -> Gap:
    """Measures E[log p(x) - log q(x)] over points x of the target.

    The target's log p is known at every point and its mean, minus the entropy, is known exactly. Subtracting log p
    point by point (a control variate) removes most of the variance, and the mean of the difference is the gap itself.

    Args:
        flow: q.
        target: p.
        n: number of points, a multiple of RANDOMISATIONS.
        seed: the seed of the points.

    Raises:
        NumericalError: the flow's log-density is not finite or immensely small, so its training diverged; or its NLL is
            below the entropy, which shows that the solve is inaccurate.
    """
    x = spread_points(target, n, seed)
    device = next(flow.parameters()).device
    relaxed = flow.relaxed(TOLERANCE)
    log_q = relaxed.log_prob(x.to(device)).cpu().double()
    means = (target.log_prob(x.double()) - log_q).view(RANDOMISATIONS, -1).mean(1)
    gap, error = mean_and_error(means)
    if not math.isfinite(gap):
        raise NumericalError("the flow's log-density is not finite; train again with a lower --lr")
    if gap > DIVERGED:
        raise NumericalError(f"the gap is {gap:.3g} nats: the training diverged; train again with a lower --lr")
    if gap < -max(5 * error, 1e-3):
        raise NumericalError(
            f"the NLL is {-gap:.3g} nats below the entropy, which no density can be: the solve is inaccurate; "
            "train with more regularisation (kinetic, jacobian)"
        )
    return Gap(gap, error, relaxed.evaluations)


@torch.no_grad()
def evaluate(
    flow: Flow, target: GaussianMixture, seed: int = 0, on_progress: Callable[[float], object] | None = None
) -> Report:
    """Measures the gap and the inversion error, and returns the report.

    Args:
        flow: q.
        target: p.
        seed: the seed of the points.
        on_progress: receives the share that is done, a few times.

    Raises:
        NumericalError: see :func:`measure_gap`; or the inverse is not finite.
    """

    def report_progress(share: float) -> None:
        if on_progress is not None:
            on_progress(share)

    start = time.perf_counter()
    gap = measure_gap(flow, target, POINTS, seed)
    report_progress(GAP_SHARE)
    x = target.sample(INVERTED, torch.Generator().manual_seed(seed)).to(next(flow.parameters()).device)
    z = flow.trajectory(x, torch.tensor([0.0]), start=1.0)[0]
    report_progress((1 + GAP_SHARE) / 2)
    back = flow.trajectory(z, torch.tensor([1.0]))[0]
    inversion_error = float((x - back).norm(dim=1).max())
    if not math.isfinite(inversion_error):
        raise NumericalError("the flow's inverse is not finite; train again with a lower --lr")
    entropy = target.entropy()
    report_progress(1.0)
    nll = entropy + gap.gap
    return Report(
        nll=nll,
        nll_se=gap.standard_error,
        entropy=entropy,
        gap=gap.gap,
        gap_se=gap.standard_error,
        bits_per_dim=nll / (2 * math.log(2)),
        points=POINTS,
        nfe=gap.nfe,
        inversion_error=inversion_error,
        seconds=time.perf_counter() - start,
    )
