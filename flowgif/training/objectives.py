"""What is minimised: closed-form flow matching, or the negative log-likelihood through the solve."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from flowgif.flows.base import ContinuousFlow, Flow, base_log_prob
from flowgif.training.draws import SobolDraws

__all__ = ["FlowMatching", "Likelihood", "Objective", "Target"]


class PathPoint(Protocol):
    """The probability path at some points: its velocity, (n, 2)."""

    @property
    def velocity(self) -> Tensor: ...


class Target(Protocol):
    """A density that can be sampled, and whose flow from N(0, I) is known."""

    def sample(self, n: int, generator: torch.Generator) -> Tensor: ...

    def from_uniform(self, u: Tensor) -> Tensor: ...

    def closed_form(self, x: Tensor, time: Tensor) -> PathPoint: ...


class Objective(ABC):
    """A loss that a generator makes random; what is left of its draws can be saved."""

    @abstractmethod
    def loss(self) -> Tensor:
        """The next batch's loss, ()."""

    @abstractmethod
    def state(self) -> dict[str, Tensor]:
        """What :meth:`restore` needs to go on with the very next batch."""

    @abstractmethod
    def restore(self, state: dict[str, Tensor]) -> None:
        """Back to where :meth:`state` was taken."""


class _Batch(NamedTuple):
    """Attributes: x (n, 2); time (n,); velocity (n, 2); weight (n,), of mean 1."""

    x: Tensor
    time: Tensor
    velocity: Tensor
    weight: Tensor


class FlowMatching(Objective):
    """E_t w(t) |v(x_t, t) - u_t(x_t)|^2 with the target's own u_t: the regression has no noise in it.

    (Lipman et al. 2023, arXiv:2210.02747, eq. 5; u_t is known here, so eq. 9's noisy stand-in is not needed.)

    The details form late, so t is drawn with density proportional to (1 - t)^(1/CROWDING - 1); and an error
    in the velocity costs the more likelihood the steeper the density is, so its weight grows with t too.

    Args:
        flow: what is fitted.
        target: to what.
        batch_size: points a step.
        generator: makes times and points random; on the CPU, as the target is.
        device: where the flow is.
    """

    BATCHES = 16  # drawn at a time: the target's lattices cost the same for few points as for many
    CROWDING = 3.0
    SOFTEST = 0.05

    def __init__(
        self, flow: ContinuousFlow, target: Target, batch_size: int, generator: torch.Generator, device: torch.device
    ) -> None:
        self._flow, self._target, self._device = flow, target, device
        self._batch_size = batch_size
        self._ready: list[_Batch] = []
        self._draws = SobolDraws(6, generator)
        self._drawn_from = self._draws.state()

    def loss(self) -> Tensor:
        if not self._ready:
            self._draw()
        batch = self._ready.pop()
        error = (self._flow.velocity(batch.x, batch.time) - batch.velocity).square().sum(1)
        return (error * batch.weight).mean()

    def _draw(self) -> None:
        self._drawn_from = self._draws.state()
        u = self._draws.draw(self.BATCHES * self._batch_size)
        time = (1 - (1 - u[:, 0]) ** self.CROWDING).float()
        x0 = torch.special.ndtri(u[:, 1:3].clamp(1e-12, 1 - 1e-12)).float()
        x1 = self._target.from_uniform(u[:, 3:]).float()
        x = (1 - time[:, None]) * x0 + time[:, None] * x1
        velocity = self._target.closed_form(x, time).velocity
        weight = (1 - time + self.SOFTEST).rsqrt()
        columns = [c.to(self._device).split(self._batch_size) for c in (x, time, velocity, weight / weight.mean())]
        self._ready = [_Batch(*parts) for parts in zip(*columns, strict=True)]

    def state(self) -> dict[str, Tensor]:
        return {
            "drawn_from": self._drawn_from,
            "left": torch.tensor(len(self._ready)),
            "draws": self._draws.state(),
        }

    def restore(self, state: dict[str, Tensor]) -> None:
        left = int(state["left"])
        self._ready = []
        if left:  # the batches that are not used yet, drawn once more
            self._draws.restore(state["drawn_from"])
            self._draw()
            self._ready = self._ready[:left]
        self._draws.restore(state["draws"])


class Likelihood(Objective):
    """-E log q(x), for a continuous flow through the solve (Grathwohl et al. 2019, eq. 3) and regularised.

    Args:
        flow: what is fitted; its data-dependent initialisation is done with the first batch.
        target: to what.
        batch_size: points a step.
        kinetic, jacobian: weights of the kinetic energy and of the Jacobian's Frobenius norm of a continuous flow
            (Finlay et al. 2020, arXiv:2002.02798, eq. 12).
        samples: None for fresh points every step; else so many, drawn once and independently, in a new order every
            epoch.
        generator: draws points, their order, and Hutchinson's noise.
        device: where the flow is.
    """

    def __init__(
        self,
        flow: Flow,
        target: Target,
        batch_size: int,
        kinetic: float,
        jacobian: float,
        samples: int | None,
        generator: torch.Generator,
        device: torch.device,
    ) -> None:
        self._flow, self._target, self._generator, self._device = flow, target, generator, device
        self._batch_size, self._kinetic, self._jacobian = batch_size, kinetic, jacobian
        self._points = None if samples is None else target.sample(samples, generator)
        self._draws = SobolDraws(3, generator)
        self._order = torch.empty(0, dtype=torch.int64)  # of what is left of the epoch
        self._started = False

    def loss(self) -> Tensor:
        x = self._batch().to(self._device)
        if not self._started:
            self._flow.initialise(x)
            self._started = True
        solved = self._flow.to_base_regularised(x, self._generator)
        nll = -(base_log_prob(solved.point) + solved.ladj)
        return (nll + self._kinetic * solved.kinetic + self._jacobian * solved.jacobian).mean()

    def _batch(self) -> Tensor:
        if self._points is None:
            return self._target.from_uniform(self._draws.draw(self._batch_size)).float()
        if len(self._order) == 0:
            self._order = torch.randperm(len(self._points), generator=self._generator)
        chosen, self._order = self._order[: self._batch_size], self._order[self._batch_size :]
        return self._points[chosen]

    def state(self) -> dict[str, Tensor]:
        return {"generator": self._generator.get_state(), "draws": self._draws.state(), "order": self._order}

    def restore(self, state: dict[str, Tensor]) -> None:
        self._generator.set_state(state["generator"])
        self._draws.restore(state["draws"])
        self._order = state["order"]
