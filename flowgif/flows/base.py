"""The contract of every flow, the base N(0, I), and what follows from both.

Time runs from 0 (the base) to 1 (the data).
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor, nn

__all__ = ["ContinuousFlow", "Flow", "Mapped", "Regularised", "base_log_prob"]


SWEPT = 1 << 20  # points, over all times, that are computed at once: some tens of megabytes


class Mapped(NamedTuple):
    """Points carried by a flow.

    Attributes:
        point: (..., n, 2), data units.
        ladj: (..., n), log |det d(point) / d(argument)|.
    """

    point: Tensor
    ladj: Tensor


class Regularised(NamedTuple):
    """A solve to the base, with the integrals that Finlay et al. 2020 (arXiv:2002.02798) penalise.

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
    """log N(z; 0, I) in nats, shape (n,), for z of shape (n, 2)."""
    return -0.5 * z.square().sum(-1) - math.log(2 * math.pi)


class Flow(nn.Module, ABC):
    """An invertible map between N(0, I) and a density, with every time between.

    Attributes:
        evaluations: of the flow's networks at each point, in the last map.
        layers: how many a discrete flow has, layer i of T ending at time i / T; 0 for a continuous flow.
        evaluated: what ``evaluations`` counts, 'network' or 'layers'.
        default_easing: how an animation of the flow passes time where nothing else is asked for.
        starts_at_base: whether every set of points is carried from the base, which costs little, and not from where it
            was at the time before.
        training_threads: how many threads suit its training; None for all.
    """

    evaluations: int = 1
    layers: int = 0
    evaluated: ClassVar[str] = "network"
    default_easing: ClassVar[str] = "smooth"
    starts_at_base: ClassVar[bool] = False
    training_threads: ClassVar[int | None] = None

    def layer_ends(self) -> tuple[float, ...]:
        """The times at which the layers of a discrete flow end, rising to 1; none for a continuous flow."""
        return ()

    def time_name(self, time: float) -> str:
        """How a caption calls a time within [0, 1]: 't = 0.35', or in a discrete flow 'layer 3' or 'layer 3.4'."""
        return f"t = {time:.2f}"

    @abstractmethod
    def to_base(self, x: Tensor, time: float = 1.0) -> Mapped:
        """Carries points x (n, 2) of the density at ``time`` back to the base."""

    @abstractmethod
    def path(self, z: Tensor, times: Tensor) -> Mapped:
        """Carries base points through all times at once.

        Args:
            z: (n, 2).
            times: (k,), ascending, within [0, 1].

        Returns:
            point (k, n, 2) and ladj (k, n).
        """

    def trajectory(self, x: Tensor, times: Tensor, start: float = 0.0) -> Tensor:
        """The points alone, without ladj, which can be much cheaper.

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
        """dx/dt along the flow's own paths, (n, 2), data units per unit of time, for x (n, 2) at ``time`` ().

        In a discrete flow of T layers it is T times the displacement by the layer that moves. Where nothing better is
        known it is a difference quotient.
        """
        now = float(time)
        step = 1e-3 if now < 0.5 else -1e-3
        return (self.trajectory(x, torch.tensor([now + step]), now)[0] - x) / step

    def sweep(self, x: Tensor, times: Sequence[float], start: float = 0.0) -> Iterator[Tensor]:
        """The points (n, 2) at each of the times, ascending from ``start``; as many at once as memory allows.

        Args:
            x: (n, 2), at time ``start``.
            times: from ``start`` on.
            start: within [0, 1].
        """
        for some in _batched(times, len(x)):
            yield from self.trajectory(x, torch.tensor(some, dtype=torch.float64), start)

    def initialise(self, x: Tensor) -> None:
        """Data-dependent initialisation by the first batch x (n, 2), where it was not done before; by default none."""

    def to_base_regularised(self, x: Tensor, generator: torch.Generator) -> Regularised:
        """What the likelihood objective needs, differentiable; a flow without a velocity has nothing to regularise.

        Args:
            x: (n, 2).
            generator: draws what the flow's own estimates need.
        """
        z, ladj = self.to_base(x)
        nothing = torch.zeros_like(ladj)
        return Regularised(z, ladj, nothing, nothing)

    def relaxed(self, tolerance: float) -> Flow:
        """The same flow, where averages and pictures need less than the maps' full accuracy; weights are shared.

        Args:
            tolerance: of a numerical solve, data units and nats; a flow without one returns itself.
        """
        return self

    def from_base(self, z: Tensor, time: float = 1.0) -> Mapped:
        """Carries base points z (n, 2) to ``time``; the inverse of :meth:`to_base`."""
        mapped = self.path(z, torch.tensor([time], dtype=z.dtype))
        return Mapped(mapped.point[0], mapped.ladj[0])

    def log_prob(self, x: Tensor, time: float = 1.0) -> Tensor:
        """log q_time(x) in nats, shape (n,): the change of variables, log N(z) + log |det dz/dx|."""
        z, ladj = self.to_base(x, time)
        return base_log_prob(z) + ladj

    def sample(self, n: int, time: float = 1.0, generator: torch.Generator | None = None) -> Tensor:
        """n independent draws of the density at ``time``, (n, 2); without a generator by torch's global one."""
        like = next(self.parameters())
        z = torch.randn(n, 2, generator=generator, device=generator.device if generator is not None else "cpu")
        return self.from_base(z.to(like), time).point


class ContinuousFlow(Flow):
    """A flow that follows a velocity, which is known at any point, and for a time (n,) of each point's own too."""

    @abstractmethod
    def velocity(self, x: Tensor, time: Tensor) -> Tensor:
        """v(x, t), (n, 2), data units per unit of time, for x (n, 2) and time () or (n,)."""

    def sweep(self, x: Tensor, times: Sequence[float], start: float = 0.0) -> Iterator[Tensor]:
        for some in _batched(times, len(x)):
            points = self.trajectory(x, torch.tensor(some, dtype=torch.float64), start)
            yield from points
            x, start = points[-1], some[-1]


def _batched(times: Sequence[float], points: int) -> Iterator[Sequence[float]]:
    some = max(1, SWEPT // max(1, points))
    return (times[i : i + some] for i in range(0, len(times), some))
