"""Flows whose motion is known, without training."""

from __future__ import annotations

import torch
from torch import Tensor

from flowgif.flows.base import Flow, Mapped


class Shift(Flow):
    """Everything moves by (1, 0.5) data units, at an even speed."""

    def __init__(self) -> None:
        super().__init__()
        self.way = torch.nn.Parameter(torch.tensor([1.0, 0.5]))

    def to_base(self, x: Tensor, time: float = 1.0) -> Mapped:
        return Mapped(x - time * self.way, x.new_zeros(len(x)))

    def path(self, z: Tensor, times: Tensor) -> Mapped:
        return Mapped(z + times.to(z)[:, None, None] * self.way, z.new_zeros(len(times), len(z)))


class ShiftInLayers(Shift):
    """The same motion, called a flow of four layers."""

    default_easing = "linear"

    def layer_ends(self) -> tuple[float, ...]:
        return (0.25, 0.5, 0.75, 1.0)

    def time_name(self, time: float) -> str:
        return f"layer {4 * time:g}"
