"""The contracts of training: the interface of a target and the base class of objectives."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Protocol

import torch
from torch import Tensor

__all__ = ["Objective", "PathPoint", "Target"]


class PathPoint(Protocol):
    """The probability path at some points and times."""

    @property
    def velocity(self) -> Tensor:
        """u_t(x), (n, 2), data units per unit of time."""
        ...


class Target(Protocol):
    """A density that can be sampled and has a known velocity field from N(0, I) to it."""

    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        """Draws n independent points, (n, 2) float32, data units."""
        ...

    def from_uniform(self, u: Tensor) -> Tensor:
        """Maps points u (n, 3) of the unit cube to draws of the target, (n, 2)."""
        ...

    def closed_form(self, x: Tensor, time: Tensor) -> PathPoint:
        """Computes the probability path at points x (n, 2) and times (n,)."""
        ...


class Objective(ABC):
    """A loss over random batches. Its random state can be saved.

    A new objective derives from this class, implements its three abstract methods, and is one row of
    ``flowgif.training.objectives.OBJECTIVES``.
    """

    @abstractmethod
    def loss(self) -> Tensor:
        """Computes the loss of the next batch, ()."""

    @abstractmethod
    def state(self) -> dict[str, Tensor]:
        """Returns the state that :meth:`restore` needs to continue with the next batch."""

    @abstractmethod
    def restore(self, state: dict[str, Tensor]) -> None:
        """Restores the state returned by :meth:`state`.

        Raises:
            ValueError, RuntimeError: there is no such state.
        """

    def close(self) -> None:  # noqa: B027 (most draw nothing in the background)
        """Ends what draws in the background, if anything does; there are no more batches."""

    def longest(self) -> dict[str, int]:
        """Returns the names of tensors of the state whose length may differ, each with its largest; by default none."""
        return {}
