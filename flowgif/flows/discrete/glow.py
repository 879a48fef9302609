"""Glow in the plane (Kingma & Dhariwal 2018, arXiv:1807.03039): ActNorm, an invertible linear map, affine coupling."""

from __future__ import annotations

import math
from functools import partial

import torch

from flowgif.config.models import GlowConfig
from flowgif.flows.discrete.actnorm import ActNorm
from flowgif.flows.discrete.chain import Chain, DiscreteFlow
from flowgif.flows.discrete.conditioner import Conditioner
from flowgif.flows.discrete.coupling import AffineCoupling, bounded_scale_and_shift
from flowgif.flows.discrete.linear import Linear

__all__ = ["glow"]


def glow(config: GlowConfig, generator: torch.Generator) -> DiscreteFlow:
    """Makes an untrained flow of steps with three sublayers, which move one after another: coupling, W, ActNorm.

    (This is the order from the base to the data.) Before training W is a quarter turn. All couplings move their second
    coordinate, so they move the picture's x and y by turns.
    """
    turn = torch.tensor([[0.0, -math.pi / 2], [math.pi / 2, 0.0]])

    # After an odd number of quarter turns a step's first coordinate is the picture's second.
    axes = [(config.layers - i) % 2 for i in range(config.layers)]
    values = partial(bounded_scale_and_shift, bound=config.scale_bound)
    networks = Conditioner(axes, 2, 1, values, config, generator)

    def step(number: int) -> Chain:
        coupling = AffineCoupling(1, networks.part(number))
        return Chain([coupling, Linear(turn.clone()), ActNorm(config.scale_bound)])

    return DiscreteFlow([step(i) for i in range(config.layers)], networks)
