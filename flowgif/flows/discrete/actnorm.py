"""ActNorm, the normalisation of Glow (Kingma & Dhariwal 2018, arXiv:1807.03039)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from flowgif.flows.base import Mapped
from flowgif.flows.discrete.chain import Layer, log_slope_part_way, part_way

__all__ = ["ActNorm"]


class ActNorm(Layer):
    """x = z exp(a) + b per axis. The first batch sets a and b so that z has mean 0 and variance 1 (section 3.1).

    At a fraction of the way the layer is interpolated linearly, as an affine coupling is.

    Args:
        bound: the bound of |a|, enforced by a tanh.
    """

    initialised: Tensor

    def __init__(self, bound: float) -> None:
        super().__init__()
        self.bound = bound
        self.log_scale = nn.Parameter(torch.zeros(2))
        self.shift = nn.Parameter(torch.zeros(2))
        # The flag is stored with the weights, so that a resumed training does not initialise again.
        self.register_buffer("initialised", torch.tensor(0.0))

    def initialise(self, x: Tensor) -> None:
        if self.initialised:
            return
        share = (x.std(0).log() / self.bound).clamp(-0.99, 0.99)
        self.log_scale.copy_(self.bound * share.atanh())
        self.shift.copy_(x.mean(0))
        self.initialised.fill_(1.0)

    def path(self, z: Tensor, fractions: Tensor) -> Mapped:
        log_scale = self._log_scale().expand_as(z)
        point, log_slope = part_way(z, z * log_scale.exp() + self.shift, log_scale, fractions[:, None, None])
        return Mapped(point, log_slope.sum(-1))

    def inverse_at(self, x: Tensor, fraction: float = 1.0) -> Mapped:
        log_scale = self._log_scale()
        if fraction < 1:
            log_scale = log_slope_part_way(log_scale, fraction)
        return Mapped((x - fraction * self.shift) * (-log_scale).exp(), -log_scale.sum().expand(len(x)))

    def _log_scale(self) -> Tensor:
        """Returns a, (2,)."""
        return self.bound * torch.tanh(self.log_scale / self.bound)
