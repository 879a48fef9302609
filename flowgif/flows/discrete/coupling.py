"""Coupling layers: a monotone map moves one coordinate; its parameters depend on the other, which stays.

(Dinh et al. 2017, arXiv:1605.08803, section 3.) In the plane the two halves of a checkerboard mask are the two
coordinates.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, cast

import torch
from torch import Tensor
from torch.autograd.function import FunctionCtx

from flowgif.config.models import AffineConfig
from flowgif.flows.base import Mapped
from flowgif.flows.discrete.chain import Layer, log_slope_part_way, part_way
from flowgif.flows.discrete.conditioner import Conditioner
from flowgif.flows.discrete.interpolation import Places, gradients, interpolate, places, read

__all__ = ["AffineCoupling", "Coupling", "affine_networks", "bounded_scale_and_shift"]


def _split(points: Tensor, moved: int) -> tuple[Tensor, Tensor]:
    """Returns the kept and the moved coordinate, (n,) each, of points (n, 2)."""
    x, y = points.unbind(1)
    return (x, y) if moved else (y, x)


def _joined(kept: Tensor, image: Tensor, moved: int) -> Tensor:
    """Returns points (..., n, 2) of which the kept and the moved coordinate (..., n) are given."""
    # Both coordinates stay contiguous, so that the next layer's operations are fast.
    return torch.stack((kept, image) if moved else (image, kept), -2).mT


class Coupling(Layer):
    """The base class of couplings, which move one coordinate by a fraction of its way.

    A new coupling derives from this class and implements :meth:`forward_map` and :meth:`inverse_map`.

    Args:
        moved: the coordinate that moves, 0 for x, 1 for y.
    """

    def __init__(self, moved: int) -> None:
        super().__init__()
        self.moved = moved

    def path(self, z: Tensor, fractions: Tensor) -> Mapped:
        kept, start = _split(z, self.moved)
        end, log_slope = self.forward_map(kept, start)
        image, ladj = part_way(start, end, log_slope, fractions[:, None])
        return Mapped(_joined(kept.expand_as(image), image, self.moved), ladj)

    def inverse_at(self, x: Tensor, fraction: float = 1.0) -> Mapped:
        kept, end = _split(x, self.moved)
        image, ladj = self.inverse_map(kept, end, fraction)
        return Mapped(_joined(kept, image, self.moved), ladj)

    @abstractmethod
    def forward_map(self, kept: Tensor, z: Tensor) -> tuple[Tensor, Tensor]:
        """Maps the moved coordinate from the base's side to the data's side.

        Args:
            kept: the other coordinate, (n,).
            z: the moved coordinate on the base's side, (n,).

        Returns:
            x (n,) and log dx/dz (n,).
        """

    @abstractmethod
    def inverse_map(self, kept: Tensor, x: Tensor, fraction: float) -> tuple[Tensor, Tensor]:
        """Maps the moved coordinate back from a fraction of the way to the base's side.

        Args:
            kept: the other coordinate, (n,).
            x: the moved coordinate at the fraction of the way, (n,).
            fraction: within [0, 1].

        Returns:
            z (n,) and log dz/dx (n,).
        """


class _Inverse(torch.autograd.Function):
    """Computes z = (x - b) exp(-a) of the moved coordinate, and -a; a and b are interpolated at the kept coordinate.

    Splitting and joining the coordinates here saves a third of the time.
    """

    @staticmethod
    def forward(ctx: FunctionCtx, points: Tensor, coefficients: Tensor, moved: int) -> tuple[Tensor, Tensor]:
        kept, x = _split(points, moved)
        where = places(kept)
        values, derivative = read(coefficients, where.cell, where.offset)
        log_scale, shift = values.unbind()
        ladj = log_scale[0].neg()
        shrink = ladj.exp()
        z = (x - shift[0]).mul_(shrink)
        ctx.save_for_backward(z, shrink, derivative, *where)
        ctx.columns, ctx.moved = coefficients.shape[2], moved  # pyright: ignore[reportAttributeAccessIssue]
        return _joined(kept, z, moved), ladj

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        z, shrink, derivative, *rest = ctx.saved_tensors
        to_points, to_ladj = grads
        to_kept, to_z = _split(to_points, ctx.moved)
        where, to_x = Places(*rest), to_z * shrink
        to_values = torch.stack((torch.addcmul(to_ladj, to_z, z), to_x)).neg_()[:, None]
        through_values, to_coefficients = gradients(to_values, derivative, where.cell, where, ctx.columns)
        return _joined(to_kept + through_values, to_x, ctx.moved), to_coefficients, None


class AffineCoupling(Coupling):
    """x = z exp(a) + b with a and b functions of the other coordinate (Dinh et al. 2017, eq. 7 and 8).

    At a fraction s of the way the layer is an affine coupling too, with the scale 1 - s + s exp(a) and the shift s b.

    Args:
        moved: the coordinate that moves, 0 for x, 1 for y.
        coefficients: returns the polynomials of a and b on each cell of the networks' grid, (3, 2, CELLS); see
            :func:`bounded_scale_and_shift`.
    """

    def __init__(self, moved: int, coefficients: Callable[[], Tensor]) -> None:
        super().__init__(moved)
        self.coefficients = coefficients

    def inverse_at(self, x: Tensor, fraction: float = 1.0) -> Mapped:
        if fraction < 1:
            return super().inverse_at(x, fraction)
        return Mapped(*cast(tuple[Tensor, Tensor], _Inverse.apply(x, self.coefficients(), self.moved)))

    def forward_map(self, kept: Tensor, z: Tensor) -> tuple[Tensor, Tensor]:
        log_scale, shift = interpolate(kept, self.coefficients(), places(kept))[:, 0]
        return z * log_scale.exp() + shift, log_scale

    def inverse_map(self, kept: Tensor, x: Tensor, fraction: float) -> tuple[Tensor, Tensor]:
        log_scale, shift = interpolate(kept, self.coefficients(), places(kept))[:, 0]
        log_scale, shift = log_slope_part_way(log_scale, fraction), fraction * shift
        return (x - shift) * (-log_scale).exp(), -log_scale


def bounded_scale_and_shift(outputs: Tensor, bound: float) -> Tensor:
    """Maps the networks' outputs for affine couplings to a and b.

    Args:
        outputs: of one network or of two for each coupling, (couplings, 1, nodes, 2) or (couplings, 2, nodes, 1).
        bound: the bound of |a|, enforced by a tanh.

    Returns:
        (couplings, 2, nodes).
    """
    scale, shift = outputs.mT.flatten(1, 2).unbind(1)
    return torch.stack((bound * torch.tanh(scale / bound), shift), 1)


def affine_networks(axes: Sequence[int], config: AffineConfig, generator: torch.Generator) -> Conditioner:
    """Makes the networks of affine couplings that keep the given axes."""
    networks, outputs = (2, 1) if config.two_networks else (1, 2)
    values = partial(bounded_scale_and_shift, bound=config.scale_bound)
    return Conditioner(axes, networks, outputs, values, config, generator)
