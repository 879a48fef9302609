"""What every style of drawing is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
from torch import Tensor

from flowgif.drawing.colours import Look, Palette
from flowgif.drawing.trajectories import DrawnRun, Refinement, Trajectories
from flowgif.timeline import Moment

__all__ = ["Field", "Frame", "Style", "to_levels"]

Frame = npt.NDArray[np.uint8]
Field = npt.NDArray[np.float64]


class Style(ABC):
    """A way of drawing.

    Args:
        runs: the runs that are shown.
        look: the colours.

    Attributes:
        palette: of all frames.
        text: palette indices of a text's shades, from the background's to the full one.
        shape: (height, width) of a frame.
        memory: how many frames before a frame show in it.
        remarks: what whoever asked for it should know, a sentence each.
    """

    palette: Palette
    text: Frame
    shape: tuple[int, int]
    memory: int = 0
    remarks: tuple[str, ...] = ()

    def __init__(self, runs: Sequence[DrawnRun], look: Look) -> None:
        self.runs, self.look = runs, look
        self.shape = (runs[0].view.height, runs[0].view.width)

    @abstractmethod
    def base_points(self, n: int | None, seed: int) -> Tensor:
        """Base points, (m, 2), of about the n particles that were asked for, or of as many as suit the style."""

    def refinements(self, n: int | None) -> Sequence[Refinement]:
        """What takes the place of these particles as time goes on; by default they stay."""
        return ()

    @abstractmethod
    def frames(self, motion: Trajectories, moments: Sequence[Moment]) -> Iterator[Frame]:
        """Yields a frame of palette indices for each moment, in the order in which they are shown."""


def to_levels(ink: Field, levels: int) -> Frame:
    """Ink from 0 to 1, and what is beyond, as one of so many levels."""
    return (np.clip(ink, 0, 1) * (levels - 1) + 0.5).astype(np.uint8)
