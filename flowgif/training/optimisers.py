"""The table of optimisers. A new optimiser is one row."""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

from flowgif import names
from flowgif.names import Table
from flowgif.training.updates import Adam, Muon, Optimiser

__all__ = ["OPTIMISERS", "Builder"]

# Makes the optimisers that together train all parameters of a flow, each parameter by one of them; the number is the
# highest learning rate.
Builder = Callable[[nn.Module, float], list[Optimiser]]


def build_adam(flow: nn.Module, lr: float) -> list[Optimiser]:
    """Makes Adam for all parameters."""
    return [Adam(flow.parameters(), lr)]


def build_muon(flow: nn.Module, lr: float) -> list[Optimiser]:
    """Makes Muon (Jordan et al. 2024) for the matrices between layers, and Adam for the other parameters.

    Muon's learning rate is four times Adam's.
    """
    matrices = [p for p in flow.parameters() if p.ndim == 2 and min(p.shape) > 2]
    taken = {id(p) for p in matrices}
    adam = Adam([p for p in flow.parameters() if id(p) not in taken], lr / 4)
    if not matrices:  # as in a network with a single hidden layer
        return [adam]
    return [Muon(matrices, lr), adam]


OPTIMISERS: Table[Builder] = Table(names.OPTIMISERS, {"adam": build_adam, "muon": build_muon})
