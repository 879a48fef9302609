"""Rewrites a Gaussian mixture on lattices, so that a sum over its components needs only a few nodes.

Let N(x; c, S) be a component. Choose a grid of spacing h and a covariance V. Then N(x; c, S) is approximately
h^2 sum_y N(y; c, V) N(x; y, S - V), where y runs over the nodes of the grid. The relative error is at most
2 exp(-2 pi^2 s^2 / h^2) with 1/s^2 = 1/V + 1/(S - V) (Poisson summation). The bound holds for every component at every
x, so it holds in the tails too.

The mixture is therefore rewritten on lattices of growing spacing. Each lattice is a separable Gaussian blur of the
components. A kernel of any width then reads a window of a few nodes from the lattice whose spacing suits it.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import torch
from torch import Tensor

__all__ = ["LOG_2PI", "ClosedForm", "Lattice", "blurred", "build_lattices", "evaluate_on", "level_for"]

# On a lattice of spacing h, V = BLUR_SD^2 h^2. The lattice is used for kernels with a standard deviation of at least
# MIN_KERNEL_SD h. So the relative error is at most
# 2 exp(-2 pi^2 (BLUR_SD^-2 + (MIN_KERNEL_SD^2 - BLUR_SD^2)^-1)^-1), which is 2e-5.
BLUR_SD = 1.0
MIN_KERNEL_SD = 1.6
# Spacings grow by RATIO from lattice to lattice, and a window has WINDOW nodes a side. The widest kernel has a standard
# deviation of MIN_KERNEL_SD * RATIO = 2 nodes, so a window reaches almost 5 standard deviations to either side.
RATIO = 2 ** (1 / 3)
WINDOW = 20
# exp(-7^2 / 2): for points further than seven standard deviations of the kernel from nearly all components, the sum is
# taken over all components.
MIN_MASS = math.exp(-24.5)
SMALL = 2500
# A Gaussian is taken as 0 further than so many standard deviations from its mean, where it is 1e-18 of its peak.
KERNEL_REACH = 9.0
BLOCK = 64  # places for which a sum over Gaussians is one matrix product
CHUNK = 1 << 20  # components that are looked at together; a large picture has millions
LOG_2PI = math.log(2 * math.pi)


class ClosedForm(NamedTuple):
    """The probability path of a mixture at points and times.

    Attributes:
        velocity: u_t(x), shape (n, 2), data units per unit of time.
        log_prob: log p_t(x), shape (n,), nats.
    """

    velocity: Tensor
    log_prob: Tensor


@dataclass(frozen=True)
class Lattice:
    """A mixture on a lattice: component (i, j) has mean origin + (j, i) * spacing.

    Attributes:
        weight: (rows, columns), not negative; rows and columns are at least WINDOW.
        origin: the (x, y) of node (0, 0), data units.
        spacing: the distance between neighbouring nodes along x and y, data units.
        covariance: the diagonal of S - V, data units squared. It may be negative (a formal covariance) on coarse
            lattices, which are used only at early times, where Sigma_t stays positive.
    """

    weight: Tensor
    origin: tuple[float, float]
    spacing: tuple[float, float]
    covariance: tuple[float, float]

    def to(self, dtype: torch.dtype) -> Lattice:
        """Returns the lattice with weights of another dtype."""
        return Lattice(self.weight.to(dtype), self.origin, self.spacing, self.covariance)

    @property
    def is_small(self) -> bool:
        """Whether a sum over all nodes costs less than copying a window for every point."""
        return self.weight.numel() <= SMALL

    @cached_property
    def peak(self) -> float:
        """The largest weight."""
        return float(self.weight.max())

    def nodes(self, axis: int) -> Tensor:
        """Returns the coordinates of the columns (axis 0) or rows (axis 1), float64, data units."""
        count = self.weight.shape[1 - axis]
        return self.origin[axis] + self.spacing[axis] * torch.arange(count, dtype=torch.float64)


def build_lattices(centres: Tensor, weights: Tensor, std: Tensor) -> Iterator[Lattice]:
    """Yields a mixture on lattices, from its full resolution to a lattice that fits into one window.

    Args:
        centres: the components' means, (K, 2) float64, data units.
        weights: (K,) float64, summing to 1.
        std: the components' standard deviation along x and y, (2,) float64, data units.
    """
    low, high = centres.min(0).values, centres.max(0).values
    pixel = 2 * std  # a picture's components have a standard deviation of half a pixel
    weight = _on_grid(centres, weights, low, high, pixel)
    if weight is not None:
        # Pixel centres are on a grid already, so the first lattice is exact.
        exact = _padded(Lattice(weight, _pair(low), _pair(pixel), _pair(std**2)))
        yield exact
        base = float(pixel.min())
        weight, sources = exact.weight, (exact.nodes(0), exact.nodes(1))
    else:
        weight, sources = weights, (centres[:, 0], centres[:, 1])
        # Level 1 has this spacing times RATIO. It then suits a kernel as narrow as the components.
        base = float(std.min()) / (MIN_KERNEL_SD * RATIO)
    finest = _pair(std / MIN_KERNEL_SD)  # a smaller spacing is never needed: no kernel is narrower than the components
    for level in itertools.count(1):
        steps = [max(base * RATIO**level, finest[axis]) for axis in (0, 1)]
        nodes: list[Tensor] = []
        for axis, step in enumerate(steps):
            margin = 8 * BLUR_SD * step  # beyond 8 standard deviations of the blur, its weights are about 1e-14
            nodes.append(
                torch.arange(float(low[axis]) - margin, float(high[axis]) + margin + step, step, dtype=torch.float64)
            )
        variance = (BLUR_SD * steps[0]) ** 2, (BLUR_SD * steps[1]) ** 2
        if weight.ndim == 2:
            coarser = blurred(weight, sources, (nodes[0], nodes[1]), variance)
        else:
            across, down = (_gaussian(nodes[axis], sources[axis], variance[axis]) for axis in (0, 1))
            coarser = (down * weight) @ across.T
        coarser *= steps[0] * steps[1]
        covariance = _pair(std**2 - (BLUR_SD * torch.tensor(steps, dtype=torch.float64)) ** 2)
        origin = (float(nodes[0][0]), float(nodes[1][0]))
        yield _padded(Lattice(coarser, origin, (steps[0], steps[1]), covariance))
        if max(len(n) for n in nodes) <= WINDOW:
            return


def level_for(lattices: list[Lattice], std: float, time: Tensor) -> Tensor:
    """Returns the index of the coarsest lattice that is exact enough at each time.

    Args:
        lattices: the lattices in order from the finest to the coarsest.
        std: the components' standard deviation along the narrower axis, data units.
        time: the times, (n,), within [0, 1].

    Returns:
        The indices, (n,) int64.
    """
    # The kernel's standard deviation around a centre is sqrt(Sigma_t) / t.
    kernel_sd = torch.sqrt((1 - time) ** 2 + (time * std) ** 2) / time.clamp(min=1e-6)
    level = torch.log(kernel_sd / (MIN_KERNEL_SD * min(lattices[0].spacing))) / math.log(RATIO)
    return level.floor_().clamp_(0, len(lattices) - 1).long()


def evaluate_on(lattice: Lattice, variance: Tensor, x: Tensor, time: Tensor) -> ClosedForm:
    """Computes the closed form from a window of the lattice around each point, or from all nodes of a small lattice.

    Args:
        lattice: a lattice that is exact enough at the times, see :func:`level_for`.
        variance: the diagonal of the components' covariance S, (2,), data units squared.
        x: the points, (n, 2), data units.
        time: the points' times, (n,), within [0, 1].

    Returns:
        The closed form; log_prob is -inf where the window does not suffice, and the velocity is undefined there.
    """
    t = time[:, None]
    rows, columns = lattice.weight.shape
    origin, spacing, covariance = (x.new_tensor(v) for v in (lattice.origin, lattice.spacing, lattice.covariance))
    sigma = (1 - t) ** 2 + t**2 * covariance  # Sigma_t, with S - V in the place of S
    sd = sigma.sqrt()
    whole = lattice.is_small
    if whole:
        start = torch.zeros_like(x)
    else:
        nearest = ((x / t.clamp(min=1e-6) - origin) / spacing).round()
        last = x.new_tensor((columns - WINDOW, rows - WINDOW))
        start = torch.minimum((nearest - WINDOW // 2).clamp(min=0), last)
    # Coordinates relative to the window's first node keep float32 exact enough next to kernels a pixel wide.
    local = x - t * (origin + start * spacing)
    step = t * spacing
    kernel_x, kernel_y = (
        ((local[:, axis, None] - step[:, axis, None] * torch.arange(count, dtype=x.dtype)) / sd[:, axis, None])
        .square_()
        .mul_(-0.5)
        .exp_()
        for axis, count in enumerate((columns, rows) if whole else (WINDOW, WINDOW))
    )
    i, j = (torch.arange(kernel.shape[1], dtype=x.dtype) for kernel in (kernel_y, kernel_x))
    if whole:
        # Every point reads the same nodes, so the sums are matrix products.
        by_column, of_rows = kernel_y @ lattice.weight, (kernel_y * i) @ lattice.weight
    else:
        # A row of this view is a run of WINDOW neighbours in memory, so a window is copied as WINDOW contiguous rows.
        window_rows = lattice.weight.as_strided((lattice.weight.numel() - WINDOW + 1, WINDOW), (1, 1))
        row_starts = (start[:, 1].long() * columns + start[:, 0].long())[:, None] + columns * torch.arange(WINDOW)
        window = window_rows.index_select(0, row_starts.flatten()).view(-1, WINDOW, WINDOW)
        by_column, of_rows = torch.bmm(torch.stack((kernel_y, kernel_y * i), 1), window).unbind(1)
    by_node = by_column * kernel_x
    total = by_node.sum(1)
    mean_j = torch.stack((by_node @ j, (of_rows * kernel_x).sum(1)), 1) / total[:, None]
    pull = (local - step * mean_j) / sigma  # Sigma_t^-1 (x - t m)
    velocity = origin + (start + mean_j) * spacing + (t * covariance - (1 - t)) * pull
    log_prob = total.log() - LOG_2PI - sd.log().sum(1)
    # In the far tails the sum depends on nodes beyond the lattice's margin, and further out its terms underflow.
    full_sd = torch.sqrt((1 - t) ** 2 + t**2 * variance)  # of Sigma_t with S itself
    share = total * (full_sd / sd).prod(1)  # sum_k w_k exp(-d_k^2 / 2) with d_k in kernel standard deviations
    doubtful = share < MIN_MASS
    if not whole:
        # The nodes outside the window weigh at most this much. Where that matters, i.e. where the relative error is
        # above 1e-3, the caller sums over all components.
        nodes = sd / (t.clamp(min=1e-6) * spacing)
        beyond = torch.special.erfc((WINDOW / 2 - 0.5) / (math.sqrt(2) * nodes)).sum(1)
        doubtful |= total < lattice.peak * 2 * math.pi * nodes.prod(1) * beyond * 1e3
    return ClosedForm(velocity, log_prob.masked_fill(doubtful, -math.inf))


def _padded(lattice: Lattice) -> Lattice:
    """Returns the lattice with empty rows and columns added, so that it has at least the size of a window."""
    rows, columns = lattice.weight.shape
    pad = (0, max(0, WINDOW - columns), 0, max(0, WINDOW - rows))
    weight = torch.nn.functional.pad(lattice.weight, pad).contiguous()
    return Lattice(weight, lattice.origin, lattice.spacing, lattice.covariance)


def _on_grid(centres: Tensor, weights: Tensor, low: Tensor, high: Tensor, pixel: Tensor) -> Tensor | None:
    """Returns the weights of a mixture by row and column, if its components' means are on a grid; else None."""
    columns, rows = (round(count) + 1 for count in ((high - low) / pixel).tolist())
    weight: Tensor | None = None
    for places, parts in zip(centres.split(CHUNK), weights.split(CHUNK), strict=True):
        index = (places - low).div_(pixel)
        whole = index.round()
        if float(index.sub_(whole).abs_().max()) > 1e-4:
            return None
        if weight is None:  # most mixtures that are on no grid show it at once, and one's size may be anything
            weight = torch.zeros(rows, columns, dtype=torch.float64)
        weight.index_put_((whole[:, 1].long(), whole[:, 0].long()), parts, accumulate=True)
    return weight


