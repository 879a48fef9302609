"""What every style of drawing is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import numpy.typing as npt
from torch import Tensor

from flowgif.drawing.colours import Look, Palette
from flowgif.drawing.placing import DrawnRun
from flowgif.drawing.trajectories import Motion, Refinement
from flowgif.timeline import Moment

if TYPE_CHECKING:
    from flowgif.drawing.styles.points import PointsStyle

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
        remarks: what the user should know about the result, a sentence each.
        default_side: the longer side of a frame where the user gives no size, pixels.
        is_particle_style: whether its frames show single particles, so that a page can show the same ones.
    """

    default_side: ClassVar[int] = 480
    is_particle_style: ClassVar[bool] = False

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
    def frames(self, motion: Motion, moments: Sequence[Moment]) -> Iterator[Frame]:
        """Yields a frame of palette indices for each moment, in the order in which they are shown."""

    def as_points(self) -> PointsStyle:
        """Returns the style that shows these runs as single particles: itself if it does, else points in its look."""
        from flowgif.drawing.styles.points import PointsStyle  # it is a Style, so its module imports this one

        return PointsStyle(self.runs, self.look)


def to_levels(ink: Field, levels: int) -> Frame:
    """Ink from 0 to 1, and what is beyond, as one of so many levels."""
    return (np.clip(ink, 0, 1) * (levels - 1) + 0.5).astype(np.uint8)
