"""Several views of one run side by side."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from flowgif.drawing.caption import draw_caption
from flowgif.drawing.colours import Look, Palette
from flowgif.drawing.placing import DrawnRun
from flowgif.drawing.styles.base import Field, Frame, Style
from flowgif.drawing.styles.density import DensityStyle, FieldStyle
from flowgif.drawing.styles.points import PointsStyle
from flowgif.drawing.trajectories import Motion
from flowgif.drawing.view import make_view
from flowgif.errors import UnusableInput
from flowgif.timeline import Moment

__all__ = ["PanelsStyle"]


class PanelsStyle(Style):
    """Target, density, samples and vector field side by side, as in FFJORD's own animation."""

    default_side = 960
    particles = 100 * 100  # of the mesh: the panels are small
    GAP, LEAST = 10 / 800, 160
    NAMES = ("target", "density", "samples", "vector field")

    def __init__(self, runs: Sequence[DrawnRun], look: Look) -> None:
        super().__init__(runs, look)
        if len(runs) > 1:
            raise UnusableInput("--style panels shows one run; give one")
        size, (height, width) = max(self.shape), self.shape
        if size < self.LEAST:
            raise UnusableInput(f"--size {size} is too small for --style panels; give at least {self.LEAST} pixels")
        columns = 4 if width <= 1.6 * height else 2
        rows = 4 // columns
        gap = max(4, round(self.GAP * size))
        room = (size - gap * (columns + 1)) // columns
        caption = draw_caption("", room, 2, self.NAMES).shape[0]
        # As large as both sides allow.
        room = min(room, int((size - gap * (rows + 1) - caption * rows) / rows * width / height))
        drawn = runs[0]
        self._small = DrawnRun(
            drawn.flow, drawn.target, make_view(drawn.target, round(room * max(1.0, height / width)))
        )
        shown = [self._small]
        self._density, self._points, self._field = (
            DensityStyle(shown, look),
            PointsStyle(shown, look),
            FieldStyle(shown, look),
        )
        height, width = self._density.shape
        used = columns * width + (columns - 1) * gap
        left = (size - used) // 2
        self.shape = (gap + rows * (height + caption + gap), size)
        self._places = [
            (gap + i // columns * (height + caption + gap), left + i % columns * (width + gap)) for i in range(4)
        ]
        self._make_palette()
        self._blank = np.zeros(self.shape, dtype=np.uint8)
        for name, (top, start) in zip(self.NAMES, self._places, strict=True):
            strip = draw_caption(name, width, len(self.text), self.NAMES, moving=False)
            self._blank[top + height : top + height + caption, start : start + width] = self.text[strip]

    def _make_palette(self) -> None:
        """The background, and then each part's own palette."""
        parts = (self._density, self._points, self._field)
        background = np.array([self.look.background], dtype=np.uint8)
        self.palette = Palette(np.concatenate((background, *(part.palette.colours for part in parts))), 1)
        tables: list[Frame] = []
        first = 1
        for part in parts:
            table = np.arange(first, first + len(part.palette.colours), dtype=np.uint8)
            if (part.palette.colours[0] == background).all():
                table[0] = 0
            tables.append(table)
            first += len(table)
        self._tables = (tables[0], *tables)  # the target's is the density's
        self.text = tables[1][self._points.text]

    def base_points(self, n: int | None, seed: int) -> Tensor:
        # Those of the density, then those of the samples.
        nodes = self._density.mesh(n or self.particles).nodes()
        return torch.cat((nodes, self._points.base_points(min(len(nodes), self._points.particles), seed)))

    def frames(self, motion: Motion, moments: Sequence[Moment]) -> Iterator[Frame]:
        n = len(motion.base)
        # As draws has them: up to the samples' own number there are as many of both.
        samples = min(self._points.particles, n // 2)
        many = motion.subset([self._small], 0, n - samples)
        few = motion.subset([self._small], n - samples, samples)
        target = self._density.toned(self._target())
        first, second = itertools.tee(self._density.mass(many, moment) for moment in moments)
        densities = (self._density.toned(mass) for mass in first)
        points, field = self._points.frames(few, moments), self._field.over(second, moments)
        for frames in zip(densities, points, field, strict=True):
            out = self._blank.copy()
            for table, (top, left), frame in zip(self._tables, self._places, (target, *frames), strict=True):
                height, width = frame.shape
                out[top : top + height, left : left + width] = table[frame]
            yield out

    def _target(self) -> Field:
        """The target's own density, mass per pixel."""
        view = self._small.view
        columns, rows = np.zeros((view.width, 2)), np.zeros((view.height, 2))
        columns[:, 0], rows[:, 1] = np.arange(view.width), np.arange(view.height)
        x, y = view.from_frame(columns)[:, 0], view.from_frame(rows)[:, 1]
        return self._small.target.density(x, y).numpy() / (view.scale[0] * view.scale[1])
