"""Draws evenly spread random points for batches."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["SobolDraws"]

SEEDS, MOST_DRAWN = 1 << 62, 1 << 60
LENGTH = 1 << 22  # points of one scrambling; moving to any position in it takes milliseconds


class SobolDraws:
    """Scrambled Sobol points of the unit cube, drawn batch after batch (Buchholz et al. 2018, arXiv:1807.01604).

    Every point is uniform, so a batch's mean is unbiased. But a batch fills the cube evenly, and the next one fills the
    gaps between its points, so means vary far less from step to step than those of independent points.

    Args:
        dimension: the dimension of the cube.
        generator: draws the seed of the scramblings.
    """

    def __init__(self, dimension: int, generator: torch.Generator) -> None:
        self._dimension = dimension
        self._go_to(int(torch.randint(SEEDS, (), generator=generator)), 0)

    @property
    def drawn(self) -> int:
        """The number of points that were drawn."""
        return self._drawn

    def draw(self, n: int) -> Tensor:
        """Returns the next n points, (n, dimension) float64 in [0, 1)."""
        parts: list[Tensor] = []
        while n:
            part = min(n, LENGTH - self._drawn % LENGTH)
            parts.append(self._engine.draw(part, dtype=torch.float64))
            self._drawn += part
            n -= part
            if self._drawn % LENGTH == 0:
                self._go_to(self._seed, self._drawn)
        return torch.cat(parts)

    def state(self) -> Tensor:
        """Returns the position in the sequence, for :meth:`restore`."""
        return torch.tensor([self._seed, self._drawn])

    def restore(self, state: Tensor) -> None:
        """Restores the state returned by :meth:`state`.

        Raises:
            ValueError: there is no such state.
        """
        seed, drawn = state.tolist()
        if not (0 <= seed < SEEDS and 0 <= drawn < MOST_DRAWN):
            raise ValueError("the position in the sequence of points is out of range")
        self._go_to(seed, drawn)

    def _go_to(self, seed: int, drawn: int) -> None:
        self._seed, self._drawn = seed, drawn
        scrambling, position = divmod(drawn, LENGTH)
        self._engine = torch.quasirandom.SobolEngine(self._dimension, scramble=True, seed=seed + scrambling)
        if position:
            self._engine.fast_forward(position)
