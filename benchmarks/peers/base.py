"""What a peer is: a flow of another library, its loss and its log-density."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Self

import torch
from torch import Tensor, nn

__all__ = ["Peer", "log_normal"]

CHUNK = 2048  # a continuous flow holds so many points at once in a solve


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


def log_normal(z: Tensor) -> Tensor:
    """Returns the log-density of N(0, I) at points (n, 2), in nats."""
    return -0.5 * (z**2).sum(-1) - torch.log(torch.tensor(2 * torch.pi))
