"""RealNVP (Dinh et al. 2017, arXiv:1605.08803)."""

from __future__ import annotations

from functools import partial

import torch

from flowgif.config.models import RealNVPConfig
from flowgif.flows.discrete.chain import DiscreteFlow
from flowgif.flows.discrete.conditioner import Conditioner
from flowgif.flows.discrete.coupling import AffineCoupling, bounded_scale_and_shift

__all__ = ["realnvp"]


def realnvp(config: RealNVPConfig, generator: torch.Generator) -> DiscreteFlow:
    """Makes an untrained flow of affine couplings that move y and x by turns, with two networks for each coupling."""

    moved = [(i + 1) % 2 for i in range(config.layers)]
    values = partial(bounded_scale_and_shift, bound=config.scale_bound)
    networks = Conditioner([1 - axis for axis in moved], 2, 1, values, config, generator)
    return DiscreteFlow([AffineCoupling(axis, networks.part(i).coefficients) for i, axis in enumerate(moved)], networks)
