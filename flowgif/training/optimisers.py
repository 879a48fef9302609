"""The table of optimisers. A new optimiser is one row."""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

from flowgif import names
from flowgif.names import Table
from flowgif.training.updates import Adam, Muon, Optimiser

__all__ = ["OPTIMISERS", "Builder"]

# Makes the optimisers of a flow. Together they train all parameters, and each parameter belongs to one of them. The
# number is the peak learning rate.
Builder = Callable[[nn.Module, float], list[Optimiser]]


def build_adam(flow: nn.Module, lr: float) -> list[Optimiser]:
    """Makes Adam for all parameters."""
    return [Adam(flow.parameters(), lr)]


def build_muon(flow: nn.Module, lr: float) -> list[Optimiser]:
    """Makes Muon (Jordan et al. 2024) for the matrices between layers, and Adam for the other parameters.

    Muon's learning rate is four times Adam's.
    """
    matrices = [p for p in flow.parameters() if p.ndim == 2 and min(p.shape) > 2]
    matrix_ids = {id(p) for p in matrices}
    adam = Adam([p for p in flow.parameters() if id(p) not in matrix_ids], lr / 4)
    if not matrices:  # for example, in a network with a single hidden layer
        return [adam]
    return [Muon(matrices, lr), adam]


OPTIMISERS: Table[Builder] = Table(names.OPTIMISERS, {"adam": build_adam, "muon": build_muon})
