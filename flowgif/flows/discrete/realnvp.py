"""RealNVP (Dinh et al. 2017, arXiv:1605.08803)."""

from __future__ import annotations

import torch

from flowgif.config.models import RealNVPConfig
from flowgif.flows.discrete.chain import DiscreteFlow
from flowgif.flows.discrete.coupling import AffineCoupling, affine_networks

__all__ = ["realnvp"]


def realnvp(config: RealNVPConfig, generator: torch.Generator) -> DiscreteFlow:
    """Makes an untrained flow of affine couplings that move y and x by turns."""
    moved = [(i + 1) % 2 for i in range(config.layers)]
    networks = affine_networks([1 - axis for axis in moved], config, generator)
    return DiscreteFlow([AffineCoupling(axis, networks.part(i).coefficients) for i, axis in enumerate(moved)], networks)
