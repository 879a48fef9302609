"""The training loop. It prints nothing and writes nothing; it yields one record for each step."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from flowgif.config.schema import TrainingConfig
from flowgif.errors import NumericalError
from flowgif.flows.base import Flow
from flowgif.training.base import Target
from flowgif.training.objectives import OBJECTIVES
from flowgif.training.optimisers import OPTIMISERS
from flowgif.training.schedules import SCHEDULES

__all__ = ["Layout", "StepRecord", "Trainer"]

# Exponential moving average of the weights, updated every EMA_INTERVAL steps; every step would cost 10 % of the time.
EMA_DECAY, EMA_INTERVAL = 0.92, 4
MAX_GRADIENT_NORM = 1.0  # rarely reached, but a single large gradient can ruin a whole training


@dataclass(frozen=True)
class StepRecord:
    """The result of a step of training.

    Attributes:
        step: the step's number, counted from 1.
        loss: the loss of this step's batch, without the L2 term; nats for the likelihood objective.
        seconds: the time spent on training so far, resumed parts included.
        done: the share of the training that is done, in [0, 1].
    """

    step: int
    loss: float
    seconds: float
    done: float


@dataclass(frozen=True)
class Layout:
    """What a state consists of.

    Attributes:
        tensors: by name, with the shapes and types that those of a state have.
        longest: those with one axis whose length may differ, each with the largest number of elements.
        unknown: beginnings of the names of tensors that are not known in advance.
    """

    tensors: dict[str, Tensor]
    longest: dict[str, int]
    unknown: tuple[str, ...]


class Trainer:
    """Fits a flow to a target.

    If the end is a number of steps, training is reproducible bit for bit: the same seed gives the same weights on the
    same machine, however often the training was stopped and resumed. A time budget is not reproducible.

    Args:
        flow: the flow, which is trained in place.
        target: the target to which the flow is fitted.
        config: resolved training settings.
        device: the device of the flow.

    Attributes:
        step: the number of steps done.
        seconds: the time spent on training so far.
    """

    def __init__(self, flow: Flow, target: Target, config: TrainingConfig, device: torch.device) -> None:
        assert config.objective is not None
        assert config.optimiser is not None
        assert config.lr is not None
        self._flow, self._config = flow, config
        self._average = copy.deepcopy(flow)
        self._averaged_parameters = [p.detach() for p in self._average.parameters()]
        generator = torch.Generator().manual_seed(config.seed)
        self._objective = OBJECTIVES.find(config.objective).build(flow, target, config, generator, device)
        self._optimisers = OPTIMISERS.find(config.optimiser)(flow, config.lr)
        self._schedule = SCHEDULES.find(config.schedule)
        # Only weight matrices of networks are L2-penalised, not biases or other layers' parameters.
        self._weights = [p for name, p in flow.named_parameters() if p.ndim == 2 and name.endswith("weight")]
        self._rates: list[float] = [group["lr"] for o in self._optimisers for group in o.param_groups]
        self.step = 0
        self.seconds = 0.0

    @property
    def averaged(self) -> Flow:
        """The flow with the moving average of its weights. This flow is evaluated and stored."""
        return self._average if self.step else self._flow

    @property
    def done(self) -> float:
        """The share of the training that is done, in [0, 1]."""
        if self._config.last_step is not None:
            return min(1.0, self.step / self._config.last_step)
        assert self._config.time_budget is not None
        return min(1.0, self.seconds / self._config.time_budget)

    def run(self) -> Iterator[StepRecord]:
        """Trains until the last step or the time budget.

        Raises:
            NumericalError: a loss or gradient is not finite; the weights stay those of the last finite step.
        """
        self._flow.train()
        resumed_at, start, earlier_loss = self.seconds, time.perf_counter(), ""
        while self.done < 1.0:
            self._set_rate()
            for optimiser in self._optimisers:
                optimiser.zero_grad()
            try:
                loss = self._objective.loss()
            except NumericalError as error:
                raise NumericalError(f"at step {self.step + 1} {error}") from None
            value = loss.item()
            if self._config.l2 > 0:
                loss = loss + self._config.l2 * torch.stack([w.square().sum() for w in self._weights]).sum()
            loss.backward()
            norm = self._clip_gradients()
            if not (math.isfinite(value) and math.isfinite(norm)):
                quantity = "gradient" if math.isfinite(value) else "loss"
                raise NumericalError(
                    f"the {quantity} is not finite at step {self.step + 1}{earlier_loss}: "
                    f"the learning rate is too high for this target; train again with a lower --lr "
                    f"(it was {self._config.lr:g})"
                )
            earlier_loss = f" (the loss before it was {value:.4g})"
            for optimiser in self._optimisers:
                optimiser.step()
            if self.step % EMA_INTERVAL == 0:
                self._update_average()
            self.step += 1
            self.seconds = resumed_at + time.perf_counter() - start
            yield StepRecord(self.step, value, self.seconds, self.done)

    def _clip_gradients(self) -> float:
        """Shortens the gradient of all parameters to MAX_GRADIENT_NORM if it is longer; returns its norm before."""
        gradients = [p.grad for p in self._flow.parameters() if p.grad is not None]
        norms = torch._foreach_norm(gradients)  # pyright: ignore[reportPrivateUsage, reportPrivateImportUsage]
        norm = torch.linalg.vector_norm(torch.stack(norms)).item()
        if norm > MAX_GRADIENT_NORM:
            torch._foreach_mul_(gradients, MAX_GRADIENT_NORM / norm)  # pyright: ignore[reportPrivateUsage, reportPrivateImportUsage]
        return norm

    def _update_average(self) -> None:
        """Moves the average towards the weights; the first time it becomes the flow as it is."""
        if self.step == 0:
            self._average.load_state_dict(self._flow.state_dict())
        new = [p.detach() for p in self._flow.parameters()]
        torch._foreach_lerp_(self._averaged_parameters, new, 1 - EMA_DECAY)  # pyright: ignore[reportPrivateUsage, reportPrivateImportUsage]

    def _set_rate(self) -> None:
        """Sets the learning rates of the next step."""
        factor = self._schedule(self.step, self.done)
        groups = [group for o in self._optimisers for group in o.param_groups]
        for group, rate in zip(groups, self._rates, strict=True):
            group["lr"] = rate * factor

    def state(self) -> dict[str, Tensor]:
        """Returns everything that :meth:`restore` needs to continue the training, as tensors by name."""
        out = {"step": torch.tensor(self.step), "seconds": torch.tensor(self.seconds, dtype=torch.float64)}
        out |= {f"flow.{name}": value for name, value in self._flow.state_dict().items()}
        out |= {f"average.{name}": value for name, value in self._average.state_dict().items()}
        out |= {f"objective.{name}": value for name, value in self._objective.state().items()}
        for i, optimiser in enumerate(self._optimisers):
            for j, values in optimiser.state_dict()["state"].items():
                out |= {f"optimiser.{i}.{j}.{name}": value for name, value in values.items()}
        return out

    def close(self) -> None:
        """Ends what the objective does in the background; no more steps can be taken."""
        self._objective.close()

    def layout(self) -> Layout:
        """Describes what :meth:`state` returns, for a check before :meth:`restore`."""
        longest = {f"objective.{name}": most for name, most in self._objective.longest().items()}
        # Optimisers of torch.optim make their tensors in their first step.
        states = [optimiser.state_dict()["state"] for optimiser in self._optimisers]
        unknown = tuple(f"optimiser.{i}." for i, state in enumerate(states) if not state)
        return Layout(self.state(), longest, unknown)

    def restore(self, state: dict[str, Tensor]) -> None:
        """Restores the state returned by :meth:`state`.

        Raises:
            KeyError, RuntimeError, TypeError, ValueError: the state belongs to a different training, or is impossible.
        """
        self.step, self.seconds = int(state["step"]), float(state["seconds"])
        if self.step < 0 or not 0 <= self.seconds < math.inf:
            raise ValueError("a training cannot have taken less than no step")
        self._flow.load_state_dict(_with_prefix(state, "flow."))
        self._average.load_state_dict(_with_prefix(state, "average."))
        self._objective.restore(_with_prefix(state, "objective."))
        for i, optimiser in enumerate(self._optimisers):
            optimiser_state: dict[int, dict[str, Tensor]] = {}
            for key, value in _with_prefix(state, f"optimiser.{i}.").items():
                j, name = key.split(".", 1)
                optimiser_state.setdefault(int(j), {})[name] = value
            optimiser.load_state_dict({**optimiser.state_dict(), "state": optimiser_state})


def _with_prefix(state: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """Returns the tensors whose names begin with a prefix, by the rest of their names."""
    return {key.removeprefix(prefix): value for key, value in state.items() if key.startswith(prefix)}
