"""Neural spline flows: couplings by monotone rational-quadratic splines (Durkan et al. 2019, arXiv:1906.04032)."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from flowgif.config.models import SplineConfig
from flowgif.flows.discrete.chain import DiscreteFlow, log_slope_part_way
from flowgif.flows.discrete.conditioner import Conditioner
from flowgif.flows.discrete.coupling import Coupling
from flowgif.flows.discrete.interpolation import interpolate, places

__all__ = ["Knots", "SplineCoupling", "knots_at_nodes", "rational_quadratic", "spline_flow"]


class Knots(NamedTuple):
    """The knots of one monotone rational-quadratic spline for each point.

    Attributes:
        u, v: (n, bins + 1), the knots' coordinates on the data's and on the base's side, ascending.
        slope: (n, bins + 1), dv/du at the knots, positive.
    """

    u: Tensor
    v: Tensor
    slope: Tensor


class Bin(NamedTuple):
    """One bin of a spline for each point, between two knots; all (n,).

    Attributes:
        u0, u1: the knots' coordinates on the data's side.
        v0, v1: the knots' coordinates on the base's side.
        d0, d1: dv/du at the knots.
    """

    u0: Tensor
    u1: Tensor
    v0: Tensor
    v1: Tensor
    d0: Tensor
    d1: Tensor


def _number_of_bin(axis: Tensor, inputs: Tensor) -> Tensor:
    """Returns the number of the bin (n, 1) in which each input (n,) lies; the knots are ``axis`` (n, bins + 1)."""
    return (torch.searchsorted(axis, inputs.detach().contiguous()[:, None], right=True) - 1).clamp_(
        0, axis.shape[1] - 2
    )


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
    inside = (inputs > axis[:, 0]) & (inputs < axis[:, -1])
    k = _number_of_bin(axis.detach(), inputs)
    pair = torch.cat((k, k + 1), 1)
    return _within_bin(
        Bin(*(side for part in knots for side in part.gather(1, pair).unbind(1))), inputs, inside, inverse
    )


def _within_bin(bins: Bin, inputs: Tensor, inside: Tensor, inverse: bool) -> tuple[Tensor, Tensor]:
    """Computes :func:`rational_quadratic` for inputs whose bins are known; ``inside`` says which are in one, (n,)."""
    u0, u1, v0, v1, d0, d1 = bins
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
        coefficients: returns the knots' polynomials in the other coordinate on each cell of the networks' grid,
            (3, 3 (bins + 1), CELLS); their values are in the order of :class:`Knots`. See :func:`knots_at_nodes`.
        bound: the end of the splines, data units.
    """

    def __init__(self, moved: int, coefficients: Callable[[], Tensor], bound: float) -> None:
        super().__init__(moved)
        self.coefficients, self.bound = coefficients, bound

    def forward_map(self, kept: Tensor, z: Tensor) -> tuple[Tensor, Tensor]:
        return self._spline(kept, z, inverse=True)

    def inverse_map(self, kept: Tensor, x: Tensor, fraction: float) -> tuple[Tensor, Tensor]:
        if fraction == 1:
            return self._spline(kept, x, inverse=False)
        knots, end = self._knots(kept), x

        # x = (1 - s) v(u) + s u is solved for u, which lies between x and u(x): v(u) is cheaper than u(v).
        def mixed(u: Tensor) -> tuple[Tensor, Tensor]:
            v, ladj = rational_quadratic(knots, u, inverse=False)
            return torch.lerp(v, u, fraction) - x, torch.lerp(ladj.exp(), torch.ones_like(x), fraction)

        with torch.no_grad():
            other, _ = rational_quadratic(knots, x, inverse=True)
            root = _bracketed_root(mixed, torch.minimum(x, other), torch.maximum(x, other))
        # One more Newton step makes the root differentiable (the implicit function theorem).
        value, slope = mixed(root)
        u = root - value / slope.detach()
        z, ladj = rational_quadratic(knots, u, inverse=False)
        # Rounding of u leaves a small error in the equation. It is corrected in z, because v may be steep there.
        slope = ladj.detach().exp()
        z = z - (torch.lerp(z, u, fraction) - end) * slope / torch.lerp(slope, torch.ones_like(x), fraction)
        # dz/dx = v' / ((1 - s) v' + s)
        return z, -log_slope_part_way(-ladj, fraction)

    def _spline(self, kept: Tensor, inputs: Tensor, inverse: bool) -> tuple[Tensor, Tensor]:
        """Computes the spline or its inverse; of a point's knots reads only those beside it."""
        coefficients = self.coefficients()
        cells, count = coefficients.shape[2], coefficients.shape[1] // 3
        where = places(kept)
        # All knots of the side where the point is are needed to find its bin, but without gradients.
        polynomials = coefficients.detach().unflatten(1, (3, count))[:, int(inverse)]
        c0, c1, c2 = polynomials.permute(2, 0, 1).contiguous().index_select(0, where.cell).unbind(1)
        offset = where.offset[:, None]
        k = _number_of_bin(torch.addcmul(c0, torch.addcmul(c1, c2, offset), offset), inputs)[:, 0]
        first = k * cells + where.cell
        pairs = interpolate(kept, coefficients.view(3, 3, count * cells), where, torch.cat((first, first + cells)))
        inside = inputs.abs() < self.bound
        return _within_bin(Bin(*pairs.flatten(0, 1).unbind()), inputs, inside, inverse)

    def _knots(self, kept: Tensor) -> Knots:
        """Computes all knots that belong to the kept coordinate (n,)."""
        values = interpolate(kept, self.coefficients(), places(kept))[:, 0]
        return Knots(*(part.mT.contiguous() for part in values.chunk(3)))


LEAST_WIDTH = 1e-3  # least width and height of a bin, as a share of the whole
LEAST_SLOPE, MOST_SLOPE = 1e-3, 1e3  # bounds of the slope at a knot


def knots_at_nodes(outputs: Tensor, bins: int, bound: float) -> Tensor:
    """Maps any outputs of the networks to knots. Outputs that are all zero give the identity.

    Between nodes, knots are weighted means of those at three nodes, so they are in order and within bounds too.

    Args:
        outputs: (couplings, 1, nodes, 3 bins - 1).
        bins: the number of bins of a spline.
        bound: the end of the splines, data units.

    Returns:
        The parts of :class:`Knots`, (couplings, 3 (bins + 1), nodes).
    """
    free, slopes = outputs[:, 0].split((2 * bins, bins - 1), -1)
    shares = LEAST_WIDTH + (1 - LEAST_WIDTH * bins) * free.unflatten(-1, (2, bins)).softmax(-1)
    # The last coordinate is set, not summed, so that rounding leaves no gap below the bound.
    inner = 2 * bound * shares[..., :-1].cumsum(-1) - bound
    edge = torch.full_like(inner[..., :1], bound)
    coordinates = torch.cat((-edge, inner, edge), -1).flatten(-2)
    slopes = LEAST_SLOPE + F.softplus(slopes + math.log(math.expm1(1 - LEAST_SLOPE)))
    slopes = F.pad(slopes.clamp(max=MOST_SLOPE), (1, 1), value=1.0)
    return torch.cat((coordinates, slopes), -1).mT


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
    moved = [(i + 1) % 2 for i in range(config.layers)]
    values = partial(knots_at_nodes, bins=config.bins, bound=config.bound)
    networks = Conditioner([1 - axis for axis in moved], 1, 3 * config.bins - 1, values, config, generator)
    layers = [SplineCoupling(axis, networks.part(i).coefficients, config.bound) for i, axis in enumerate(moved)]
    return DiscreteFlow(layers, networks)
