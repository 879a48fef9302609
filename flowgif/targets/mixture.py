"""The base class of all targets: a weighted Gaussian mixture in the plane.

A picture is a mixture with one Gaussian per inked pixel. A toy data set is a mixture with its centres along the
generating curve. So all targets share exact samples, log-density, entropy, and the closed-form velocity that carries
N(0, I) to them. A new kind of target derives from :class:`GaussianMixture`, overrides methods of the section "how it is
shown" if it differs, and is one row of ``flowgif.targets.build.TARGETS``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor

from flowgif.targets.hilbert import hilbert_order
from flowgif.targets.lattice import LOG_2PI, ClosedForm, Lattice, blurred, build_lattices, evaluate_on, level_for
from flowgif.targets.reading.picture import Picture

__all__ = ["ClosedForm", "ColourSource", "GaussianMixture", "as_floats"]

# The entropy is a sum over this many points per pixel and axis.
QUADRATURE = 3


def as_floats(x: Tensor) -> Tensor:
    """Returns integers in torch's default dtype, and other numbers as they are."""
    return x if x.is_floating_point() else x.to(torch.get_default_dtype())


class ColourSource(NamedTuple):
    """A picture whose colours particles may take.

    Attributes:
        image: the picture, RGBA, (columns, rows).
        ink: the amount of ink per pixel, (rows, columns) in [0, 1].
        pixel_of: maps points (n, 2) in data units to the nearest pixels (column, row), (n, 2) int64. The pixel of a
            point outside the picture lies outside the image.
    """

    image: Image.Image
    ink: npt.NDArray[np.float64]
    pixel_of: Callable[[Tensor], npt.NDArray[np.int64]]


