"""The contract of every flow, the base N(0, I), and the methods that follow from both.

Time runs from 0 (the base) to 1 (the data). A new flow derives from :class:`Flow`, implements :meth:`Flow.to_base` and
:meth:`Flow.path`, and is one row of ``flowgif.flows.build.BUILDERS``. A flow that follows a velocity derives
from :class:`ContinuousFlow`.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import ClassVar, NamedTuple, Protocol

import torch
from torch import Tensor, nn

from flowgif.flows.points import Mapped, is_far

__all__ = [
    "ContinuousFlow",
    "Flow",
    "Ink",
    "Mapped",
    "Regularised",
    "base_from_uniform",
    "base_log_prob",
]

POINTS_AT_ONCE = 1 << 20  # number of points, over all times, that are computed together: tens of megabytes


class Ink(Protocol):
    """What an untrained flow may know of the density that it will be fitted to."""

    @property
    def std(self) -> Tensor:
        """Standard deviation of every component per axis, (2,) float64, data units; in a picture half a pixel."""
        ...

    @property
    def scale(self) -> Tensor:
        """The length of a data unit per axis, (2,) float64, in the units in which the target was given."""
        ...

    def stroke_width(self) -> float:
        """Returns the thickness of the target's lines, in the units of ``scale``."""
        ...

    def extent(self) -> tuple[Tensor, Tensor]:
        """Returns the lowest and the highest coordinates of the components' means, (2,) each, data units."""
        ...

    def density(self, x: Tensor, y: Tensor, blur: tuple[float, float] = ...) -> Tensor:
        """Returns the density, blurred, at every node of a lattice, (rows, columns)."""
        ...


class Regularised(NamedTuple):
    """Points carried to the base, with the integrals that Finlay et al. 2020 (arXiv:2002.02798) penalise.

    Attributes:
        point: z, (n, 2).
        ladj: log |det dz/dx|, (n,).
        kinetic: the integral of |v|^2 over time, (n,).
        jacobian: the integral of the squared Frobenius norm of dv/dx, (n,).
    """

    point: Tensor
    ladj: Tensor
    kinetic: Tensor
    jacobian: Tensor


def base_log_prob(z: Tensor) -> Tensor:
    """Computes log N(z; 0, I) in nats, shape (n,), for z of shape (n, 2)."""
    return -0.5 * z.square().sum(-1) - math.log(2 * math.pi)


def base_from_uniform(u: Tensor) -> Tensor:
    """Maps points of the unit square, (n, 2) in [0, 1), to draws of the base N(0, I); evenly spread ones stay so."""
    return torch.special.ndtri(u.clamp(1e-12, 1 - 1e-12))


