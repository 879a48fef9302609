"""Maximum likelihood: the negative log-likelihood of the target's points, through the flow's map to the base."""

from __future__ import annotations

import torch
from torch import Tensor

from flowgif.config.schema import TrainingConfig
from flowgif.flows.base import Flow, base_log_prob
from flowgif.training.base import Objective, Target
from flowgif.training.draws import SobolDraws

__all__ = ["Likelihood"]


class Likelihood(Objective):
    """-E log q(x). For a continuous flow it goes through the solve (Grathwohl et al. 2019, eq. 3) and has regularisers.

    Args:
        flow: the flow to fit; the first batch initialises it if its initialisation depends on data.
        target: the target to which the flow is fitted.
        batch_size: number of points per step.
        kinetic, jacobian: weights of the kinetic energy and of the Jacobian's Frobenius norm of a continuous flow
            (Finlay et al. 2020, arXiv:2002.02798, eq. 12).
        samples: None draws fresh points in every step. A number: this number of independent points is drawn once, and
            every epoch uses all of them in a new order.
        generator: draws points, their order, and Hutchinson's noise.
        device: the device of the flow.
    """

    def __init__(
        self,
        flow: Flow,
        target: Target,
        *,
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
        self._order = torch.empty(0, dtype=torch.int64)  # the points that the epoch has not used yet
        self._started = False

    @classmethod
    def build(
        cls, flow: Flow, target: Target, config: TrainingConfig, generator: torch.Generator, device: torch.device
    ) -> Likelihood:
        """Makes the objective of a resolved config."""
        assert config.batch_size is not None
        return cls(
            flow,
            target,
            batch_size=config.batch_size,
            kinetic=config.kinetic or 0.0,
            jacobian=config.jacobian or 0.0,
            samples=config.samples,
            generator=generator,
            device=device,
        )

    def loss(self) -> Tensor:
        x = self._batch().to(self._device)
        if not self._started:
            self._flow.initialise(x)
            self._started = True
        solved = self._flow.to_base_regularised(x, self._generator)
        nll = -(base_log_prob(solved.point) + solved.ladj)
        return (nll + self._kinetic * solved.kinetic + self._jacobian * solved.jacobian).mean()

    def _batch(self) -> Tensor:
        """Returns the next points, (n, 2); the last batch of an epoch may be smaller."""
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
        order = state["order"]
        if len(order) and not 0 <= int(order.min()) <= int(order.max()) < self.longest()["order"]:
            raise ValueError("the epoch's order names points that are not there")
        self._order = order

    def longest(self) -> dict[str, int]:
        return {"order": 0 if self._points is None else len(self._points)}
