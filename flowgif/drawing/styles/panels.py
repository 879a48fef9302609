"""The style 'panels': four views of one run side by side."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from flowgif.drawing.caption import draw_caption
from flowgif.drawing.colours import Look, Palette
from flowgif.drawing.placing import DrawnRun
from flowgif.drawing.styles.base import Array, Frame, Style
from flowgif.drawing.styles.density import DensityStyle
from flowgif.drawing.styles.field import FieldStyle
from flowgif.drawing.styles.points import PointsStyle
from flowgif.drawing.trajectories import Motion
from flowgif.drawing.view import make_view
from flowgif.errors import UnusableInput
from flowgif.timeline import Moment

__all__ = ["PanelsStyle"]

NAMES = ("target", "density", "samples", "vector field")
NODES = 100 * 100  # number of nodes of the density's mesh; the panels are small
GAP, MIN_GAP = 10 / 800, 4  # gap between panels: share of the frame's width; pixels
MIN_SIDE = 160  # smallest longer side of the frame, pixels
WIDE = 1.6  # panels whose width is more than this multiple of their height stand in two rows, others in one


class _Layout(NamedTuple):
    """The positions of the panels in the frame.

    Attributes:
        shape: (height, width) of the frame.
        places: (row, column) of each panel's first pixel.
    """

    shape: tuple[int, int]
    places: tuple[tuple[int, int], ...]


class PanelsStyle(Style):
    """Draws target, density, samples and vector field side by side, as in FFJORD's own animation."""

    default_side = 960

    def __init__(self, runs: Sequence[DrawnRun], look: Look) -> None:
        super().__init__(runs, look)
        if len(runs) > 1:
            raise UnusableInput("--style panels shows one run; give one")
        size, (height, width) = max(self.shape), self.shape
        if size < MIN_SIDE:
            raise UnusableInput(f"--size {size} is too small for --style panels; give at least {MIN_SIDE} pixels")
        columns = 4 if width <= WIDE * height else 2
        rows = 4 // columns
        gap = max(MIN_GAP, round(GAP * size))
        room = (size - gap * (columns + 1)) // columns
        caption = draw_caption("", room, 2, NAMES).shape[0]
        # Panels are as large as the frame's width and height allow.
        room = min(room, int((size - gap * (rows + 1) - caption * rows) / rows * width / height))
        drawn = runs[0]
        self._small = DrawnRun(
            drawn.flow, drawn.target, make_view(drawn.target, round(room * max(1.0, height / width)))
        )
        self._density = DensityStyle([self._small], look)
        self._points = PointsStyle([self._small], look)
        self._field = FieldStyle([self._small], look)
        height, width = self._density.shape
        self.shape, self._places = _lay_out(size, (height + caption, width), columns, gap)
        self._make_palette()
        self._blank = np.zeros(self.shape, dtype=np.uint8)
        for name, (top, left) in zip(NAMES, self._places, strict=True):
            strip = draw_caption(name, width, len(self.text), NAMES, moving=False)
            self._blank[top + height : top + height + caption, left : left + width] = self.text[strip]

    def _make_palette(self) -> None:
        """Joins the background and all panels' palettes; keeps a table from each panel's indices to the new ones."""
        panels = (self._density, self._points, self._field)
        background = Palette.ramp((self.look.background, self.look.foreground), 2)[:1]
        self.palette = Palette.join((background, *(panel.palette for panel in panels)))
        tables: list[Frame] = []
        first = 1
        for panel in panels:
            table = np.arange(first, first + len(panel.palette), dtype=np.uint8)
            if (panel.palette.colours[0] == background.colours).all():
                table[0] = 0
            tables.append(table)
            first += len(table)
        self._tables = (tables[0], *tables)  # the target has the density's colours
        self.text = tables[1][self._points.text]

    def base_points(self, count: int | None, seed: int) -> Tensor:
        # The density's nodes come first, then the samples: a suitable number, but at most the number of nodes.
        nodes = self._density.mesh(count or NODES).nodes()
        return torch.cat((nodes, self._points.base_points(min(len(nodes), self._points.suitable_count), seed)))

    def frames(self, motion: Motion, moments: Sequence[Moment]) -> Iterator[Frame]:
        n = len(motion.base)
        # ``base_points`` gave as many samples as nodes, or the suitable number if that is less.
        samples = min(self._points.suitable_count, n // 2)
        nodes = motion.subset([self._small], 0, n - samples)
        points = motion.subset([self._small], n - samples, samples)
        target = self._density.colour_levels(self._target_mass())
        masses, same_masses = itertools.tee(self._density.masses(nodes, moments))
        moving = zip(
            (self._density.colour_levels(mass) for mass in masses),
            self._points.frames(points, moments),
            self._field.frames_over(same_masses, moments),
            strict=True,
        )
        for frames in moving:
            out = self._blank.copy()
            for table, (top, left), frame in zip(self._tables, self._places, (target, *frames), strict=True):
                height, width = frame.shape
                out[top : top + height, left : left + width] = table[frame]
            yield out

    def _target_mass(self) -> Array:
        """Computes the target's mass in each pixel, (height, width)."""
        view = self._small.view
        columns, rows = np.zeros((view.width, 2)), np.zeros((view.height, 2))
        columns[:, 0], rows[:, 1] = np.arange(view.width), np.arange(view.height)
        x, y = view.from_frame(columns)[:, 0], view.from_frame(rows)[:, 1]
        return self._small.target.density(x, y).numpy() / (view.scale[0] * view.scale[1])


def _lay_out(width: int, panel: tuple[int, int], columns: int, gap: int) -> _Layout:
    """Lays out the panels in rows, in the middle of the frame's width.

    Args:
        width: width of the frame, pixels.
        panel: (height, width) of a panel with its caption.
        columns: number of panels in a row.
        gap: gap between panels, and around them, pixels.
    """
    down, across = panel[0] + gap, panel[1] + gap
    left = (width - (columns * across - gap)) // 2
    places = tuple((gap + i // columns * down, left + i % columns * across) for i in range(len(NAMES)))
    return _Layout((gap + len(NAMES) // columns * down, width), places)