class Flow(nn.Module, ABC):
    """An invertible map between N(0, I) at time 0 and a density at time 1, with a density at every time between.

    Points are (n, 2), of any dtype and number; implementations of maps are decorated by :func:`for_any_points`.

    Attributes:
        evaluations: number of evaluations of the flow's networks at each point in the last map.
        evaluated: the unit that ``evaluations`` counts, 'network' or 'layers'.
        default_easing: the easing of an animation of this flow unless the user gives another.
        starts_at_base: whether points at any time are best computed from the base, which costs little, instead of from
            the points at an earlier time.
        training_threads: the number of threads that suits the flow's training; None for all.
    """

    evaluations: int = 1
    evaluated: ClassVar[str] = "network"
    default_easing: ClassVar[str] = "smooth"
    starts_at_base: ClassVar[bool] = False
    training_threads: ClassVar[int | None] = None

    def layer_ends(self) -> tuple[float, ...]:
        """Returns the times at which the layers of a discrete flow end, rising to 1; () for a continuous flow."""
        return ()

    def time_name(self, time: float) -> str:
        """Names a time within [0, 1] for a caption: 't = 0.35', or in a discrete flow 'layer 3' or 'layer 3.4'."""
        return f"t = {time:.2f}"

    @abstractmethod
    def to_base(self, x: Tensor, time: float = 1.0) -> Mapped:
        """Carries points x (n, 2) of the density at ``time`` back to the base."""

    @abstractmethod
    def path(self, z: Tensor, times: Tensor) -> Mapped:
        """Carries base points to all times at once.

        Args:
            z: (n, 2).
            times: (k,), ascending, within [0, 1].

        Returns:
            point (k, n, 2) and ladj (k, n).
        """

    def trajectory(self, x: Tensor, times: Tensor, start: float = 0.0) -> Tensor:
        """Carries points to all times without computing ladj, which can be much cheaper.

        Args:
            x: (n, 2), at time ``start``.
            times: (k,), ascending or descending from ``start``.
            start: within [0, 1].

        Returns:
            (k, n, 2).
        """
        z = x if start == 0 else self.to_base(x, start).point
        order = torch.argsort(times)
        return self.path(z, times[order]).point[torch.argsort(order)]

    def velocity(self, x: Tensor, time: Tensor) -> Tensor:
        """Computes dx/dt along the flow's paths, (n, 2), data units per unit of time, for x (n, 2) at ``time`` ().

        In a discrete flow of T layers the velocity is T times the displacement by the layer that moves. By default it
        is a difference quotient.
        """
        now = float(time)
        step = 1e-3 if now < 0.5 else -1e-3
        return (self.trajectory(x, torch.tensor([now + step]), now)[0] - x) / step

    def sweep(self, x: Tensor, times: Sequence[float], start: float = 0.0) -> Iterator[Tensor]:
        """Yields the points (n, 2) at each of the times; computes as many times together as memory allows.

        Args:
            x: (n, 2), at time ``start``.
            times: ascending from ``start``.
            start: within [0, 1].
        """
        for batch in _batched(times, len(x)):
            yield from self.trajectory(x, torch.tensor(batch, dtype=torch.float64), start)

    def fit_to(self, target: Ink) -> None:
        """Adapts the untrained flow to a target; by default does nothing."""

    def initialise(self, x: Tensor) -> None:
        """Initialises the flow by the first batch x (n, 2), unless it is initialised; by default does nothing."""

    def to_base_regularised(self, x: Tensor, generator: torch.Generator) -> Regularised:
        """Computes the terms of the likelihood objective, differentiable; without a velocity both penalties are 0.

        Args:
            x: (n, 2).
            generator: draws the noise of the flow's estimates, if it uses any.
        """
        z, ladj = self.to_base(x)
        zero = torch.zeros_like(ladj)
        return Regularised(z, ladj, zero, zero)

    def derivative_differences(self, x: Tensor, generator: torch.Generator) -> Tensor:
        """Compares the derivative that gives the density with one that is found in another way.

        By default that is ladj of :meth:`to_base` against the determinant of autograd's Jacobian.

        Args:
            x: points of the data, (n, 2).
            generator: draws the noise of an estimate, if there is one.

        Returns:
            The differences, (n,), nats, whose mean is 0.
        """
        with torch.enable_grad():
            x = x.detach().requires_grad_()
            z, ladj = self.to_base(x)
            rows = [torch.autograd.grad(z[:, axis].sum(), x, retain_graph=True)[0] for axis in range(2)]
        determinant = rows[0][:, 0] * rows[1][:, 1] - rows[0][:, 1] * rows[1][:, 0]
        return (ladj - determinant.abs().log()).detach()

    def relaxed(self, tolerance: float) -> Flow:
        """Returns the flow with a looser tolerance, which suffices for averages and pictures; the weights are shared.

        Args:
            tolerance: the tolerance of a numerical solve, data units and nats; a flow without a solve returns itself.
        """
        return self

    def from_base(self, z: Tensor, time: float = 1.0) -> Mapped:
        """Carries base points z (n, 2) to ``time``; the inverse of :meth:`to_base`."""
        mapped = self.path(z, torch.tensor([time], dtype=z.dtype))
        return Mapped(mapped.point[0], mapped.ladj[0])

    def log_prob(self, x: Tensor, time: float = 1.0) -> Tensor:
        """Computes log q_time(x) in nats, shape (n,), by the change of variables, log N(z) + log |det dz/dx|.

        It is nan for a point with a nan, and -inf for one that is so far away that it cannot be carried.
        """
        z, ladj = self.to_base(x, time)
        log_prob = base_log_prob(z) + ladj
        return log_prob.masked_fill(log_prob.isnan() & is_far(x) & ~x.isnan().any(1), -math.inf)

    def sample(self, n: int, time: float = 1.0, generator: torch.Generator | None = None) -> Tensor:
        """Draws n independent points of the density at ``time``, (n, 2); by default from torch's global generator."""
        like = next(self.parameters())
        z = torch.randn(n, 2, generator=generator, device=generator.device if generator is not None else "cpu")
        return self.from_base(z.to(like), time).point


class ContinuousFlow(Flow):
    """A flow that follows a velocity, which is known at any point and time. Each point may have a different time."""

    @abstractmethod
    def velocity(self, x: Tensor, time: Tensor) -> Tensor:
        """Computes v(x, t), (n, 2), data units per unit of time, for x (n, 2) and time () or (n,)."""

    def prepare(self, x: Tensor, time: Tensor, size: int) -> list[tuple[Tensor, ...]]:
        """Computes in advance what velocities need besides the weights, for parts of the points.

        Args:
            x: (n, 2).
            time: (n,).
            size: number of points of a part; the last one may have fewer.

        Returns:
            What :meth:`velocity_of` needs, for each part in turn.
        """
        return list(zip(x.split(size), time.split(size), strict=True))

    def velocity_of(self, prepared: tuple[Tensor, ...]) -> Tensor:
        """Computes v(x, t), (n, 2), from what :meth:`prepare` returned for a part of the points."""
        x, time = prepared
        return self.velocity(x, time)

    def sweep(self, x: Tensor, times: Sequence[float], start: float = 0.0) -> Iterator[Tensor]:
        # A continuous flow continues from its last points, so that no time is integrated over twice.
        for batch in _batched(times, len(x)):
            points = self.trajectory(x, torch.tensor(batch, dtype=torch.float64), start)
            yield from points
            x, start = points[-1], batch[-1]


def _batched(times: Sequence[float], points: int) -> Iterator[Sequence[float]]:
    """Splits times so that a batch has at most POINTS_AT_ONCE points over all its times."""
    size = max(1, POINTS_AT_ONCE // max(1, points))
    return (times[i : i + size] for i in range(0, len(times), size))
