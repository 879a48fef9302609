"""Recognises photographs, and makes ink of their tone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from flowgif.targets.background import Background, Mask
from flowgif.targets.perceived import Colours, Points, perceived

__all__ = ["Tone", "is_photograph", "tone"]


@dataclass(frozen=True, eq=False)
class Tone:
    """The ink of a photograph.

    Attributes:
        ink: (rows, columns) in [0, 1].
        is_light: whether light parts are the ink.
    """

    ink: Points
    is_light: bool


def is_photograph(colours: Colours, region: Mask, background: Background) -> bool:
    return False


def tone(colours: Colours, region: Mask, light: bool | None) -> Tone:
    level = perceived(colours)[..., 0]
    return Tone(np.where(region, level if light else 1 - level, 0), bool(light))
