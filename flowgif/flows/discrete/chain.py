"""Discrete flows: layers one after another, and exact densities between them.

Layer i of T moves while time goes from (i - 1) / T to i / T. A fraction s of its way it is again an invertible layer
with a known log-determinant, so the density is exact at every time and not just after whole layers.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn

from flowgif.flows.base import Flow, Mapped

__all__ = ["Chain", "DiscreteFlow", "Layer", "part_way"]


class Layer(nn.Module, ABC):
    """An invertible map of the plane that can go a fraction of its way; at 0 it is the identity."""

    @abstractmethod
    def path(self, z: Tensor, fractions: Tensor) -> Mapped:
        """From the base's side towards the data's, as far as each fraction.

        Args:
            z: (n, 2).
            fractions: (k,), ascending, within [0, 1].

        Returns:
            point (k, n, 2) and ladj (k, n).
        """

    @abstractmethod
    def inverse_at(self, x: Tensor, fraction: float = 1.0) -> Mapped:
        """From a fraction of the way back to the base's side, for x (n, 2)."""

    def velocity(self, x: Tensor, fraction: float) -> Tensor:
        """dx/ds, (n, 2), at the fraction s of the way; that of a straight line, where nothing else is said."""
        start = self.inverse_at(x, fraction).point
        return self.path(start, start.new_ones(1)).point[0] - start

    def initialise(self, x: Tensor) -> None:
        """Data-dependent initialisation, before the first step of training; by default there is none.

        Args:
            x: (n, 2), what the first batch is on the layer's data side.
        """


def part_way(start: Tensor, end: Tensor, log_slope: Tensor, fractions: Tensor) -> tuple[Tensor, Tensor]:
    """Linear interpolation (1 - s) z + s f(z) between a coordinate and its image under an increasing f.

    It is increasing too: its slope is 1 - s + s f'(z) > 0.

    Args:
        start, end: z and f(z), of one shape.
        log_slope: log f'(z), of the same.
        fractions: s, of a shape that broadcasts against it.

    Returns:
        The images and the logarithms of their slopes.
    """
    whole = fractions == 1
    # At the end, where a slope below rounding would be zero here, its gradient must not become NaN.
    between = torch.log1p(fractions * torch.expm1(torch.where(whole, 0.0, log_slope)))
    return torch.lerp(start, end, fractions), torch.where(whole, log_slope, between)


class Chain(Layer):
    """Layers one after another, which also move one after another.

    Args:
        layers: from the base to the data.
    """

    def __init__(self, layers: Sequence[Layer]) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layers)

    def path(self, z: Tensor, fractions: Tensor) -> Mapped:
        done = [self._done(fraction) for fraction in fractions.tolist()]
        ladj = z.new_zeros(len(z))
        points, ladjs = [z] * len(done), [ladj] * len(done)
        for i, layer in enumerate(self._in_order()):
            here = [k for k, stop in enumerate(done) if i < stop <= i + 1]
            further = any(stop > i + 1 for stop in done)
            stops = [done[k] - i for k in here] + [1.0] * further
            if not stops:
                break
            moved = layer.path(z, z.new_tensor(stops))
            for place, k in enumerate(here):
                points[k], ladjs[k] = moved.point[place], ladj + moved.ladj[place]
            if further:
                z, ladj = moved.point[-1], ladj + moved.ladj[-1]
        return Mapped(torch.stack(points), torch.stack(ladjs))

    def inverse_at(self, x: Tensor, fraction: float = 1.0) -> Mapped:
        ladj, done = x.new_zeros(len(x)), self._done(fraction)
        for i, layer in reversed(list(enumerate(self._in_order()))):
            if i < done:
                x, more = layer.inverse_at(x, min(1.0, done - i))
                ladj = ladj + more
        return Mapped(x, ladj)

    def velocity(self, x: Tensor, fraction: float) -> Tensor:
        done = self._done(fraction)
        moving = min(int(done), len(self.layers) - 1)
        return len(self.layers) * self._in_order()[moving].velocity(x, done - moving)

    def initialise(self, x: Tensor) -> None:
        for layer in reversed(self._in_order()):
            layer.initialise(x)
            x = layer.inverse_at(x).point

    def _in_order(self) -> list[Layer]:
        return cast(list[Layer], list(self.layers))

    def _done(self, fraction: float) -> float:
        """How many layers have moved; what is within rounding of a whole number, as 1/3 is, is that number."""
        count = len(self.layers)
        done = fraction * count
        # A float32's rounding, up to 6e-8 of a fraction, is that of a layer times their number.
        return float(round(done)) if abs(done - round(done)) < max(1e-6, 1e-7 * count) else done


class DiscreteFlow(Flow):
    """A flow of T layers, of which layer i ends at time i / T.

    Args:
        layers: from the base to the data.
    """

    evaluated = "layers"
    default_easing = "linear"
    starts_at_base = True
    training_threads = 1  # the many operations are too small to be worth sharing

    def __init__(self, layers: Sequence[Layer]) -> None:
        super().__init__()
        self.chain = Chain(layers)
        self.layers = self.evaluations = len(layers)

    def layer_ends(self) -> tuple[float, ...]:
        return tuple((i + 1) / self.layers for i in range(self.layers))

    def time_name(self, time: float) -> str:
        done = time * self.layers
        # Only the layer's very end has no decimal: any other number is not yet there, or no longer.
        return f"layer {round(done)}" if abs(done - round(done)) < 1e-6 else f"layer {done:.1f}"

    def to_base(self, x: Tensor, time: float = 1.0) -> Mapped:
        return self.chain.inverse_at(x, time)

    def path(self, z: Tensor, times: Tensor) -> Mapped:
        return self.chain.path(z, times)

    def velocity(self, x: Tensor, time: Tensor) -> Tensor:
        return self.chain.velocity(x, float(time))

    def initialise(self, x: Tensor) -> None:
        with torch.no_grad():
            self.chain.initialise(x)
