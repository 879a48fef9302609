"""Coupling layers: one coordinate is carried by a monotone map whose parameters the other coordinate decides.

(Dinh et al. 2017, arXiv:1605.08803, section 3; Durkan et al. 2019, arXiv:1906.04032.) In the plane the two halves
of a checkerboard mask are the two coordinates.
"""

from __future__ import annotations

import itertools
import math
from abc import abstractmethod
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from flowgif.config.schema import ConditionerConfig
from flowgif.flows.base import Mapped
from flowgif.flows.discrete.chain import Layer, part_way

__all__ = ["AffineCoupling", "Conditioner", "Knots", "SplineCoupling", "rational_quadratic"]

ACTIVATIONS = {"silu": nn.SiLU, "relu": partial(nn.ReLU, inplace=True), "tanh": nn.Tanh}


class Conditioner(nn.Module):
    """Networks of one coordinate: Fourier features (Tancik et al. 2020, arXiv:2006.10739) and dense layers.

    Each has its own weights, but they are computed side by side: for networks this small that halves the work.

    Args:
        networks: how many.
        outputs: numbers that each gives for each point.
        config: their size, and the features' frequencies for a target as wide as high.
        axis: which coordinate that is, 0 for x and 1 for y: along a banner details are finer in data units.
        generator: draws frequencies and weights.
    """

    frequencies: Tensor

    def __init__(
        self, networks: int, outputs: int, config: ConditionerConfig, axis: int, generator: torch.Generator
    ) -> None:
        super().__init__()
        finer = math.sqrt(config.aspect or 1.0)
        frequency = config.frequency * (1 / finer if axis else finer)
        self.register_buffer("frequencies", frequency * torch.randn(config.features, generator=generator))
        sizes = [1 + 2 * config.features] + [config.width] * config.depth
        layers: list[nn.Module] = []
        for inputs, width in itertools.pairwise(sizes):
            layer = _Dense(networks, inputs, width)
            for parameter in layer.parameters():
                nn.init.uniform_(parameter, -1 / math.sqrt(inputs), 1 / math.sqrt(inputs), generator=generator)
            layers += [layer, ACTIVATIONS[config.activation]()]
        self.hidden = nn.Sequential(*layers)
        # An untrained layer leaves everything where it is.
        self.last = _Dense(networks, config.width, outputs)

    def forward(self, kept: Tensor) -> Tensor:
        """(networks, n, outputs) for the kept coordinate (n,)."""
        inputs = kept[:, None]
        if len(self.frequencies):
            phase = inputs * self.frequencies
            inputs = torch.cat((inputs, phase.sin(), phase.cos()), 1)
        return self.last(self.hidden(inputs))


class _Dense(nn.Module):
    """A dense layer of each of several networks; all zero at first.

    Args:
        networks: how many.
        inputs, outputs: of each.
    """

    def __init__(self, networks: int, inputs: int, outputs: int) -> None:
        super().__init__()
        # One below the other, so that they are the matrices that an optimiser of matrices knows.
        self.weight = nn.Parameter(torch.zeros(networks * outputs, inputs))
        self.bias = nn.Parameter(torch.zeros(networks * outputs))
        self.networks = networks

    def forward(self, x: Tensor) -> Tensor:
        """(networks, n, outputs) for x (networks, n, inputs), or (n, inputs) where all have the same."""
        bias, weight = (p.view(self.networks, -1, p.shape[-1]) for p in (self.bias[:, None], self.weight))
        return torch.baddbmm(bias.mT, x.expand(self.networks, -1, -1), weight.mT)