class GaussianMixture:
    """p(x) = sum_k w_k N(x; c_k, S) with one diagonal S, in coordinates of mean 0 and variance 1 per axis.

    Args:
        centres: the components' means, (K, 2), in any units; the constructor standardises them.
        weights: the components' weights, (K,), not negative; the constructor normalises them.
        std: standard deviation of every component per axis, in the units of ``centres``.

    Attributes:
        centres: the components' means, (K, 2) float64, data units.
        weights: the components' weights, (K,) float64, summing to 1.
        std: standard deviation of every component per axis, (2,) float64, data units.
        shift, scale: the standardisation, (2,) float64; data = (units of the argument - shift) / scale.

    Raises:
        ValueError: no weight is positive, or ``std`` is not.
    """

    def __init__(self, centres: Tensor, weights: Tensor, std: tuple[float, float]) -> None:
        kept = weights > 0
        if not bool(kept.any()) or min(std) <= 0:
            raise ValueError("a mixture needs a positive weight and a positive standard deviation")
        if not bool(kept.all()):
            centres, weights = centres[kept], weights[kept]
        weights = weights.double() / weights.sum(dtype=torch.float64)
        sd = torch.tensor(std, dtype=torch.float64)
        self.shift = weights @ centres.double()
        # A large picture has millions of components, so that copies count.
        standard = centres - self.shift
        del centres, kept
        self.scale = ((weights @ standard**2) + sd**2).sqrt()
        self.std = sd / self.scale
        standard.div_(self.scale)
        order = hilbert_order(standard)
        self.centres, self.weights = standard[order], weights[order]
        del standard, weights, order
        self._cumulative = self.weights.cumsum(0)
        # The finest lattice is enough for the density and the entropy. A training needs the others too.
        self._fine = next(build_lattices(self.centres, self.weights, self.std))
        self._lattices_in: dict[torch.dtype, list[Lattice]] = {}

    # ------------------------------------------------------------------ exact quantities

    def from_uniform(self, u: Tensor) -> Tensor:
        """Maps points of the unit cube to draws of the target.

        The components are in the order of a Hilbert curve, so that evenly spread ``u`` give evenly spread draws.

        Args:
            u: points of the cube, (n, 3) in [0, 1).

        Returns:
            The draws, (n, 2), data units, in the dtype of ``u``.
        """
        u = u.double()
        k = torch.searchsorted(self._cumulative, u[:, 0] * self._cumulative[-1], right=True)
        noise = torch.special.ndtri(u[:, 1:].clamp(1e-12, 1 - 1e-12))
        return self.centres[k.clamp(max=len(self.weights) - 1)] + self.std * noise

    def sample(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        """Draws n independent points, (n, 2) float32, data units; without a generator, torch's global one is used."""
        return self.from_uniform(torch.rand(n, 3, generator=generator, dtype=torch.float64)).float()

    def log_prob(self, x: Tensor) -> Tensor:
        """Returns log p(x) in nats, shape (n,), for x of shape (n, 2) in data units; nan for a point with a nan."""
        x = as_floats(x)
        return self._evaluate([self._fine.to(x.dtype)], x, torch.ones_like(x[:, 0])).log_prob

    def density(self, x: Tensor, y: Tensor, blur: tuple[float, float] = (0.0, 0.0)) -> Tensor:
        """Returns p at every node of a lattice, 1 / data unit^2. Far from all ink it is faster than :meth:`log_prob`.

        Args:
            x, y: the nodes' coordinates, (columns,) and (rows,), data units.
            blur: the standard deviation along x and y of a Gaussian that blurs the density first, data units.

        Returns:
            The density, (rows, columns) float64.
        """
        fine = self._fine
        variance = fine.covariance[0] + blur[0] ** 2, fine.covariance[1] + blur[1] ** 2
        return blurred(fine.weight, (fine.nodes(0), fine.nodes(1)), (x.double(), y.double()), variance)

    def extent(self) -> tuple[Tensor, Tensor]:
        """Returns the lowest and the highest coordinates of the components' means, (2,) each, float64, data units."""
        return self.centres.min(0).values, self.centres.max(0).values

    def in_given_units(self, x: Tensor) -> Tensor:
        """Converts data coordinates (..., 2) to the units in which the target was given."""
        x = as_floats(x)
        return (x.double() * self.scale + self.shift).to(x.dtype)

    # ------------------------------------------------------------------ how it is shown

    remarks: tuple[str, ...] = ()
    """Sentences that say how the user's input was turned into the target."""

    drawn_aspect: float = 1.0
    """How long a data unit of y is drawn, relative to a data unit of x."""

    @property
    def picture(self) -> Picture | None:
        """The picture from which the target was made, as it is used; None if there is no picture."""
        return None

    @property
    def colour_source(self) -> ColourSource | None:
        """The picture whose colours particles may take; None if there is no picture."""
        return None

    def bounds(self) -> tuple[Tensor, Tensor]:
        """Returns the lowest and the highest coordinates that are drawn, (2,) each, float64, data units."""
        return self.centres.min(0).values - 3 * self.std, self.centres.max(0).values + 3 * self.std

    def stroke_width(self) -> float:
        """Returns the thickness of the target's lines, in the units of ``scale``."""
        return 4 * float((self.std * self.scale).mean())

    def entropy(self) -> float:
        """Computes -E[log p] in nats by quadrature over the plane; no model's NLL can be below it."""
        fine, weight = self._fine, self._fine.weight.float()
        nodes = fine.nodes(0), fine.nodes(1)
        places: list[Tensor] = []
        cell = 1.0
        for axis in (0, 1):
            sd = math.sqrt(fine.covariance[axis])
            step = min(fine.spacing[axis], 2 * sd) / QUADRATURE
            cell *= step
            count = math.ceil((nodes[axis][-1] - nodes[axis][0] + 16 * sd).item() / step) + 1
            places.append(nodes[axis][0] - 8 * sd + step * torch.arange(count, dtype=torch.float64))
        # In blocks of rows, the quadrature of a large picture needs only some ten megabytes at a time.
        total = sum(
            torch.special.entr(blurred(weight, nodes, (places[0], rows), fine.covariance)).sum(dtype=torch.float64)
            for rows in places[1].split(256)
        )
        return float(total) * cell

    # ------------------------------------------------------------------ the probability path

    def closed_form(self, x: Tensor, time: Tensor) -> ClosedForm:
        """Computes the velocity and log-density of the path x_t = (1 - t) x_0 + t x_1, x_0 ~ N(0, I), x_1 ~ p.

        u_t(x) = E[x_1 - x_0 | x_t = x] (Lipman et al. 2023, arXiv:2210.02747, eq. 8; Albergo &
        Vanden-Eijnden 2023, arXiv:2209.15571, eq. 10), whose flow carries N(0, I) at t = 0 to p at t = 1. With
        Sigma_t = (1-t)^2 I + t^2 S and the posterior mean m of the centres,
        u_t = m + (t S - (1-t) I) Sigma_t^-1 (x - t m).

        Args:
            x: (n, 2), data units.
            time: (n,), within [0, 1].

        Returns:
            Velocity and log-density in the dtype of ``x``; their relative error is at most 1e-3 in float64. Those of a
            point or time that is not finite are nan, but the log-density infinitely far away is -inf.
        """
        x = as_floats(x)
        if x.dtype not in self._lattices_in:
            # All are made in float64. Those of a large picture would take hundreds of megabytes if they were kept so.
            lattices = build_lattices(self.centres, self.weights, self.std)
            self._lattices_in[x.dtype] = [lattice.to(x.dtype) for lattice in lattices]
        return self._evaluate(self._lattices_in[x.dtype], x, time)

    def _evaluate(self, levels: list[Lattice], x: Tensor, time: Tensor) -> ClosedForm:
        """Computes the closed form from the lattice that suits each time."""
        usable = x.isfinite().all(1) & time.isfinite()
        if not bool(usable.all()):
            velocity, log_prob = torch.full_like(x, math.nan), torch.full_like(time, math.nan)
            log_prob[x.isinf().any(1) & ~x.isnan().any(1) & time.isfinite()] = -math.inf
            velocity[usable], log_prob[usable] = self._evaluate(levels, x[usable], time[usable])
            return ClosedForm(velocity, log_prob)
        level = level_for(levels, float(self.std.min()), time)
        order = torch.argsort(level)
        variance = (self.std**2).to(x)
        velocity, log_prob = torch.empty_like(x), torch.empty_like(time)
        counts = torch.bincount(level, minlength=len(levels)).tolist()
        for lattice, chosen in zip(levels, order.split(counts), strict=True):
            for part in chosen.split(8192):
                out = evaluate_on(lattice, variance, x[part], time[part])
                velocity[part], log_prob[part] = out.velocity, out.log_prob
        far = torch.nonzero(log_prob == -math.inf).flatten()
        for part in far.split(max(1, 2_000_000 // len(self.weights))):
            out = self._sum_over_components(x[part], time[part])
            velocity[part], log_prob[part] = out.velocity, out.log_prob
        return ClosedForm(velocity, log_prob)

    def _sum_over_components(self, x: Tensor, time: Tensor) -> ClosedForm:
        """Computes the closed form from all components, for the few points that are far from all ink."""
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
