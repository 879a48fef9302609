"""The table of optimisers. A new optimiser is one row."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn

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

    Muon's learning rate is four times Adam's. Tables have a higher rate, and a shorter memory of the gradients'
    squares, because a step changes only the rows that its points read.
    """
    tables: list[Tensor] = [module.weight for module in flow.modules() if isinstance(module, nn.Embedding)]
    table_ids = {id(table) for table in tables}
    others = [p for p in flow.parameters() if id(p) not in table_ids]
    matrices = [p for p in others if p.ndim == 2 and min(p.shape) > 2]
    rest = [p for p in others if p.ndim != 2 or min(p.shape) <= 2]
    optimisers: list[Optimiser] = []
    if matrices:  # there are none, for example, in a network with a single hidden layer
        optimisers.append(Muon(matrices, lr))
    optimisers.append(Adam(rest, lr / 4))
    if tables:
        optimisers.append(Adam(tables, 2.5 * lr, betas=(0.9, 0.95)))
    return optimisers


OPTIMISERS: Table[Builder] = Table(names.OPTIMISERS, {"adam": build_adam, "muon": build_muon})