class Coupling(Layer):
    """What all couplings share: which coordinate moves, and how it moves part of its way.

    Args:
        moved: 0 for x, 1 for y.
    """

    def __init__(self, moved: int) -> None:
        super().__init__()
        self.moved = moved

    def path(self, z: Tensor, fractions: Tensor) -> Mapped:
        kept, start = z[:, 1 - self.moved], z[:, self.moved]
        end, log_slope = self.along(kept, start)
        image, ladj = part_way(start, end, log_slope, fractions[:, None])
        return Mapped(self._joined(kept.expand_as(image), image), ladj)

    def inverse_at(self, x: Tensor, fraction: float = 1.0) -> Mapped:
        kept, end = x[:, 1 - self.moved], x[:, self.moved]
        image, ladj = self.back(kept, end, fraction)
        return Mapped(self._joined(kept, image), ladj)

    def _joined(self, kept: Tensor, moved: Tensor) -> Tensor:
        return torch.stack((kept, moved) if self.moved else (moved, kept), -1)

    @abstractmethod
    def along(self, kept: Tensor, z: Tensor) -> tuple[Tensor, Tensor]:
        """The moved coordinate z (n,) carried to the data's side, and its log-slope (n,)."""

    @abstractmethod
    def back(self, kept: Tensor, x: Tensor, fraction: float) -> tuple[Tensor, Tensor]:
        """The moved coordinate x (n,) carried back from a fraction of the way, and its log-slope (n,)."""


class AffineCoupling(Coupling):
    """x = z exp(a) + b with a and b functions of the other coordinate (Dinh et al. 2017, eq. 7 and 8).

    A fraction s of the way the scale is 1 - s + s exp(a) and the shift s b: a coupling of the same kind.

    Args:
        moved: 0 for x, 1 for y.
        scale_and_shift: two networks of the other coordinate, with one output each: (2, n, 1).
        bound: |a| stays below it, by a tanh.
    """

    def __init__(self, moved: int, scale_and_shift: nn.Module, bound: float) -> None:
        super().__init__(moved)
        self.scale_and_shift, self.bound = scale_and_shift, bound

    def along(self, kept: Tensor, z: Tensor) -> tuple[Tensor, Tensor]:
        log_scale, shift = self._log_scale_and_shift(kept)
        return z * log_scale.exp() + shift, log_scale

    def back(self, kept: Tensor, x: Tensor, fraction: float) -> tuple[Tensor, Tensor]:
        log_scale, shift = self._log_scale_and_shift(kept)
        if fraction < 1:
            log_scale, shift = torch.log1p(fraction * torch.expm1(log_scale)), fraction * shift
        return (x - shift) * (-log_scale).exp(), -log_scale

    def _log_scale_and_shift(self, kept: Tensor) -> tuple[Tensor, Tensor]:
        """a and b, (n,) each."""
        scale, shift = self.scale_and_shift(kept)[..., 0]
        return self.bound * torch.tanh(scale / self.bound), shift


class Knots(NamedTuple):
    """A monotone rational-quadratic spline for each point.

    Attributes:
        u, v: (n, bins + 1), the knots' coordinates on the data's and on the base's side, ascending.
        slope: (n, bins + 1), dv/du at the knots, positive.
    """

    u: Tensor
    v: Tensor
    slope: Tensor