def blurred(
    weight: Tensor, sources: tuple[Tensor, Tensor], places: tuple[Tensor, Tensor], variance: tuple[float, float]
) -> Tensor:
    """Sums Gaussians on a lattice: sum_ij weight_ij N(x - x_j; variance_x) N(y - y_i; variance_y).

    Args:
        weight: (rows, columns).
        sources: the coordinates x_j of the columns and y_i of the rows, rising.
        places: the x and the y at which the sum is wanted, (m,) and (n,).
        variance: along x and y.

    Returns:
        The sums, (n, m), in the dtype of ``weight``.
    """
    down = _blurred_along(weight.T, sources[1], places[1], variance[1])
    return _blurred_along(down.T, sources[0], places[0], variance[0])


def _blurred_along(weight: Tensor, sources: Tensor, places: Tensor, variance: float) -> Tensor:
    """Sums Gaussians along the columns: sum_j weight_ij N(x - x_j; variance), (rows, len(places)).

    Only sources within their reach are summed, so the cost hardly depends on how many there are.
    """
    reach = KERNEL_REACH * math.sqrt(variance)
    out = weight.new_empty(len(weight), len(places))
    for first in range(0, len(places), BLOCK):
        block = places[first : first + BLOCK]
        ends = torch.stack((block.min() - reach, block.max() + reach))
        begin, end = torch.searchsorted(sources, ends.to(sources)).tolist()
        kernel = _gaussian(block, sources[begin:end], variance).to(weight.dtype)
        torch.mm(weight[:, begin:end], kernel.T, out=out[:, first : first + BLOCK])
    return out


def _gaussian(x: Tensor, centres: Tensor, variance: float) -> Tensor:
    """Returns N(x_i; centre_j, variance), shape (len(x), len(centres))."""
    z = (x[:, None] - centres) / math.sqrt(variance)
    return torch.exp(-0.5 * z * z) / math.sqrt(2 * math.pi * variance)


def _pair(v: Tensor) -> tuple[float, float]:
    return float(v[0]), float(v[1])
