"""Particles one by one: points, and points with tails."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
from torch import Tensor

from flowgif.drawing.cloud import spread_cloud
from flowgif.drawing.colours import Look, PictureColours, faint, picture_colours, shades
from flowgif.drawing.ink import discs, owners, streaks
from flowgif.drawing.placing import DrawnRun
from flowgif.drawing.styles.base import Field, Frame, Style, to_levels
from flowgif.drawing.trajectories import Motion
from flowgif.errors import UnusableInput
from flowgif.timeline import Moment, flows_on, paints

__all__ = ["PointsStyle", "TrailsStyle", "turns"]

Kinds = npt.NDArray[np.int64]

COVERAGE = 0.8  # of the ink by discs that did not overlap, from which their radius follows
SMALLEST, LARGEST = 0.75 / 480, 2.8 / 480  # radius, as a share of the frame's longer side
LEAST_RADIUS = 0.7  # pixels
GOLDEN = (5**0.5 - 1) / 2  # its multiples, modulo 1, are as evenly spread as can be


def turns(n: int) -> Field:
    """When each of n particles exchanges its colour, (n,) within [0, 1)."""
    return np.mod(GOLDEN * np.arange(n), 1.0)


class PointsStyle(Style):
    """Crisp particles; their number fits the picture's lines, and their size its ink."""

    is_particle_style = True
    fewest, most = 5000, 7000  # particles: what lies between is for lines ACROSS of them wide
    ACROSS = 8
    shades_alone = 5  # edges need no more, and fewer make smaller files
    shades_of_many = 3

    def __init__(self, runs: Sequence[DrawnRun], look: Look) -> None:
        super().__init__(runs, look)
        self._colours: list[PictureColours] = []
        if look.source:
            self._colours = [_colours_of(drawn, 64 // len(runs)) for drawn in runs]
            kinds = np.concatenate([each.colours for each in self._colours])
            if any(faint(each.colours, look.background) for each in self._colours):
                self.remarks = (
                    "a picture's colours hardly differ from the background; choose another with --theme or --bg",
                )
            self.palette = shades(look.background, kinds, self.shades_of_many, look.foreground)
        else:
            self.palette = shades(look.background, np.zeros((0, 3), np.uint8), self.shades_alone, look.foreground)
        # The foreground's shades are the last ones.
        last = len(self.palette.colours) - self.palette.shades
        self.text = np.array([0, *range(last, len(self.palette.colours))], dtype=np.uint8)

    def frames(self, motion: Motion, moments: Sequence[Moment]) -> Iterator[Frame]:
        for moment, kinds in zip(moments, self._kinds(motion, moments), strict=True):
            places, radius = motion.at(moment), self.radius(len(motion.base), moment)
            yield self._inked(discs(self.shape, places, radius), places, radius, kinds)

    def _inked(self, ink: Field, places: Field, radius: float, kinds: Kinds | None) -> Frame:
        level = to_levels(ink, self.palette.levels)
        if kinds is None:
            return level
        which = owners(self.shape, places, radius, kinds)
        return np.where(level > 0, which * self.palette.shades + level, 0).astype(np.uint8)

    def as_points(self) -> PointsStyle:
        return self

    def base_points(self, n: int | None, seed: int) -> Tensor:
        return spread_cloud(n or self.particles, seed)

    @property
    def particles(self) -> int:
        """So many that the picture's lines are several of them wide, within what is drawn quickly."""
        fitting = max(drawn.view.ink_area * (self.ACROSS / drawn.view.stroke) ** 2 for drawn in self.runs)
        # In a small frame they cannot be small enough: beyond that number they would only lie on each other.
        room = max(drawn.view.ink_area for drawn in self.runs) / LEAST_RADIUS**2
        return max(2, round(min(max(fitting, self.fewest), self.most, 0.5 * room)))

    def radius(self, n: int, moment: Moment) -> float:
        """Of one of n particles, pixels: each picture's own, and in the cloud that all share the mean of them."""
        side = max(self.shape)
        fitting = [math.sqrt(COVERAGE * drawn.view.ink_area / (math.pi * n)) for drawn in self.runs]
        own = [max(LEAST_RADIUS, min(max(each, SMALLEST * side), LARGEST * side)) for each in fitting]
        cloud = sum(own) / len(own)
        return cloud + (own[moment.run] - cloud) * moment.time

    def particle_colours(self, motion: Motion) -> npt.NDArray[np.uint8] | None:
        """The full colour that each particle has in each run's picture, (runs, n, 3); None where all have the same."""
        if not self._colours:
            return None
        return self.palette.colours[(np.stack(self._final_kinds(motion)) + 1) * self.palette.shades]

    def _kinds(self, motion: Motion, moments: Sequence[Moment]) -> Iterator[Kinds | None]:
        """The colour of each particle at each moment; None where there is only one."""
        if not self._colours:
            yield from [None] * len(moments)
            return
        final, turn = self._final_kinds(motion), turns(len(motion.base))
        for paint in paints(moments):
            yield np.where((turn >= paint.low) & (turn < paint.high), final[paint.other], final[paint.own])

    def _final_kinds(self, motion: Motion) -> list[Kinds]:
        """For each run the colour that its picture has where a particle ends."""
        out: list[Kinds] = []
        for run, (drawn, colours) in enumerate(zip(self.runs, self._colours, strict=True)):
            source = drawn.target.colour_source
            assert source is not None
            column, row = source.pixel_of(drawn.view.from_frame(motion.at(Moment(run, 1.0)))).T
            height, width = colours.kinds.shape
            before = sum(len(each.colours) for each in self._colours[:run])
            out.append(before + colours.kinds[row.clip(0, height - 1), column.clip(0, width - 1)])
        return out


class TrailsStyle(PointsStyle):
    """Particles with fading tails: where each was in the frames before, drawn fainter the longer ago."""

    memory = 7  # how many frames long a tail is
    FAINT = 1.0  # ink of the newest part of a tail, per pixel
    fewest, most = 3000, 4000  # tails need room
    shades_alone = 7  # and they fade

    def frames(self, motion: Motion, moments: Sequence[Moment]) -> Iterator[Frame]:
        strengths = [self.FAINT * (1 - age / (self.memory + 1)) ** 1.5 for age in range(1, self.memory + 1)]
        paths: deque[Field] = deque(maxlen=self.memory)  # since the frame before, the latest first
        before, last = None, None
        for i, (moment, kinds) in enumerate(zip(moments, self._kinds(motion, moments), strict=True)):
            places, radius = motion.at(moment), 0.85 * self.radius(len(motion.base), moment)
            if last is not None and not flows_on(last, moment):
                paths.clear()
            elif before is not None:
                paths.appendleft(streaks(self.shape, before, places, 1.0))
            before, last = places, moment
            # Tails shorten on the last frames before a picture, which is drawn without.
            ahead = [j for j in range(i, min(len(moments), i + self.memory)) if moments[j].time == 1]
            length = ahead[0] - i if ahead else self.memory
            tail = np.zeros(self.shape)
            for strength, path in zip(strengths[:length], paths, strict=False):
                tail += strength * path
            # Tails that cross add up to a grey at most, so that the particles stand out.
            ink = np.maximum(discs(self.shape, places, radius), 0.6 * (1 - np.exp(-tail / 0.6)))
            yield self._inked(ink, places, radius + 2, kinds)


def _colours_of(drawn: DrawnRun, most: int) -> PictureColours:
    source = drawn.target.colour_source
    if source is None:
        raise UnusableInput("--color source takes its colours from a picture; a data set has none")
    return picture_colours(source.image, source.ink, most)
