"""Networks that compute a coupling's parameters from the coordinate that it keeps."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn

from flowgif import names
from flowgif.config.models import ConditionerConfig
from flowgif.flows.networks import frequencies_of, initialise_uniformly
from flowgif.names import Table

__all__ = ["ACTIVATIONS", "Conditioner"]

ACTIVATIONS: Table[Callable[[], nn.Module]] = Table(
    names.ACTIVATIONS, {"silu": nn.SiLU, "relu": partial(nn.ReLU, inplace=True), "tanh": nn.Tanh}
)


class Conditioner(nn.Module):
    """Networks whose only input is a coordinate: Fourier features (Tancik et al. 2020, arXiv:2006.10739), dense layers.

    Each network has separate weights, but all are computed together: for networks this small that halves the work.

    Args:
        networks: the number of networks.
        outputs: the number of outputs of each network for each point.
        config: the networks' size, and the features' frequency for a target as wide as high.
        axis: the input's axis, 0 for x and 1 for y; the frequency depends on it in a wide picture.
        generator: draws frequencies and weights.
    """

    frequencies: Tensor

    def __init__(
        self, networks: int, outputs: int, config: ConditionerConfig, axis: int, generator: torch.Generator
    ) -> None:
        super().__init__()
        frequency = frequencies_of(config.frequency, config.aspect)[axis]
        self.register_buffer("frequencies", frequency * torch.randn(config.features, generator=generator))
        sizes = [1 + 2 * config.features] + [config.width] * config.depth
        layers: list[nn.Module] = []
        for inputs, width in itertools.pairwise(sizes):
            layer = _Dense(networks, inputs, width)
            initialise_uniformly(layer, generator)
            layers += [layer, ACTIVATIONS.find(config.activation)()]
        self.hidden = nn.Sequential(*layers)
        # Before training all outputs are zero, so a coupling is the identity.
        self.last = _Dense(networks, config.width, outputs)

    def forward(self, kept: Tensor) -> Tensor:
        """Computes all networks' outputs, (networks, n, outputs), for the kept coordinate (n,)."""
        inputs = kept[:, None]
        if len(self.frequencies):
            phase = inputs * self.frequencies
            inputs = torch.cat((inputs, phase.sin(), phase.cos()), 1)
        return self.last(self.hidden(inputs))


class _Dense(nn.Module):
    """A dense layer of several networks at once; its weights are zero before training.

    Args:
        networks: the number of networks.
        inputs, outputs: the number of inputs and outputs of each network.
    """

    def __init__(self, networks: int, inputs: int, outputs: int) -> None:
        super().__init__()
        # The networks' matrices are stacked into one, for optimisers that work on matrices.
        self.weight = nn.Parameter(torch.zeros(networks * outputs, inputs))
        self.bias = nn.Parameter(torch.zeros(networks * outputs))
        self.networks = networks

    def forward(self, x: Tensor) -> Tensor:
        """Computes (networks, n, outputs) for x (networks, n, inputs), or (n, inputs) if all share their inputs."""
        bias, weight = (p.view(self.networks, -1, p.shape[-1]) for p in (self.bias[:, None], self.weight))
        return torch.baddbmm(bias.mT, x.expand(self.networks, -1, -1), weight.mT)
