"""The velocity network of the FFJORD paper."""

from __future__ import annotations

import itertools
import math

import torch
from torch import Tensor, nn

from flowgif.config.models import FFJORDConfig
from flowgif.flows.continuous.velocity import Derivatives, VelocityField
from flowgif.flows.networks import ListOf, initialise_uniformly

__all__ = ["ConcatSquashNetwork"]


class ConcatSquashNetwork(VelocityField):
    """The velocity network of the FFJORD paper: layers (W x + b) * sigmoid(w t + c) + v t, with tanh between them.

    (Grathwohl et al. 2019, arXiv:1810.01367, section 4 and appendix, where the layers are called concatsquash.) In the
    network the time t runs to an end T that is trained with the weights; for callers it runs to 1.

    Args:
        width, depth: width and number of the hidden layers.
        end_time: T before training.
        generator: draws the weights.
    """

    def __init__(self, width: int, depth: int, end_time: float, generator: torch.Generator) -> None:
        super().__init__()
        sizes = [2] + [width] * depth + [2]
        pairs = list(itertools.pairwise(sizes))
        self.dense = ListOf[nn.Linear](nn.Linear(a, b) for a, b in pairs)
        self.gates = ListOf[nn.Linear](nn.Linear(1, b) for _, b in pairs)
        self.drifts = ListOf[nn.Linear](nn.Linear(1, b, bias=False) for _, b in pairs)
        for layer in (*self.dense, *self.gates, *self.drifts):
            initialise_uniformly(layer, generator)
        self.log_end = nn.Parameter(torch.tensor(math.log(end_time)))

    @classmethod
    def from_config(cls, config: FFJORDConfig, generator: torch.Generator) -> ConcatSquashNetwork:
        """Makes an untrained network from a resolved config."""
        assert config.width is not None
        assert config.depth is not None
        return cls(config.width, config.depth, config.end_time, generator)

    def forward(self, x: Tensor, time: Tensor) -> Tensor:
        return self._evaluate(x, time, x.new_zeros(0, *x.shape)).velocity

    def derivatives(self, x: Tensor, time: Tensor, noise: Tensor | None = None) -> Derivatives:
        if noise is None:
            return self._evaluate(x, time, torch.eye(2, dtype=x.dtype, device=x.device)[:, None].expand(2, *x.shape))
        return self._evaluate(x, time, noise[None])

    def _evaluate(self, x: Tensor, time: Tensor, tangents: Tensor) -> Derivatives:
        """Carries points (n, 2) and tangents (k, n, 2) through the layers together."""
        end = self.log_end.exp()
        t = (end * time)[..., None]
        for i, (dense, gate, drift) in enumerate(zip(self.dense, self.gates, self.drifts, strict=True)):
            if i > 0:
                x = x.tanh()
                tangents = tangents * (1 - x * x)
            open_by = gate(t).sigmoid()
            x = dense(x) * open_by + drift(t)
            tangents = tangents @ dense.weight.T * open_by
        # dx/d(time) = dx/dt * end
        return Derivatives(end * x, end * tangents)
