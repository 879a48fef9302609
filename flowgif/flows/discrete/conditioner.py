"""Networks that compute the parameters of a flow's couplings from the coordinates that these keep."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from functools import partial

import torch
from torch import Tensor, nn

from flowgif import names
from flowgif.config.models import ConditionerConfig
from flowgif.flows.discrete import interpolation
from flowgif.flows.networks import frequencies_of, initialise_uniformly
from flowgif.names import Table

__all__ = ["ACTIVATIONS", "Conditioner", "Part"]

ACTIVATIONS: Table[Callable[[], nn.Module]] = Table(
    names.ACTIVATIONS, {"silu": nn.SiLU, "relu": partial(nn.ReLU, inplace=True), "tanh": nn.Tanh}
)

# Maps the networks' outputs at the nodes, (couplings, networks, nodes, outputs), to the values that are interpolated
# between the nodes, (couplings, rows, nodes).
Values = Callable[[Tensor], Tensor]


class Conditioner(nn.Module):
    """The networks of all couplings of a flow: Fourier features (Tancik et al. 2020, arXiv:2006.10739), dense layers.

    A network's only input is a coordinate, so it is evaluated at the nodes of a grid and interpolated between them: see
    ``flowgif.flows.discrete.interpolation``. This costs the same for any number of points. Each network has separate
    weights, but all are computed together, in few and large operations.

    Args:
        axes: each coupling's input axis, 0 for x and 1 for y; the features' frequency depends on it in a wide picture.
        networks: the number of networks of each coupling; they share their Fourier frequencies.
        outputs: the number of outputs of each network.
        values: maps outputs to the values that are interpolated.
        config: the networks' size, and the features' frequency for a target as wide as high.
        generator: draws frequencies and weights.
    """

    frequencies: Tensor

    def __init__(
        self,
        axes: Sequence[int],
        networks: int,
        outputs: int,
        values: Values,
        config: ConditionerConfig,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        self.networks, self.values = networks, values
        frequency = torch.tensor(frequencies_of(config.frequency, config.aspect))[list(axes), None]
        self.register_buffer("frequencies", frequency * torch.randn(len(axes), config.features, generator=generator))
        self.register_buffer("nodes", interpolation.nodes(), persistent=False)
        sizes = [1 + 2 * config.features] + [config.width] * config.depth
        layers: list[nn.Module] = []
        for inputs, width in itertools.pairwise(sizes):
            layer = _Dense(len(axes) * networks, inputs, width)
            initialise_uniformly(layer, generator)
            layers += [layer, ACTIVATIONS.find(config.activation)()]
        self.hidden = nn.Sequential(*layers)
        # Before training all outputs are zero, so a coupling is the identity.
        self.last = _Dense(len(axes) * networks, config.width, outputs)
        self._evaluated: tuple[Tensor, ...] | None = None

    def forward(self, kept: Tensor) -> Tensor:
        """Computes the outputs of all networks, (couplings, networks, n, outputs), at any coordinates (n,)."""
        phase = kept[:, None] * self.frequencies[:, None]
        inputs = torch.cat((kept[:, None].expand(*phase.shape[:2], 1), phase.sin(), phase.cos()), 2)
        outputs: Tensor = self.last(self.hidden(inputs.repeat_interleave(self.networks, 0)))
        return outputs.unflatten(0, (-1, self.networks))

    def coefficients(self) -> tuple[Tensor, ...]:
        """Computes for each coupling the polynomials of its values on each cell, (3, rows, CELLS)."""
        if self._evaluated is not None:
            return self._evaluated
        return interpolation.polynomials(self.values(self(self.nodes))).unbind(1)

    @contextmanager
    def evaluated_once(self) -> Generator[None]:
        """Evaluates the networks once for all couplings that are computed within a with-block."""
        before = self._evaluated
        self._evaluated = self.coefficients()
        try:
            yield
        finally:
            self._evaluated = before

    def part(self, coupling: int) -> Part:
        """Returns the networks of one coupling."""
        return Part(self, coupling)


class Part:
    """The networks of one coupling. The weights belong to the conditioner, which is a module of the flow.

    Args:
        conditioner: the networks of all couplings.
        coupling: the coupling's number.
    """

    def __init__(self, conditioner: Conditioner, coupling: int) -> None:
        self._conditioner, self._coupling = conditioner, coupling

    def coefficients(self) -> Tensor:
        """Returns the polynomials of the coupling's values on each cell, (3, rows, CELLS)."""
        return self._conditioner.coefficients()[self._coupling]

    def __call__(self, kept: Tensor) -> Tensor:
        """Computes the coupling's values, (rows, n), at the kept coordinate (n,)."""
        return interpolation.interpolate(kept, self.coefficients(), interpolation.places(kept))[:, 0]


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
        """Computes (networks, n, outputs) for x (networks, n, inputs)."""
        bias, weight = (p.view(self.networks, -1, p.shape[-1]) for p in (self.bias[:, None], self.weight))
        return torch.baddbmm(bias.mT, x, weight.mT)
