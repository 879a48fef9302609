"""Densities, and the velocity over them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from flowgif.drawing.colours import Look, Palette, legible, ramp
from flowgif.drawing.ink import arrows, means_around, smooth_mass
from flowgif.drawing.mesh import Mesh
from flowgif.drawing.placing import DrawnRun
from flowgif.drawing.styles.base import Field, Frame, Style, to_levels
from flowgif.drawing.trajectories import Motion, Refinement
from flowgif.errors import UnusableInput
from flowgif.timeline import Moment, runs_forward

__all__ = ["DensityStyle", "FieldStyle"]

# Standard deviation of a density's smoothing in the cloud, which has no edges to lose, as a share of the frame's longer
# side, and the least, pixels; in the picture there is none.
SMOOTHING, LEAST_SMOOTHING = 2.0 / 480, 1.6
# Particles are as far apart as CLOSE times hypot(their smoothing, GRAIN), pixels: so they are not seen one by one.
GRAIN, CLOSE = 0.8, 0.75
FINEST = 4.0  # parts of a density's mesh along its side at most, about, as a multiple of the frame's pixels
# The flow bends a mesh late: until then fewer nodes say as much. From a time on, the share of the nodes along a side;
# and how many there are at least.
STAGES, COARSEST = ((0.0, 0.25), (0.6, 0.5), (0.9, 1.0)), 60
# A density's full colour is reached where it is as high as below it FULL of the mass is; found by BINS steps.
FULL, BINS = 0.8, 1024


class DensityStyle(Style):
    """The density, smooth: a mesh of particles that carry their mass."""

    particles: ClassVar[int] = 240 * 240  # of the mesh, in the picture
    levels = 32

    def __init__(self, runs: Sequence[DrawnRun], look: Look) -> None:
        super().__init__(runs, look)
        if look.source:
            raise UnusableInput("--color source colours particles; it goes with --style points or trails")
        self.palette = Palette(ramp(look.cmap, self.levels), self.levels - 1)
        self.text = np.arange(self.levels, dtype=np.uint8)

    def base_points(self, n: int | None, seed: int) -> Tensor:
        # A mesh is what it is, whatever the seed.
        return self._meshes(n)[0][1].nodes()

    def refinements(self, n: int | None) -> Sequence[Refinement]:
        def between(before: Mesh, mesh: Mesh, x: Tensor) -> Tensor:
            return torch.from_numpy(before.finer(x.double().cpu().numpy(), mesh.side)).to(x)

        return [
            Refinement(time, mesh.nodes(), partial(between, before, mesh))
            for (_, before), (time, mesh) in itertools.pairwise(self._meshes(n))
        ]

    def frames(self, motion: Motion, moments: Sequence[Moment]) -> Iterator[Frame]:
        for moment in moments:
            yield self.toned(self.mass(motion, moment))

    def toned(self, mass: Field) -> Frame:
        """A density's levels, up to the full one, which they approach ever more slowly: there, no noise is seen.

        Every frame has a scale of its own, since a cloud and a line drawing differ by a hundred times.
        """
        missing = 1 - np.minimum(mass / max(_full(mass), 1e-300), 1)
        return to_levels(1 - missing * missing, self.levels)

    def mass(self, motion: Motion, moment: Moment) -> Field:
        """Mass per pixel."""
        nodes, mass = motion.at(moment), np.zeros(self.shape)
        closest = math.hypot(self.smoothing(moment.time), GRAIN)
        for spacing, particles in self.mesh(len(nodes)).swarms(nodes, CLOSE * closest):
            smoothing = math.sqrt(max((spacing / CLOSE) ** 2 - GRAIN**2, 0.0))  # rounding can leave less than nothing
            mass += smooth_mass(self.shape, particles, smoothing)
        return mass

    def smoothing(self, time: float) -> float:
        """Standard deviation, pixels."""
        return max(SMOOTHING * max(self.shape), LEAST_SMOOTHING) * (1 - time**3)

    def _meshes(self, n: int | None) -> list[tuple[float, Mesh]]:
        """From which time on, and of how many nodes."""
        last = self.mesh(n or self.particles).side
        meshes: list[tuple[float, Mesh]] = []
        for time, share in STAGES:
            mesh = self.mesh(max(round(share * last), min(last, COARSEST)) ** 2)
            if not meshes or mesh != meshes[-1][1]:
                meshes.append((time, mesh))
        return meshes

    def mesh(self, n: int) -> Mesh:
        """Of about n nodes."""
        side = max(2, round(math.sqrt(n)))
        return Mesh(side, max(0, round(math.log2(FINEST * max(self.shape) / side))))


class FieldStyle(DensityStyle):
    """Arrows of the velocity over a faint density."""

    particles = 88 * 88  # what is faint has no edges
    EVERY = 26  # pixels between arrows, of 480
    LONGEST = 1.15  # times that
    THICKNESS = 1.4  # pixels
    FAINT = 0.45
    strokes = 4  # shades
    NEAR = 0.01  # of the full density: with less around it an arrow is left out

    def __init__(self, runs: Sequence[DrawnRun], look: Look) -> None:
        super().__init__(runs, look)
        faint = ramp(look.cmap, 1000)[: int(1000 * self.FAINT)]
        under = faint[np.linspace(0, len(faint) - 1, self.levels).round().astype(np.int64)]
        # On the map's own ground, which need not be the theme's.
        ground = look.cmap[0]
        over = ramp((ground, legible(look.foreground, ground)), self.strokes + 2)[2:]
        self.palette = Palette(np.concatenate((under, over)), self.levels - 1)
        self.text = np.array([0, *range(self.levels, self.levels + self.strokes)], dtype=np.uint8)

    def frames(self, motion: Motion, moments: Sequence[Moment]) -> Iterator[Frame]:
        return self.over((self.mass(motion, moment) for moment in moments), moments)

    @torch.no_grad()
    def over(self, masses: Iterable[Field], moments: Sequence[Moment]) -> Iterator[Frame]:
        """Yields a frame for each moment and its density, mass per pixel."""
        step = max(10.0, self.EVERY / 480 * max(self.shape))
        counts = [max(1, int(side / step)) for side in self.shape]
        rows, columns = ((np.arange(n) + 0.5) * side / n for n, side in zip(counts, self.shape, strict=True))
        grid = np.stack(np.meshgrid(columns, rows), -1).reshape(-1, 2)
        fastest = self._fastest(moments, grid)
        for i, (moment, mass) in enumerate(zip(moments, masses, strict=True)):
            # Where nothing is, a velocity means nothing.
            there = means_around(mass, rows, columns, 0.6 * step).ravel() > self.NEAR * _full(mass)
            moves = self._velocity(moment, grid) * (1 if runs_forward(moments, i) else -1)
            speed = np.hypot(*moves.T)[:, None]
            # Speeds differ by a hundred times, so lengths follow their square root.
            moves *= self.LONGEST * step * np.sqrt(np.minimum(speed / fastest, 1)) / np.maximum(speed, 1e-9)
            strokes = to_levels(
                arrows(self.shape, (grid - 0.5 * moves)[there], moves[there], self.THICKNESS), self.strokes + 1
            )
            yield np.where(strokes > 0, strokes + self.levels - 1, self.toned(mass)).astype(np.uint8)

    def _velocity(self, moment: Moment, grid: Field) -> Field:
        """Frame pixels per unit of time."""
        drawn = self.runs[moment.run]
        # At the very end the velocity is that of the last moment before it.
        time = min(moment.time, 1 - 1e-4)
        x = drawn.view.from_frame(grid, time)
        return drawn.view.velocity_in_frame(x, drawn.flow.velocity(x, torch.tensor(time)), time)

    def _fastest(self, moments: Sequence[Moment], grid: Field) -> float:
        some = sorted(set(moments))[:: max(1, len(set(moments)) // 12)]
        return float(np.mean([np.quantile(np.hypot(*self._velocity(moment, grid).T), 0.9) for moment in some])) + 1e-9


def _full(mass: Field) -> float:
    """The density below which most of a frame's mass lies."""
    mass = np.maximum(mass, 0)  # beside a sharp edge there can be a little less than nothing
    most = float(mass.max())
    bins = (mass * (BINS / max(most, 1e-300))).astype(np.int64).ravel()
    below = np.cumsum(np.bincount(bins, mass.ravel()))
    return most * (float(np.searchsorted(below, FULL * below[-1])) + 1) / BINS
