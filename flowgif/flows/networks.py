"""Functions that the networks of all flows share: initial weights and the frequencies of Fourier features."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Generic, TypeVar, cast

import torch
from torch import nn

__all__ = ["ListOf", "frequencies_of", "initialise_uniformly"]

Kind = TypeVar("Kind", bound=nn.Module)


class ListOf(nn.ModuleList, Generic[Kind]):
    """A list of modules of one class. Iteration over it has this class as its static type."""

    def __iter__(self) -> Iterator[Kind]:
        return cast(Iterator[Kind], super().__iter__())


def initialise_uniformly(layer: nn.Module, generator: torch.Generator) -> None:
    """Draws the weights of a dense layer, and its biases, from [-1 / sqrt(inputs), 1 / sqrt(inputs)].

    Args:
        layer: the layer; its first parameter is the weight matrix, (outputs, inputs).
        generator: draws the weights and biases.
    """
    bound = 1 / math.sqrt(next(layer.parameters()).shape[1])
    for parameter in layer.parameters():
        nn.init.uniform_(parameter, -bound, bound, generator=generator)


def frequencies_of(frequency: float, aspect: float | None) -> tuple[float, float]:
    """Returns the frequencies along x and y that are equally high in pixels of the picture.

    Each axis of the data has variance 1, so details of a wide picture are smaller along x than along y in data units.

    Args:
        frequency: the frequency for a target as wide as high, radians per data unit.
        aspect: how much smaller details are along x than along y, in data units; None for 1.

    Returns:
        The frequencies along x and y, radians per data unit.
    """
    stretch = math.sqrt(aspect or 1.0)
    return frequency * stretch, frequency / stretch
