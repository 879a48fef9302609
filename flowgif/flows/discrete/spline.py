"""Neural spline flows: couplings by monotone rational-quadratic splines (Durkan et al. 2019, arXiv:1906.04032)."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from flowgif.config.models import SplineConfig
from flowgif.flows.discrete.chain import DiscreteFlow, log_slope_part_way
from flowgif.flows.discrete.conditioner import Conditioner
from flowgif.flows.discrete.coupling import Coupling

__all__ = ["Knots", "SplineCoupling", "rational_quadratic", "spline_flow"]


class Knots(NamedTuple):
    """The knots of one monotone rational-quadratic spline for each point.

    Attributes:
        u, v: (n, bins + 1), the knots' coordinates on the data's and on the base's side, ascending.
        slope: (n, bins + 1), dv/du at the knots, positive.
    """

    u: Tensor
    v: Tensor
    slope: Tensor


def rational_quadratic(knots: Knots, inputs: Tensor, inverse: bool) -> tuple[Tensor, Tensor]:
    """Computes the spline v(u) (Durkan et al. 2019, eq. 4), or its inverse u(v) (eq. 6 to 8).

    Outside the knots both are the identity.

    Args:
        knots: the knots of one spline for each point.
        inputs: u, or v for the inverse, (n,).
        inverse: whether to compute u(v) instead of v(u).

    Returns:
        The outputs (n,) and log |d outputs / d inputs| (n,).
    """
    axis = knots.v if inverse else knots.u
    bins = axis.shape[1] - 1
    inside = (inputs > axis[:, 0]) & (inputs < axis[:, -1])
    k = (torch.searchsorted(axis.detach(), inputs.detach().contiguous()[:, None], right=True) - 1).clamp(0, bins - 1)
    pair = torch.cat((k, k + 1), 1)
    u0, u1 = knots.u.gather(1, pair).unbind(1)
    v0, v1 = knots.v.gather(1, pair).unbind(1)
    d0, d1 = knots.slope.gather(1, pair).unbind(1)
    width, height = u1 - u0, v1 - v0
    s = height / width
    curve = d0 + d1 - 2 * s
    if inverse:
        # The root of a t^2 + b t + c, in the form without cancellation.
        above = torch.where(inside, inputs - v0, 0.5 * height)
        a = height * (s - d0) + above * curve
        b = height * d0 - above * curve
        c = -s * above
        t = (2 * c / (-b - (b * b - 4 * a * c).clamp(min=0).sqrt())).clamp(0, 1)
        # Where slopes differ much within a bin, the formula loses up to half its digits. Newton steps restore them.
        for _ in range(2):
            rest = t * (1 - t)
            bottom = s + curve * rest
            steep = height * s * (d1 * t * t + 2 * s * rest + d0 * (1 - t) ** 2) / (bottom * bottom)
            t = (t - (height * (s * t * t + d0 * rest) / bottom - above) / steep).clamp(0, 1)
    else:
        t = torch.where(inside, (inputs - u0) / width, 0.5)
    # Rounding must not leave the bin: beyond it, near steep slopes, the density would be negative.
    t = t.clamp(0, 1)
    mixed = t * (1 - t)
    below = s + curve * mixed
    log_slope = 2 * (s / below).log() + (d1 * t * t + 2 * s * mixed + d0 * (1 - t) ** 2).log()
    outputs = u0 + t * width if inverse else v0 + height * (s * t * t + d0 * mixed) / below
    zero = torch.zeros_like(inputs)
    ladj = torch.where(inside, -log_slope if inverse else log_slope, zero)
    return torch.where(inside, outputs, inputs), ladj


class SplineCoupling(Coupling):
    """A monotone rational-quadratic spline on [-bound, bound], the identity outside (Durkan et al. 2019, section 3).

    As in the paper, the spline v(u) maps from the data to the base, the direction that training needs. Sampling uses
    its inverse u(v), which is known in closed form too. At a fraction s of the way the map is (1 - s) z + s u(z). It is
    monotone as well, and its inverse is a root between two bounds.

    Args:
        moved: the coordinate that moves, 0 for x, 1 for y.
        knots: one network of the other coordinate with 3 bins - 1 outputs: (1, n, 3 bins - 1).
        bins: the number of bins of the spline.
        bound: the end of the splines, data units.
    """

    LEAST_WIDTH = 1e-3  # least width and height of a bin, as a share of the whole
    LEAST_SLOPE, MOST_SLOPE = 1e-3, 1e3  # bounds of the slope at a knot

    def __init__(self, moved: int, knots: nn.Module, bins: int, bound: float) -> None:
        super().__init__(moved)
        self.knots, self.bins, self.bound = knots, bins, bound

    def forward_map(self, kept: Tensor, z: Tensor) -> tuple[Tensor, Tensor]:
        return rational_quadratic(self._knots(kept), z, inverse=True)

    def inverse_map(self, kept: Tensor, x: Tensor, fraction: float) -> tuple[Tensor, Tensor]:
        knots, end = self._knots(kept), x
        if fraction < 1:
            # x = (1 - s) v(u) + s u is solved for u, which lies between x and u(x): v(u) is cheaper than u(v).
            def mixed(u: Tensor) -> tuple[Tensor, Tensor]:
                v, ladj = rational_quadratic(knots, u, inverse=False)
                return torch.lerp(v, u, fraction) - x, torch.lerp(ladj.exp(), torch.ones_like(x), fraction)

            with torch.no_grad():
                other, _ = rational_quadratic(knots, x, inverse=True)
                root = _bracketed_root(mixed, torch.minimum(x, other), torch.maximum(x, other))
            # One more Newton step makes the root differentiable (the implicit function theorem).
            value, slope = mixed(root)
            x = root - value / slope.detach()
        z, ladj = rational_quadratic(knots, x, inverse=False)
        if fraction < 1:
            # Rounding of u leaves a small error in the equation. It is corrected in z, because v may be steep there.
            slope = ladj.detach().exp()
            z = z - (torch.lerp(z, x, fraction) - end) * slope / torch.lerp(slope, torch.ones_like(x), fraction)
            # dz/dx = v' / ((1 - s) v' + s)
            ladj = -log_slope_part_way(-ladj, fraction)
        return z, ladj

    def _knots(self, kept: Tensor) -> Knots:
        """Computes the splines that belong to the kept coordinate (n,)."""
        widths, heights, slopes = self.knots(kept)[0].split((self.bins, self.bins, self.bins - 1), 1)
        # Outputs that are all zero give the identity.
        inner = self.LEAST_SLOPE + F.softplus(slopes + math.log(math.expm1(1 - self.LEAST_SLOPE)))
        inner = inner.clamp(max=self.MOST_SLOPE)
        return Knots(self._places(widths), self._places(heights), F.pad(inner, (1, 1), value=1.0))

    def _places(self, free: Tensor) -> Tensor:
        """Maps any numbers (n, bins) to ascending coordinates (n, bins + 1) from -bound to bound."""
        shares = self.LEAST_WIDTH + (1 - self.LEAST_WIDTH * self.bins) * free.softmax(1)
        # The last coordinate is set, not summed, so that rounding leaves no gap below the bound.
        inner = 2 * self.bound * shares[:, :-1].cumsum(1) - self.bound
        edge = torch.full_like(inner[:, :1], self.bound)
        return torch.cat((-edge, inner, edge), 1)


def _bracketed_root(f: Callable[[Tensor], tuple[Tensor, Tensor]], low: Tensor, high: Tensor) -> Tensor:
    """Finds the root of an increasing function between two bounds.

    Takes Newton steps, and halves the bracket where a step would leave it.

    Args:
        f: computes value and slope, (n,) each.
        low, high: the bounds, (n,); f(low) <= 0 <= f(high).
    """
    x = 0.5 * (low + high)
    for _ in range(200):  # halving alone needs 60 in float64
        value, slope = f(x)
        low, high = torch.where(value < 0, x, low), torch.where(value < 0, high, x)
        step = x - value / slope
        better = torch.where((step > low) & (step < high), step, 0.5 * (low + high))
        if torch.equal(better, x) or bool((better - x).abs().max() <= 4 * torch.finfo(x.dtype).eps):
            break
        x = better
    return x


def spline_flow(config: SplineConfig, generator: torch.Generator) -> DiscreteFlow:
    """Makes an untrained flow of rational-quadratic couplings that move y and x by turns."""

    def layer(moved: int) -> SplineCoupling:
        network = Conditioner(1, 3 * config.bins - 1, config, 1 - moved, generator)
        return SplineCoupling(moved, network, config.bins, config.bound)

    return DiscreteFlow([layer((i + 1) % 2) for i in range(config.layers)])
