"""Closed-form flow matching: regression on the exact velocity that carries N(0, I) to the target."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from flowgif.config.schema import TrainingConfig
from flowgif.flows.base import ContinuousFlow, Flow, base_from_uniform
from flowgif.training.ahead import Ahead
from flowgif.training.base import Objective, Target
from flowgif.training.draws import SobolDraws

__all__ = ["FlowMatching"]


class _Batch(NamedTuple):
    """A batch of the regression.

    Attributes:
        prepared: what the flow's velocity needs of the batch's points and times besides its weights.
        velocity: the exact u_t(x), (n, 2), data units per unit of time.
        weight: the points' weights in the loss, (n,); their mean over all batches drawn together is 1.
    """

    prepared: tuple[Tensor, ...]
    velocity: Tensor
    weight: Tensor


class _Block(NamedTuple):
    """Batches that were drawn together.

    Attributes:
        start, end: the state of the draws before and after the block.
        batches: the batches, the last first.
    """

    start: Tensor
    end: Tensor
    batches: list[_Batch]


class FlowMatching(Objective):
    """E_t w(t) |v(x_t, t) - u_t(x_t)|^2 with the target's exact u_t, so the regression has no noise.

    (Lipman et al. 2023, arXiv:2210.02747, eq. 5. Because u_t is known, the noisy substitute of eq. 9 is not needed.)

    Details form late, so t is drawn with a density proportional to (1 - t)^(1/CROWDING - 1). An error in the velocity
    costs more likelihood where the density is steeper, so its weight w(t) grows with t.

    Args:
        flow: the flow, whose velocity is fitted.
        target: the target to which the flow is fitted.
        batch_size: number of points per step.
        generator: draws times and points; on the CPU, as the target is.
        device: the device of the flow.
    """

    # Points drawn together: many, because reading the target's lattices costs the same for few as for many, but only as
    # many as were drawn before, so that a training starts at once and a short one draws little in vain.
    LEAST_DRAWN, MOST_DRAWN = 4096, 32768
    CROWDING = 3.0
    SOFTEST = 0.05  # w(t) is proportional to (1 - t + SOFTEST)^(-1/2)

    def __init__(
        self, flow: ContinuousFlow, target: Target, *, batch_size: int, generator: torch.Generator, device: torch.device
    ) -> None:
        self._flow, self._target, self._device = flow, target, device
        self._batch_size = batch_size
        self._draws = SobolDraws(6, generator)
        self._blocks = Ahead(self._draw)
        self._block = _Block(self._draws.state(), self._draws.state(), [])

    @classmethod
    def build(
        cls, flow: Flow, target: Target, config: TrainingConfig, generator: torch.Generator, device: torch.device
    ) -> FlowMatching:
        """Makes the objective of a resolved config.

        Raises:
            TypeError: the flow does not follow a velocity.
        """
        if not isinstance(flow, ContinuousFlow):
            raise TypeError(f"flow matching fits a velocity, which a {type(flow).__name__} does not have")
        assert config.batch_size is not None
        return cls(flow, target, batch_size=config.batch_size, generator=generator, device=device)

    def loss(self) -> Tensor:
        if not self._block.batches:
            self._block = self._blocks.next()
        batch = self._block.batches.pop()
        errors = self.errors(self._flow.velocity_of(batch.prepared), batch.velocity)
        return (errors * batch.weight).mean()

    def errors(self, fitted: Tensor, exact: Tensor) -> Tensor:
        """Computes the squared errors (n,) of fitted velocities (n, 2) against exact velocities (n, 2)."""
        return (fitted - exact).square().sum(1)

    @torch.no_grad()
    def _draw(self) -> _Block:
        """Draws the next block's points, as whole batches."""
        start = self._draws.state()
        wanted = min(max(self._draws.drawn, self.LEAST_DRAWN), self.MOST_DRAWN)
        u = self._draws.draw(max(1, wanted // self._batch_size) * self._batch_size)
        time = (1 - (1 - u[:, 0]) ** self.CROWDING).float()
        x0 = base_from_uniform(u[:, 1:3]).float()
        x1 = self._target.from_uniform(u[:, 3:]).float()
        x = (1 - time[:, None]) * x0 + time[:, None] * x1
        velocity = self._target.closed_form(x, time).velocity
        weight = (1 - time + self.SOFTEST).rsqrt()
        x, time, velocity, weight = (c.to(self._device) for c in (x, time, velocity, weight / weight.mean()))
        size = self._batch_size
        parts = self._flow.prepare(x, time, size), velocity.split(size), weight.split(size)
        batches = [_Batch(*part) for part in zip(*parts, strict=True)]
        return _Block(start, self._draws.state(), batches)

    def close(self) -> None:
        self._blocks.close()

    def state(self) -> dict[str, Tensor]:
        return {
            "drawn_from": self._block.start,
            "left": torch.tensor(len(self._block.batches)),
            "draws": self._block.end,
        }

    def restore(self, state: dict[str, Tensor]) -> None:
        if state["left"] < 0:
            raise ValueError("less than no batch is left")
        self._blocks.stop()
        self._draws.restore(state["drawn_from"] if state["left"] else state["draws"])
        self._block = _Block(state["drawn_from"], state["draws"], [])
        if state["left"]:  # draw the unused batches once more
            self._block = self._blocks.next()
            del self._block.batches[int(state["left"]) :]
