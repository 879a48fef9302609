"""The contract of every flow, the base N(0, I), and what follows from both.

Time runs from 0 (the base) to 1 (the data).
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import NamedTuple

import torch
from torch import Tensor, nn

__all__ = ["Flow", "Mapped", "base_log_prob"]


class Mapped(NamedTuple):
    """Points carried by a flow.

    Attributes:
        point: (..., n, 2), data units.
        ladj: (..., n), log |det d(point) / d(argument)|.
    """

    point: Tensor
    ladj: Tensor


def base_log_prob(z: Tensor) -> Tensor:
    """log N(z; 0, I) in nats, shape (n,), for z of shape (n, 2)."""
    return -0.5 * z.square().sum(-1) - math.log(2 * math.pi)


class Flow(nn.Module, ABC):
    """An invertible map between N(0, I) and a density, with every time between."""

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

    def trajectory(self, z: Tensor, times: Tensor) -> Tensor:
        """The points of :meth:`path` alone, (k, n, 2); a flow overrides it where that is cheaper."""
        return self.path(z, times).point

    def from_base(self, z: Tensor, time: float = 1.0) -> Mapped:
        """Carries base points z (n, 2) to ``time``; the inverse of :meth:`to_base`."""
        mapped = self.path(z, torch.tensor([time], dtype=z.dtype))
        return Mapped(mapped.point[0], mapped.ladj[0])

    def log_prob(self, x: Tensor, time: float = 1.0) -> Tensor:
        """log q_time(x) in nats, shape (n,): the change of variables, log N(z) + log |det dz/dx|."""
        z, ladj = self.to_base(x, time)
        return base_log_prob(z) + ladj

    def sample(self, n: int, generator: torch.Generator, time: float = 1.0) -> Tensor:
        """n independent draws of the density at ``time``, (n, 2)."""
        like = next(self.parameters())
        z = torch.randn(n, 2, generator=generator, device=generator.device)
        return self.from_base(z.to(like), time).point
