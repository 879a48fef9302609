"""RealNVP (Dinh et al. 2017, arXiv:1605.08803) and its spline successor (Durkan et al. 2019, arXiv:1906.04032)."""

from __future__ import annotations

import torch

from flowgif.config.schema import RealNVPConfig, SplineConfig
from flowgif.flows.discrete.chain import DiscreteFlow
from flowgif.flows.discrete.coupling import AffineCoupling, Conditioner, SplineCoupling

__all__ = ["realnvp", "spline_flow"]


def realnvp(config: RealNVPConfig, generator: torch.Generator) -> DiscreteFlow:
    """Affine couplings that move y and x by turns (alternating masks), each with two networks of its own."""

    def layer(moved: int) -> AffineCoupling:
        return AffineCoupling(moved, Conditioner(2, 1, config, 1 - moved, generator), config.scale_bound)

    return DiscreteFlow([layer((i + 1) % 2) for i in range(config.layers)])


def spline_flow(config: SplineConfig, generator: torch.Generator) -> DiscreteFlow:
    """Rational-quadratic couplings that move y and x by turns."""

    def layer(moved: int) -> SplineCoupling:
        network = Conditioner(1, 3 * config.bins - 1, config, 1 - moved, generator)
        return SplineCoupling(moved, network, config.bins, config.bound)

    return DiscreteFlow([layer((i + 1) % 2) for i in range(config.layers)])
