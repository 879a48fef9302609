"""RealNVP (Dinh et al. 2017, arXiv:1605.08803)."""

from __future__ import annotations

import torch

from flowgif.config.models import RealNVPConfig
from flowgif.flows.discrete.chain import DiscreteFlow
from flowgif.flows.discrete.conditioner import Conditioner
from flowgif.flows.discrete.coupling import AffineCoupling

__all__ = ["realnvp"]


def realnvp(config: RealNVPConfig, generator: torch.Generator) -> DiscreteFlow:
    """Makes an untrained flow of affine couplings that move y and x by turns, with two networks for each coupling."""

    def layer(moved: int) -> AffineCoupling:
        return AffineCoupling(moved, Conditioner(2, 1, config, 1 - moved, generator), config.scale_bound)

    return DiscreteFlow([layer((i + 1) % 2) for i in range(config.layers)])
