"""What a peer is: a flow of another library, its loss, its log-density, and the settings that are tried."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor, nn

__all__ = ["Kind", "Peer", "Setting", "log_normal"]

CHUNK = 2048  # a continuous flow holds so many points at once in a solve


@dataclass(frozen=True)
class Setting:
    """How a peer is trained.

    Attributes:
        lr: peak rate of Adam.
        batch: points of a step.
        width: width of the networks' hidden layers.
        decay: whether the rate falls linearly to zero at the end; if not, it is constant.
        threads: torch's number of threads.
    """

    lr: float
    batch: int
    width: int
    decay: bool = True
    threads: int = 1

    @property
    def label(self) -> str:
        """One line for a table."""
        more = ("" if self.decay else ", constant rate") + ("" if self.threads == 1 else f", {self.threads} threads")
        return f"rate {self.lr:g}, batch {self.batch}, width {self.width}{more}"


class Peer(nn.Module, ABC):
    """A flow of another library with the methods that training and flowgif's ``measure_gap`` need.

    Attributes:
        weight_decay: Adam's, where the authors use one.
        clip: the largest norm of a gradient; None for no limit.
        evaluations: the number of evaluations that ``measure_gap`` reports; a peer's are not counted.
    """

    weight_decay = 0.0
    clip: float | None = 1.0
    evaluations = 0

    @abstractmethod
    def loss(self, x: Tensor) -> Tensor:
        """Returns the loss of a batch of the target's points, (n, 2)."""

    @abstractmethod
    def exact_log_prob(self, x: Tensor) -> Tensor:
        """Returns log q(x) in nats, (n,), without an estimate of the divergence."""

    def log_prob(self, x: Tensor) -> Tensor:
        """Returns log q(x) in nats, (n,), a chunk of points at a time."""
        return torch.cat([self.exact_log_prob(part).detach() for part in x.split(CHUNK)])

    def relaxed(self, tolerance: float) -> Self:
        """Returns itself: a peer has its own tolerance."""
        return self


@dataclass(frozen=True)
class Kind:
    """A flow that takes part.

    Attributes:
        library: as tables show it.
        flow: the flow's name in tables.
        package: the package that must be installed; None if flowgif's own dependencies suffice.
        make: makes the flow with hidden layers of this width.
        settings: those that are tried; the one with the least gap takes part in the comparison.
    """

    library: str
    flow: str
    package: str | None
    make: Callable[[int], Peer]
    settings: tuple[Setting, ...]


def log_normal(z: Tensor) -> Tensor:
    """Returns the log-density of N(0, I) at points (n, 2), in nats."""
    return -0.5 * (z**2).sum(-1) - torch.log(torch.tensor(2 * torch.pi))
