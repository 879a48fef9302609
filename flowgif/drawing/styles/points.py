"""The style 'points': crisp particles, each of one colour."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import ClassVar

import numpy as np
import numpy.typing as npt
from torch import Tensor

from flowgif.drawing.cloud import spread_cloud
from flowgif.drawing.colours import Look, is_faint, shades
from flowgif.drawing.ink import Labels, discs, owners
from flowgif.drawing.picture_colours import MAX_COLOURS, PictureColours, picture_colours
from flowgif.drawing.placing import DrawnRun
from flowgif.drawing.styles.base import Array, Frame, Style, to_levels
from flowgif.drawing.trajectories import Motion
from flowgif.errors import UnusableInput
from flowgif.timeline import Moment, assign_paints

__all__ = ["PointsStyle", "turns"]

COVERAGE = 0.8  # sum of the areas of all discs, as a share of the ink's area; it decides their radius
MIN_RADIUS_SHARE, MAX_RADIUS_SHARE = 0.75 / 480, 2.8 / 480  # shares of the frame's longer side
MIN_RADIUS = 0.7  # pixels
GOLDEN = (5**0.5 - 1) / 2  # its multiples, modulo 1, are spread as evenly as possible


def turns(n: int) -> Array:
    """Returns the time at which each of n particles swaps its colour, (n,) in [0, 1)."""
    return np.mod(GOLDEN * np.arange(n), 1.0)


class PointsStyle(Style):
    """Draws crisp particles. Their number suits the thickness of the picture's lines, and their size its ink.

    Attributes:
        MIN_PARTICLES, MAX_PARTICLES: bounds of the number of particles.
        LINE_WIDTH: width of a line, in particles, if their number is between the bounds.
        SHADES_OF_ONE: number of shades of a single colour; edges need no more, and fewer make smaller files.
        SHADES_OF_MANY: number of shades of each of several colours.
    """

    is_particle_style = True
    MIN_PARTICLES: ClassVar[int] = 5000
    MAX_PARTICLES: ClassVar[int] = 7000
    LINE_WIDTH: ClassVar[int] = 8
    SHADES_OF_ONE: ClassVar[int] = 5
    SHADES_OF_MANY: ClassVar[int] = 3

    def __init__(self, runs: Sequence[DrawnRun], look: Look) -> None:
        super().__init__(runs, look)
        self._colours: list[PictureColours] = []
        if look.source:
            self._colours = [_colours_of(drawn, MAX_COLOURS // len(runs)) for drawn in runs]
            colours = np.concatenate([picture.colours for picture in self._colours])
            if any(is_faint(picture.colours, look.background) for picture in self._colours):
                self.remarks = (
                    "a picture's colours hardly differ from the background; choose another with --theme or --bg",
                )
            self._shades = self.SHADES_OF_MANY
        else:
            colours = np.zeros((0, 3), np.uint8)
            self._shades = self.SHADES_OF_ONE
        self.palette = shades(look.background, colours, self._shades, look.foreground)
        # The foreground's shades are the last ones.
        self.text = np.array([0, *range(len(self.palette) - self._shades, len(self.palette))], dtype=np.uint8)

    def as_points(self) -> PointsStyle:
        return self

    def base_points(self, count: int | None, seed: int) -> Tensor:
        return spread_cloud(count or self.suitable_count, seed)

    @property
    def suitable_count(self) -> int:
        """The number of particles that makes the picture's lines LINE_WIDTH particles wide, within the bounds."""
        fitting = max(drawn.view.ink_area * (self.LINE_WIDTH / drawn.view.stroke) ** 2 for drawn in self.runs)
        # Particles cannot be smaller than MIN_RADIUS; in a small frame more of them would only lie on each other.
        room = max(drawn.view.ink_area for drawn in self.runs) / MIN_RADIUS**2
        return max(2, round(min(max(fitting, self.MIN_PARTICLES), self.MAX_PARTICLES, 0.5 * room)))

    def radius(self, n: int, moment: Moment) -> float:
        """Computes the radius of each of n particles, pixels.

        At time 1 the radius suits the run's picture. All pictures share the cloud, so at time 0 it is their mean.
        """
        side = max(self.shape)
        fitting = [math.sqrt(COVERAGE * drawn.view.ink_area / (math.pi * n)) for drawn in self.runs]
        bounded = [
            max(MIN_RADIUS, min(max(radius, MIN_RADIUS_SHARE * side), MAX_RADIUS_SHARE * side)) for radius in fitting
        ]
        cloud = sum(bounded) / len(bounded)
        return cloud + (bounded[moment.run] - cloud) * moment.time

    def frames(self, motion: Motion, moments: Sequence[Moment]) -> Iterator[Frame]:
        for moment, labels in zip(moments, self._labels(motion, moments), strict=True):
            positions, radius = motion.at(moment), self.radius(len(motion.base), moment)
            yield self._coloured(discs(self.shape, positions, radius), positions, radius, labels)

    def particle_colours(self, motion: Motion) -> npt.NDArray[np.uint8] | None:
        """Returns each particle's full colour in each run's picture, (runs, n, 3); None if all have the foreground."""
        if not self._colours:
            return None
        return self.palette.colours[(np.stack(self._final_labels(motion)) + 1) * self._shades]

    def _coloured(self, ink: Array, positions: Array, radius: float, labels: Labels | None) -> Frame:
        """Turns ink into palette indices.

        Args:
            ink: (height, width).
            positions, radius: positions and radius of the particles, whose colours the ink takes.
            labels: each particle's colour, (n,); None if there is only one.
        """
        level = to_levels(ink, self._shades + 1)
        if labels is None:
            return level
        colour = owners(self.shape, positions, radius, labels)
        return np.where(level > 0, colour * self._shades + level, 0).astype(np.uint8)

    def _labels(self, motion: Motion, moments: Sequence[Moment]) -> Iterator[Labels | None]:
        """Yields the colour of each particle at each moment, (n,); None if there is only one colour."""
        if not self._colours:
            yield from [None] * len(moments)
            return
        final, turn = self._final_labels(motion), turns(len(motion.base))
        for paint in assign_paints(moments):
            yield np.where((turn >= paint.low) & (turn < paint.high), final[paint.other], final[paint.run])

    def _final_labels(self, motion: Motion) -> list[Labels]:
        """Finds for each run the colours of its picture at the particles' final positions, (n,)."""
        out: list[Labels] = []
        for run, (drawn, colours) in enumerate(zip(self.runs, self._colours, strict=True)):
            source = drawn.target.colour_source
            assert source is not None
            column, row = source.pixel_of(drawn.view.from_frame(motion.at(Moment(run, 1.0)))).T
            height, width = colours.labels.shape
            before = sum(len(picture.colours) for picture in self._colours[:run])
            out.append(before + colours.labels[row.clip(0, height - 1), column.clip(0, width - 1)])
        return out


def _colours_of(drawn: DrawnRun, most: int) -> PictureColours:
    source = drawn.target.colour_source
    if source is None:
        raise UnusableInput("--color source takes its colours from a picture; a data set has none")
    return picture_colours(source.image, source.ink, most)
