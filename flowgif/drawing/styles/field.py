"""The style 'field': arrows of the velocity over a faint density."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch

from flowgif.drawing.colours import Look, Palette, legible
from flowgif.drawing.ink import arrows, means_around
from flowgif.drawing.placing import DrawnRun
from flowgif.drawing.styles.base import Array, Frame, to_levels
from flowgif.drawing.styles.density import DensityStyle, full_colour_density
from flowgif.drawing.trajectories import Motion
from flowgif.timeline import Moment, time_increases

__all__ = ["FieldStyle"]

SPACING, MIN_SPACING = 26 / 480, 10.0  # distance between arrows: share of the frame's longer side; pixels
MAX_LENGTH = 1.15  # length of an arrow, as a multiple of the spacing
THICKNESS = 1.4  # thickness of an arrow's shaft, pixels
FAINTNESS = 0.45  # the density uses this share of the colour map, from its first colour on
ARROW_SHADES = 4
# An arrow is left out where the mean density around it is below this share of the full colour's: nothing moves there.
MIN_DENSITY = 0.01
NEIGHBOURHOOD = 0.6  # standard deviation of the Gaussian of that mean, as a multiple of the spacing
SAMPLED_MOMENTS = 12  # about the number of moments from which the speed of the longest arrow is computed
# At time 1 itself the velocity is taken a little earlier.
LAST_TIME = 1 - 1e-4


class _Grid(NamedTuple):
    """The middles of the arrows.

    Attributes:
        spacing: distance from one arrow to the next, pixels.
        rows, columns: rows and columns of the middles, (r,) and (c,), pixels.
        positions: the middles, (r * c, 2), column and row; the column varies fastest.
    """

    spacing: float
    rows: Array
    columns: Array
    positions: Array


class FieldStyle(DensityStyle):
    """Draws arrows of the velocity over a faint density."""

    NODES = 88 * 88  # a faint density shows no sharp edges

    def __init__(self, runs: Sequence[DrawnRun], look: Look) -> None:
        super().__init__(runs, look)
        faint = Palette.ramp(look.cmap, 1000)[: int(1000 * FAINTNESS)]
        under = faint[np.linspace(0, len(faint) - 1, self.LEVELS).round().astype(np.int64)]
        # Arrows lie on the map's first colour, which may differ from the theme's background.
        ground = look.cmap[0]
        over = Palette.ramp((ground, legible(look.foreground, ground)), ARROW_SHADES + 2)[2:]
        self.palette = Palette.join((under, over))
        self.text = np.array([0, *range(self.LEVELS, self.LEVELS + ARROW_SHADES)], dtype=np.uint8)

    def frames(self, motion: Motion, moments: Sequence[Moment]) -> Iterator[Frame]:
        return self.frames_over(self.masses(motion, moments), moments)

    @torch.no_grad()
    def frames_over(self, masses: Iterable[Array], moments: Sequence[Moment]) -> Iterator[Frame]:
        """Yields a frame for each moment and its density.

        Args:
            masses: the mass in each pixel, (height, width), for each moment.
            moments: the moments in the order in which they are shown.
        """
        grid = self._grid()
        fastest = self._highest_speed(moments, grid.positions)
        for i, (moment, mass) in enumerate(zip(moments, masses, strict=True)):
            means = means_around(mass, grid.rows, grid.columns, NEIGHBOURHOOD * grid.spacing).ravel()
            shown = means > MIN_DENSITY * full_colour_density(mass)
            moves = self._velocity(moment, grid.positions) * (1 if time_increases(moments, i) else -1)
            speed = np.hypot(*moves.T)[:, None]
            # Speeds differ by a factor of 100, so arrows are as long as the square root of the speed.
            moves *= MAX_LENGTH * grid.spacing * np.sqrt(np.minimum(speed / fastest, 1)) / np.maximum(speed, 1e-9)
            ink = arrows(self.shape, (grid.positions - 0.5 * moves)[shown], moves[shown], THICKNESS)
            strokes = to_levels(ink, ARROW_SHADES + 1)
            yield np.where(strokes > 0, strokes + self.LEVELS - 1, self.colour_levels(mass)).astype(np.uint8)

    def _grid(self) -> _Grid:
        spacing = max(MIN_SPACING, SPACING * max(self.shape))
        counts = [max(1, int(side / spacing)) for side in self.shape]
        rows, columns = ((np.arange(n) + 0.5) * side / n for n, side in zip(counts, self.shape, strict=True))
        return _Grid(spacing, rows, columns, np.stack(np.meshgrid(columns, rows), -1).reshape(-1, 2))

    def _velocity(self, moment: Moment, positions: Array) -> Array:
        """Computes the velocity at positions in the frame, (n, 2), in pixels per unit of time."""
        drawn = self.runs[moment.run]
        time = min(moment.time, LAST_TIME)
        x = drawn.view.from_frame(positions, time)
        return drawn.view.velocity_in_frame(x, drawn.flow.velocity(x, torch.tensor(time)), time)

    def _highest_speed(self, moments: Sequence[Moment], positions: Array) -> float:
        """Computes the speed of the longest arrow: the mean over moments of the speeds' 90th percentile."""
        distinct = sorted(set(moments))
        sampled = distinct[:: max(1, len(distinct) // SAMPLED_MOMENTS)]
        speeds = [np.quantile(np.hypot(*self._velocity(moment, positions).T), 0.9) for moment in sampled]
        return float(np.mean(speeds)) + 1e-9
