"""Coupling layers: a monotone map moves one coordinate; its parameters depend on the other, which stays.

(Dinh et al. 2017, arXiv:1605.08803, section 3.) In the plane the two halves of a checkerboard mask are the two
coordinates.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable

import torch
from torch import Tensor

from flowgif.flows.base import Mapped
from flowgif.flows.discrete.chain import Layer, log_slope_part_way, part_way

__all__ = ["AffineCoupling", "Coupling", "bounded_scale_and_shift"]


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
        kept, start = z[:, 1 - self.moved], z[:, self.moved]
        end, log_slope = self.forward_map(kept, start)
        image, ladj = part_way(start, end, log_slope, fractions[:, None])
        return Mapped(self._joined(kept.expand_as(image), image), ladj)

    def inverse_at(self, x: Tensor, fraction: float = 1.0) -> Mapped:
        kept, end = x[:, 1 - self.moved], x[:, self.moved]
        image, ladj = self.inverse_map(kept, end, fraction)
        return Mapped(self._joined(kept, image), ladj)

    def _joined(self, kept: Tensor, moved: Tensor) -> Tensor:
        return torch.stack((kept, moved) if self.moved else (moved, kept), -1)

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


class AffineCoupling(Coupling):
    """x = z exp(a) + b with a and b functions of the other coordinate (Dinh et al. 2017, eq. 7 and 8).

    At a fraction s of the way the layer is an affine coupling too, with the scale 1 - s + s exp(a) and the shift s b.

    Args:
        moved: the coordinate that moves, 0 for x, 1 for y.
        scale_and_shift: computes a and b, (2, n), from the other coordinate (n,).
    """

    def __init__(self, moved: int, scale_and_shift: Callable[[Tensor], Tensor]) -> None:
        super().__init__(moved)
        self.scale_and_shift = scale_and_shift

    def forward_map(self, kept: Tensor, z: Tensor) -> tuple[Tensor, Tensor]:
        log_scale, shift = self.scale_and_shift(kept)
        return z * log_scale.exp() + shift, log_scale

    def inverse_map(self, kept: Tensor, x: Tensor, fraction: float) -> tuple[Tensor, Tensor]:
        log_scale, shift = self.scale_and_shift(kept)
        if fraction < 1:
            log_scale, shift = log_slope_part_way(log_scale, fraction), fraction * shift
        return (x - shift) * (-log_scale).exp(), -log_scale


def bounded_scale_and_shift(outputs: Tensor, bound: float) -> Tensor:
    """Maps the outputs of two networks for each affine coupling to a and b.

    Args:
        outputs: (couplings, 2, nodes, 1).
        bound: the bound of |a|, enforced by a tanh.

    Returns:
        (couplings, 2, nodes).
    """
    scale, shift = outputs[..., 0].unbind(1)
    return torch.stack((bound * torch.tanh(scale / bound), shift), 1)
