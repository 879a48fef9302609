"""Discrete flows: layers that are applied one after another, with exact densities between them.

Layer i of T moves while time goes from (i - 1) / T to i / T. At a fraction s of its way the layer is
still invertible and its log-determinant is known, so the density is exact at every time, not only after whole layers.

A new discrete flow is a function that puts layers together into a :class:`DiscreteFlow`; it is one row of
``flowgif.flows.build.BUILDERS``. A new kind of layer derives from :class:`Layer` and implements :meth:`Layer.path` and
:meth:`Layer.inverse_at`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor, nn

from flowgif.flows.base import Flow, Mapped
from flowgif.flows.discrete.conditioner import Conditioner
from flowgif.flows.networks import ListOf
from flowgif.flows.points import for_any_points

__all__ = ["Chain", "DiscreteFlow", "Layer", "log_slope_part_way", "part_way"]


class Layer(nn.Module, ABC):
    """An invertible map of the plane that can be applied by a fraction; at fraction 0 it is the identity."""

    @abstractmethod
    def path(self, z: Tensor, fractions: Tensor) -> Mapped:
        """Carries points from the base's side towards the data's side, by each fraction of the way.

        Args:
            z: (n, 2).
            fractions: (k,), ascending, within [0, 1].

        Returns:
            point (k, n, 2) and ladj (k, n).
        """

    @abstractmethod
    def inverse_at(self, x: Tensor, fraction: float = 1.0) -> Mapped:
        """Carries points x (n, 2) at a fraction of the way back to the base's side."""

    def velocity(self, x: Tensor, fraction: float) -> Tensor:
        """Computes dx/ds, (n, 2), at points x (n, 2) at the fraction s of the way; by default for straight paths."""
        start = self.inverse_at(x, fraction).point
        return self.path(start, start.new_ones(1)).point[0] - start

    def initialise(self, x: Tensor) -> None:
        """Initialises the layer by data, before the first step of training; by default does nothing.

        Args:
            x: the first batch, carried back to the layer's data side, (n, 2).
        """


def log_slope_part_way(log_slope: Tensor, fraction: float | Tensor) -> Tensor:
    """Computes log(1 - s + s exp(a)), the log-slope at a fraction s of the way of a map with log-slope a.

    Args:
        log_slope: a.
        fraction: s, within [0, 1], of a shape that broadcasts against ``log_slope``.
    """
    return torch.log1p(fraction * torch.expm1(log_slope))


def part_way(start: Tensor, end: Tensor, log_slope: Tensor, fractions: Tensor) -> tuple[Tensor, Tensor]:
    """Interpolates linearly, (1 - s) z + s f(z), between a coordinate and its image under an increasing f.

    The result increases in z too: its slope is 1 - s + s f'(z) > 0.

    Args:
        start, end: z and f(z), of one shape.
        log_slope: log f'(z), of the same shape.
        fractions: s, of a shape that broadcasts against ``log_slope``.

    Returns:
        The images and the logarithms of their slopes.
    """
    whole = fractions == 1
    # At s = 1 the formula would round a very small slope to 0, and its gradient would be NaN.
    between = log_slope_part_way(torch.where(whole, 0.0, log_slope), fractions)
    return torch.lerp(start, end, fractions), torch.where(whole, log_slope, between)


class Chain(Layer):
    """A layer made of layers, which move one after another.

    Args:
        layers: the layers in order from the base to the data.
    """

    def __init__(self, layers: Sequence[Layer]) -> None:
        super().__init__()
        self.layers = ListOf[Layer](layers)

    def path(self, z: Tensor, fractions: Tensor) -> Mapped:
        done = [self._done(fraction) for fraction in fractions.tolist()]
        ladj = z.new_zeros(len(z))
        points, ladjs = [z] * len(done), [ladj] * len(done)
        for i, layer in enumerate(self.layers):
            indices_in_layer = [k for k, stop in enumerate(done) if i < stop <= i + 1]
            further = any(stop > i + 1 for stop in done)
            stops = [done[k] - i for k in indices_in_layer] + [1.0] * further
            if not stops:
                break
            moved = layer.path(z, z.new_tensor(stops))
            for j, k in enumerate(indices_in_layer):
                points[k], ladjs[k] = moved.point[j], ladj + moved.ladj[j]
            if further:
                z, ladj = moved.point[-1], ladj + moved.ladj[-1]
        return Mapped(torch.stack(points), torch.stack(ladjs))

    def inverse_at(self, x: Tensor, fraction: float = 1.0) -> Mapped:
        ladj, done = x.new_zeros(len(x)), self._done(fraction)
        for i, layer in reversed(list(enumerate(self.layers))):
            if i < done:
                x, more = layer.inverse_at(x, min(1.0, done - i))
                ladj = ladj + more
        return Mapped(x, ladj)

    def velocity(self, x: Tensor, fraction: float) -> Tensor:
        done = self._done(fraction)
        moving = min(int(done), len(self.layers) - 1)
        return len(self.layers) * list(self.layers)[moving].velocity(x, done - moving)

    def initialise(self, x: Tensor) -> None:
        for layer in reversed(list(self.layers)):
            layer.initialise(x)
            x = layer.inverse_at(x).point

    def _done(self, fraction: float) -> float:
        """Returns the number of layers that have moved; a number within rounding of an integer becomes that integer."""
        count = len(self.layers)
        done = fraction * count
        # The rounding error of a float32 fraction such as 1/3, up to 6e-8, is multiplied by the number of layers.
        return float(round(done)) if abs(done - round(done)) < max(1e-6, 1e-7 * count) else done


class DiscreteFlow(Flow):
    """A flow of T layers; layer i ends at time i / T.

    Args:
        layers: the layers in order from the base to the data.
        networks: the networks of the couplings among the layers, if there are any.
    """

    evaluated = "layers"
    default_easing = "linear"
    starts_at_base = True
    training_threads = 1  # there are many operations, and each is too small for several threads

    def __init__(self, layers: Sequence[Layer], networks: Conditioner | None = None) -> None:
        super().__init__()
        self.networks = networks
        self.chain = Chain(layers)
        self.layers = self.evaluations = len(layers)

    def layer_ends(self) -> tuple[float, ...]:
        return tuple((i + 1) / self.layers for i in range(self.layers))

    def time_name(self, time: float) -> str:
        done = time * self.layers
        # A caption has no decimal only at the end of a layer.
        return f"layer {round(done)}" if abs(done - round(done)) < 1e-6 else f"layer {done:.1f}"

    @for_any_points
    def to_base(self, x: Tensor, time: float = 1.0) -> Mapped:
        with self._evaluated_once():
            return self.chain.inverse_at(x, time)

    @for_any_points
    def path(self, z: Tensor, times: Tensor) -> Mapped:
        with self._evaluated_once():
            return self.chain.path(z, times)

    @for_any_points
    def velocity(self, x: Tensor, time: Tensor) -> Tensor:
        with self._evaluated_once():
            return self.chain.velocity(x, float(time))

    def initialise(self, x: Tensor) -> None:
        with torch.no_grad(), self._evaluated_once():
            self.chain.initialise(x)

    def _evaluated_once(self) -> AbstractContextManager[None]:
        return nullcontext() if self.networks is None else self.networks.evaluated_once()
