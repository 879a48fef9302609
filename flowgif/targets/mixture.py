"""The one target: a weighted Gaussian mixture in the plane.

A picture is a mixture with one Gaussian per inked pixel, a toy data set one with its centres
along the generating curve, so all targets share exact samples, log-density, entropy, and the
closed-form velocity that carries N(0, I) to them.

Sums over the components are never taken one by one. A Gaussian of covariance S around c equals, to
a relative error of 2 exp(-2 pi^2 s^2 / h^2), a lattice of spacing h of Gaussians with a smaller
covariance S - V, weighted by N(y; c, V), where 1/s^2 = 1/V + 1/(S - V) (Poisson summation; the
error is relative for every component, so it holds in the tails too). The mixture is therefore
rewritten on lattices of growing spacing, each a separable Gaussian blur of the last, and a kernel of
any width reads a window of a few nodes from the lattice that suits it.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

__all__ = ["ClosedForm", "GaussianMixture"]

# V = BLUR^2 h^2 on a lattice of spacing h, used for kernels of standard deviation of at least
# SHARPEST h: the relative error is then at most 2 exp(-2 pi^2 (BLUR^-2 + (SHARPEST^2 - BLUR^2)^-1)^-1),
# which is 2e-5.
BLUR = 1.0
SHARPEST = 1.6
# Lattice spacings grow by this factor, and a window has WINDOW nodes a side. The widest kernel has a standard
# deviation of SHARPEST * RATIO = 2 nodes, which leaves almost 6 standard deviations on either side.
RATIO = 2 ** (1 / 3)
WINDOW = 24
# exp(-7^2 / 2): points further than seven standard deviations of the kernel from nearly all ink are summed exactly.
FAINTEST = math.exp(-24.5)
# Density values are summed on this many points per pixel and axis for the entropy.
QUADRATURE = 3
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
class _Lattice:
    """The mixture on a lattice: component (i, j) has mean origin + (j, i) * spacing.

    Attributes:
        weight: (rows, columns), not negative; rows and columns are at least WINDOW.
        origin: the (x, y) of node (0, 0), data units.
        spacing: per axis, data units.
        covariance: the diagonal S - V, data units squared; negative on coarse lattices, which serve early times only.
    """

    weight: Tensor
    origin: tuple[float, float]
    spacing: tuple[float, float]
    covariance: tuple[float, float]

    def to(self, dtype: torch.dtype) -> _Lattice:
        return _Lattice(self.weight.to(dtype), self.origin, self.spacing, self.covariance)

    def nodes(self, axis: int) -> Tensor:
        """The coordinates of the columns (axis 0) or rows (axis 1), float64, data units."""
        count = self.weight.shape[1 - axis]
        return self.origin[axis] + self.spacing[axis] * torch.arange(count, dtype=torch.float64)


class GaussianMixture:
    """p(x) = sum_k w_k N(x; c_k, S) with one diagonal S, in coordinates of mean 0 and variance 1 per axis.

    Args:
        centres: (K, 2), in any units; standardised here.
        weights: (K,), not negative; normalised here.
        std: standard deviation of every component per axis, in the units of ``centres``.

    Attributes:
        centres: (K, 2) float64, data units.
        weights: (K,) float64, summing to 1.
        std: (2,) float64, data units.
        shift, scale: (2,) float64; data = (units of the argument - shift) / scale.

    Raises:
        ValueError: no weight is positive, or ``std`` is not.
    """

    def __init__(self, centres: Tensor, weights: Tensor, std: tuple[float, float]) -> None:
        kept = weights > 0
        if not bool(kept.any()) or min(std) <= 0:
            raise ValueError("a mixture needs a positive weight and a positive standard deviation")
        centres, weights = centres[kept].double(), weights[kept].double()
        weights = weights / weights.sum()
        sd = torch.tensor(std, dtype=torch.float64)
        self.shift = weights @ centres
        self.scale = ((weights @ (centres - self.shift) ** 2) + sd**2).sqrt()
        self.std = sd / self.scale
        centres = (centres - self.shift) / self.scale
        order = _hilbert_order(centres)
        self.centres, self.weights = centres[order], weights[order]
        self._cumulative = self.weights.cumsum(0)
        self._lattices = list(self._build_lattices())
        self._as: dict[torch.dtype, list[_Lattice]] = {}

    # ------------------------------------------------------------------ exact quantities

    def from_uniform(self, u: Tensor) -> Tensor:
        """The draw that belongs to a point of the unit cube.

        The components stand in the order of a Hilbert curve, so that well-spread ``u`` give well-spread draws.

        Args:
            u: (n, 3) in [0, 1).

        Returns:
            (n, 2), data units, in the dtype of ``u``.
        """
        u = u.double()
        k = torch.searchsorted(self._cumulative, u[:, 0] * self._cumulative[-1], right=True)
        noise = torch.special.ndtri(u[:, 1:].clamp(1e-12, 1 - 1e-12))
        return self.centres[k.clamp(max=len(self.weights) - 1)] + self.std * noise

    def sample(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        """n independent draws, (n, 2) float32, data units; without a generator by torch's global one."""
        return self.from_uniform(torch.rand(n, 3, generator=generator, dtype=torch.float64)).float()

    def log_prob(self, x: Tensor) -> Tensor:
        """log p(x) in nats, shape (n,), for x of shape (n, 2) in data units."""
        return self.closed_form(x, torch.ones_like(x[:, 0])).log_prob

    def entropy(self) -> float:
        """-E[log p] in nats, by quadrature over the plane; no model's NLL can be below it."""
        fine = self._lattices[0]
        kernels: list[Tensor] = []
        cell = 1.0
        for axis in (0, 1):
            nodes = fine.nodes(axis)
            sd = math.sqrt(fine.covariance[axis])
            step = min(fine.spacing[axis], 2 * sd) / QUADRATURE
            cell *= step
            count = math.ceil((nodes[-1] - nodes[0] + 16 * sd).item() / step) + 1
            at = nodes[0] - 8 * sd + step * torch.arange(count, dtype=torch.float64)
            kernels.append(_gaussian(at, nodes, sd**2).float())
        rows = kernels[1] @ fine.weight.float()
        # Blocks of rows keep a large picture's quadrature within some ten megabytes.
        total = sum(torch.special.entr(block @ kernels[0].T).sum(dtype=torch.float64) for block in rows.split(256))
        return float(total) * cell

    # ------------------------------------------------------------------ the probability path

    def closed_form(self, x: Tensor, time: Tensor) -> ClosedForm:
        """The velocity and log-density of the path x_t = (1 - t) x_0 + t x_1, x_0 ~ N(0, I), x_1 ~ p.

        u_t(x) = E[x_1 - x_0 | x_t = x] (Lipman et al. 2023, arXiv:2210.02747, eq. 8; Albergo &
        Vanden-Eijnden 2023, arXiv:2209.15571, eq. 10), whose flow carries N(0, I) at t = 0 to p at t = 1. With
        Sigma_t = (1-t)^2 I + t^2 S and the posterior mean m of the centres,
        u_t = m + (t S - (1-t) I) Sigma_t^-1 (x - t m).

        Args:
            x: (n, 2), data units.
            time: (n,), within [0, 1].

        Returns:
            Both in the dtype of ``x``; their relative error is at most 1e-3 in float64.
        """
        levels = self._as.setdefault(x.dtype, [lattice.to(x.dtype) for lattice in self._lattices])
        # The kernel's width around a centre is sqrt(Sigma_t) / t.
        width = torch.sqrt((1 - time) ** 2 + (time * float(self.std.min())) ** 2) / time.clamp(min=1e-6)
        finest = min(levels[0].spacing)
        level = torch.log(width / (SHARPEST * finest)).div(math.log(RATIO)).floor_().clamp_(0, len(levels) - 1).long()
        order = torch.argsort(level)
        variance = (self.std**2).to(x)
        velocity, log_prob = torch.empty_like(x), torch.empty_like(time)
        counts = torch.bincount(level, minlength=len(levels)).tolist()
        for lattice, chosen in zip(levels, order.split(counts), strict=True):
            for part in chosen.split(8192):
                out = _on_lattice(lattice, variance, x[part], time[part])
                velocity[part], log_prob[part] = out.velocity, out.log_prob
        far = torch.nonzero(log_prob == -math.inf).flatten()
        for part in far.split(max(1, 2_000_000 // len(self.weights))):
            out = self._exactly(x[part], time[part])
            velocity[part], log_prob[part] = out.velocity, out.log_prob
        return ClosedForm(velocity, log_prob)

    def _exactly(self, x: Tensor, time: Tensor) -> ClosedForm:
        """The same by the sum over all components: for the few points that are far from all ink."""
        x64, t = x.double(), time.double()[:, None]
        covariance = (1 - t) ** 2 + t**2 * self.std**2
        # -|x - t c|^2 / 2 multiplied out, so that all components are one matrix product.
        logits = (x64 * t / covariance) @ self.centres.T
        logits -= (0.5 * t**2 / covariance) @ self.centres.T.square()
        logits += self.weights.log() - 0.5 * (x64.square() / covariance).sum(1, keepdim=True)
        m = logits.softmax(1) @ self.centres
        velocity = m + (t * self.std**2 - (1 - t)) * (x64 - t * m) / covariance
        log_prob = logits.logsumexp(1) - LOG_2PI - 0.5 * covariance.log().sum(1)
        return ClosedForm(velocity.to(x), log_prob.to(x))

    # ------------------------------------------------------------------ lattices

    def _build_lattices(self) -> Iterator[_Lattice]:
        """The mixture on lattices from its own resolution up to one window for the whole."""
        low, high = self.centres.min(0).values, self.centres.max(0).values
        pixel = 2 * self.std  # a picture's components have a standard deviation of half a pixel
        index = (self.centres - low) / pixel
        if torch.allclose(index, index.round(), rtol=0, atol=1e-4):
            columns, rows = index.round().long().T
            weight = torch.zeros(int(rows.max()) + 1, int(columns.max()) + 1, dtype=torch.float64)
            weight.index_put_((rows, columns), self.weights, accumulate=True)
            first = _padded(_Lattice(weight, _pair(low), _pair(pixel), _pair(self.std**2)))
            yield first
            base = float(pixel.min())
            weight, sources = first.weight, (first.nodes(0), first.nodes(1))
        else:
            weight, sources = self.weights, (self.centres[:, 0], self.centres[:, 1])
            base = float(self.std.min()) / (SHARPEST * RATIO)
        finest = _pair(self.std / SHARPEST)  # no kernel is narrower than the components
        for level in itertools.count(1):
            steps = [max(base * RATIO**level, finest[axis]) for axis in (0, 1)]
            nodes: list[Tensor] = []
            kernels: list[Tensor] = []
            for axis, step in enumerate(steps):
                margin = 8 * BLUR * step
                nodes.append(
                    torch.arange(
                        float(low[axis]) - margin, float(high[axis]) + margin + step, step, dtype=torch.float64
                    )
                )
                kernels.append(_gaussian(nodes[axis], sources[axis], (BLUR * step) ** 2) * step)
            across, down = kernels
            blurred = down @ weight @ across.T if weight.ndim == 2 else (down * weight) @ across.T
            covariance = _pair(self.std**2 - (BLUR * torch.tensor(steps, dtype=torch.float64)) ** 2)
            origin = (float(nodes[0][0]), float(nodes[1][0]))
            yield _padded(_Lattice(blurred, origin, (steps[0], steps[1]), covariance))
            if max(len(n) for n in nodes) <= WINDOW:
                return


def _on_lattice(lattice: _Lattice, variance: Tensor, x: Tensor, time: Tensor) -> ClosedForm:
    """The closed form from a window of the lattice around each point; log_prob is -inf where that is not enough."""
    t = time[:, None]
    rows, columns = lattice.weight.shape
    origin, spacing, covariance = (x.new_tensor(v) for v in (lattice.origin, lattice.spacing, lattice.covariance))
    kernel = (1 - t) ** 2 + t**2 * covariance  # Sigma_t, with S - V in the place of S
    sd = kernel.sqrt()
    nearest = ((x / t.clamp(min=1e-6) - origin) / spacing).round()
    last = x.new_tensor((columns - WINDOW, rows - WINDOW))
    start = torch.minimum((nearest - WINDOW // 2).clamp(min=0), last)
    # Coordinates relative to the window's first node keep float32 exact enough next to kernels a pixel wide.
    local = x - t * (origin + start * spacing)
    j = torch.arange(WINDOW, dtype=x.dtype)
    z = (local[..., None] - (t * spacing)[..., None] * j) / sd[..., None]
    kernel_x, kernel_y = z.square_().mul_(-0.5).exp_().unbind(1)
    # Every run of WINDOW neighbours in memory is a row of this view, so that a window is WINDOW contiguous copies.
    runs = lattice.weight.as_strided((lattice.weight.numel() - WINDOW + 1, WINDOW), (1, 1))
    first = (start[:, 1].long() * columns + start[:, 0].long())[:, None] + columns * torch.arange(WINDOW)
    window = runs.index_select(0, first.flatten()).view(-1, WINDOW, WINDOW)
    by_column = torch.einsum("ny,nyx->nx", kernel_y, window)
    total = (by_column * kernel_x).sum(1)
    mean_j = (
        torch.stack(
            ((by_column * kernel_x) @ j, (torch.einsum("ny,nyx->nx", kernel_y * j, window) * kernel_x).sum(1)), 1
        )
        / total[:, None]
    )
    pull = (local - t * spacing * mean_j) / kernel  # Sigma_t^-1 (x - t m)
    velocity = origin + (start + mean_j) * spacing + (t * covariance - (1 - t)) * pull
    log_prob = total.log() - LOG_2PI - sd.log().sum(1)
    # What the window leaves out weighs at most this much; where that matters, the caller sums exactly.
    nodes = sd / (t.clamp(min=1e-6) * spacing)
    beyond = torch.special.erfc((WINDOW / 2 - 0.5) / (math.sqrt(2) * nodes)).sum(1)
    outside = lattice.weight.max() * 2 * math.pi * nodes.prod(1) * beyond
    whole = rows == WINDOW and columns == WINDOW
    # In the far tails a lattice's answer rests on nodes beyond its margin, and later on numbers that underflow.
    width = torch.sqrt((1 - t) ** 2 + t**2 * variance)
    share = total * (width / sd).prod(1)  # sum_k w_k exp(-d_k^2 / 2) with d_k in kernel standard deviations
    doubtful = (share < FAINTEST) | (torch.zeros_like(share, dtype=torch.bool) if whole else total < outside * 1e3)
    return ClosedForm(velocity, log_prob.masked_fill(doubtful, -math.inf))


def _padded(lattice: _Lattice) -> _Lattice:
    """With empty rows and columns added up to a window's size."""
    rows, columns = lattice.weight.shape
    pad = (0, max(0, WINDOW - columns), 0, max(0, WINDOW - rows))
    weight = torch.nn.functional.pad(lattice.weight, pad).contiguous()
    return _Lattice(weight, lattice.origin, lattice.spacing, lattice.covariance)


def _gaussian(at: Tensor, centres: Tensor, variance: float) -> Tensor:
    """N(at_i; centre_j, variance), shape (len(at), len(centres))."""
    z = (at[:, None] - centres) / math.sqrt(variance)
    return torch.exp(-0.5 * z * z) / math.sqrt(2 * math.pi * variance)


def _pair(v: Tensor) -> tuple[float, float]:
    return float(v[0]), float(v[1])


def _hilbert_order(points: Tensor, bits: int = 12) -> Tensor:
    """The order of points (n, 2) along a Hilbert curve through their bounding box."""
    low, high = points.min(0).values, points.max(0).values
    side = 1 << bits
    x, y = ((points - low) / (high - low).max().clamp(min=1e-12) * (side - 1)).long().unbind(1)
    distance = torch.zeros_like(x)
    s = side >> 1
    while s:
        right, upper = (x & s) > 0, (y & s) > 0
        distance += s * s * ((3 * right.long()) ^ upper.long())
        flip = right & ~upper
        x, y = (
            torch.where(flip, s - 1 - (x & (s - 1)), x & (s - 1)),
            torch.where(flip, s - 1 - (y & (s - 1)), y & (s - 1)),
        )
        x, y = torch.where(upper, x, y), torch.where(upper, y, x)
        s >>= 1
    return torch.argsort(distance, stable=True)