def rational_quadratic(knots: Knots, inputs: Tensor, inverse: bool) -> tuple[Tensor, Tensor]:
    """The spline v(u) (Durkan et al. 2019, eq. 4), or its inverse u(v) (eq. 6 to 8); the identity outside the knots.

    Args:
        knots: of one spline a point.
        inputs: (n,), u, or v for the inverse.
        inverse: whether to go from v to u.

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
        # The root of a t^2 + b t + c, in the form that does not cancel.
        above = torch.where(inside, inputs - v0, 0.5 * height)
        a = height * (s - d0) + above * curve
        b = height * d0 - above * curve
        c = -s * above
        t = (2 * c / (-b - (b * b - 4 * a * c).clamp(min=0).sqrt())).clamp(0, 1)
        # Where slopes differ much within a bin, the formula loses up to half of the digits; Newton's steps find them.
        for _ in range(2):
            rest = t * (1 - t)
            bottom = s + curve * rest
            steep = height * s * (d1 * t * t + 2 * s * rest + d0 * (1 - t) ** 2) / (bottom * bottom)
            t = (t - (height * (s * t * t + d0 * rest) / bottom - above) / steep).clamp(0, 1)
    else:
        t = torch.where(inside, (inputs - u0) / width, 0.5)
    # Rounding must not leave the bin: where the slopes are steep, the density there would be negative.
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

    As there, the spline itself goes from the data to the base, which is the way of training, and its inverse, which is
    known in closed form too, draws. A fraction s of the way the map is (1 - s) z + s u(z) with u from the spline: it is
    monotone as well, and its own inverse is a root between two bounds.

    Args:
        moved: 0 for x, 1 for y.
        knots: a network of the other coordinate with 3 bins - 1 outputs: (1, n, 3 bins - 1).
        bins: of the spline.
        bound: data units.
    """

    LEAST_WIDTH = 1e-3  # of a bin, and its height, as a share of the whole
    LEAST_SLOPE, MOST_SLOPE = 1e-3, 1e3  # at a knot

    def __init__(self, moved: int, knots: nn.Module, bins: int, bound: float) -> None:
        super().__init__(moved)
        self.knots, self.bins, self.bound = knots, bins, bound

    def along(self, kept: Tensor, z: Tensor) -> tuple[Tensor, Tensor]:
        return rational_quadratic(self._knots(kept), z, inverse=True)

    def back(self, kept: Tensor, x: Tensor, fraction: float) -> tuple[Tensor, Tensor]:
        knots, end = self._knots(kept), x
        if fraction < 1:
            # x = (1 - s) v(u) + s u is solved for u, which lies between x and u(x), for the spline is cheaper this way.
            def mixed(u: Tensor) -> tuple[Tensor, Tensor]:
                v, ladj = rational_quadratic(knots, u, inverse=False)
                return torch.lerp(v, u, fraction) - x, torch.lerp(ladj.exp(), torch.ones_like(x), fraction)

            with torch.no_grad():
                other, _ = rational_quadratic(knots, x, inverse=True)
                root = _bracketed_root(mixed, torch.minimum(x, other), torch.maximum(x, other))
            # One more step of Newton's from there brings the gradients in (the implicit function theorem).
            value, slope = mixed(root)
            x = root - value / slope.detach()
        z, ladj = rational_quadratic(knots, x, inverse=False)
        if fraction < 1:
            # What u's last digit leaves of the equation goes into z directly, for v may be steep there.
            slope = ladj.detach().exp()
            z = z - (torch.lerp(z, x, fraction) - end) * slope / torch.lerp(slope, torch.ones_like(x), fraction)
            # dz/dx = v' / ((1 - s) v' + s)
            ladj = -torch.log1p(fraction * torch.expm1(-ladj))
        return z, ladj

    def _knots(self, kept: Tensor) -> Knots:
        widths, heights, slopes = self.knots(kept)[0].split((self.bins, self.bins, self.bins - 1), 1)
        # Zero for all outputs is the identity.
        inner = self.LEAST_SLOPE + F.softplus(slopes + math.log(math.expm1(1 - self.LEAST_SLOPE)))
        inner = inner.clamp(max=self.MOST_SLOPE)
        return Knots(self._places(widths), self._places(heights), F.pad(inner, (1, 1), value=1.0))

    def _places(self, free: Tensor) -> Tensor:
        shares = self.LEAST_WIDTH + (1 - self.LEAST_WIDTH * self.bins) * free.softmax(1)
        # The last place is set, not summed: rounding must not leave a gap below the bound.
        inner = 2 * self.bound * shares[:, :-1].cumsum(1) - self.bound
        edge = torch.full_like(inner[:, :1], self.bound)
        return torch.cat((-edge, inner, edge), 1)


def _bracketed_root(f: Callable[[Tensor], tuple[Tensor, Tensor]], low: Tensor, high: Tensor) -> Tensor:
    """The root of an increasing function between two bounds: Newton's steps, and halving where one leaves the bracket.

    Args:
        f: gives value and slope, (n,) each.
        low, high: (n,); f(low) <= 0 <= f(high).
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
