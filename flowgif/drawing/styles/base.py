"""The base class of all styles.

To create a new style, derive from :class:`Style`, set ``palette`` and ``text``, implement ``base_points`` and
``frames``, and add a row to ``STYLES`` in ``table.py``; ``points.py`` is an example.
"""

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

__all__ = ["Array", "Frame", "Style", "to_levels"]

Frame = npt.NDArray[np.uint8]
"""Palette indices, (height, width)."""

Array = npt.NDArray[np.floating]


class Style(ABC):
    """Draws particles at each moment as a frame of palette indices.

    Args:
        runs: the runs that are shown.
        look: the colours.

    Attributes:
        palette: the palette of all frames.
        text: palette indices of a text's shades, from the background to the full shade.
        shape: (height, width) of a frame.
        memory: number of earlier frames that still show in a frame.
        remarks: sentences that the user should know about the result.
        default_side: longer side of a frame if the user gives no size, pixels.
        is_particle_style: whether its frames show single particles, so that a page can show the same ones.
    """

    default_side: ClassVar[int] = 480
    is_particle_style: ClassVar[bool] = False
    memory: ClassVar[int] = 0
    palette: Palette
    text: Frame
    shape: tuple[int, int]
    remarks: tuple[str, ...] = ()

    def __init__(self, runs: Sequence[DrawnRun], look: Look) -> None:
        self.runs, self.look = runs, look
        self.shape = (runs[0].view.height, runs[0].view.width)

    @property
    def colours(self) -> Frame:
        """The colours of a file's levels: (levels, 3), or with opacity (levels, 4) for a transparent background."""
        return self.palette.see_through if self.look.transparent else self.palette.colours

    @abstractmethod
    def base_points(self, count: int | None, seed: int) -> Tensor:
        """Returns the points of N(0, I) that the flow maps, (m, 2).

        Args:
            count: approximate number of points; None for a number that suits the style.
            seed: seed of the draws.
        """

    def refinements(self, count: int | None) -> Sequence[Refinement]:
        """Returns denser sets of particles that replace the first one later; by default none.

        Args:
            count: the ``count`` of ``base_points``.
        """
        return ()

    @abstractmethod
    def frames(self, motion: Motion, moments: Sequence[Moment]) -> Iterator[Frame]:
        """Yields one frame for each moment, in the order in which they are shown."""

    def as_points(self) -> PointsStyle:
        """Returns this style if it shows single particles, else a PointsStyle of the same runs and look."""
        from flowgif.drawing.styles.points import PointsStyle  # it is a Style, so its module imports this one

        return PointsStyle(self.runs, self.look)


def to_levels(ink: Array, levels: int) -> Frame:
    """Rounds ink to levels from 0 to ``levels`` - 1; ink above 1 is full."""
    return (np.clip(ink, 0, 1) * (levels - 1) + 0.5).astype(np.uint8)
