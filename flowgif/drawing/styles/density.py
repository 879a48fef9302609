"""The style 'density': the flow's density as a smooth colour map."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from functools import partial
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from flowgif.drawing.colours import Look, Palette
from flowgif.drawing.ink import smooth_mass
from flowgif.drawing.mesh import Mesh
from flowgif.drawing.placing import DrawnRun
from flowgif.drawing.styles.base import Array, Frame, Style, to_levels
from flowgif.drawing.trajectories import Motion, Refinement
from flowgif.errors import UnusableInput
from flowgif.machine.parallel import ordered_map
from flowgif.timeline import Moment

__all__ = ["DensityStyle", "full_colour_density"]

# A Gaussian spreads every particle. It is widest in the cloud, which has no edges that could blur, and has width 0 in
# the picture. Its standard deviation in the cloud: a share of the frame's longer side; its minimum, pixels.
CLOUD_SMOOTHING, MIN_CLOUD_SMOOTHING = 2.0 / 480, 1.6
# Neighbours are at most MAX_GAP * hypot(smoothing, PIXEL_BLUR) pixels apart; further apart they would show as dots.
# (Dividing a particle among pixels blurs it too.)
PIXEL_BLUR, MAX_GAP = 0.6, 1.0
# Cells of a density below this share of the mean are left out: a tenth of what makes the faintest colour.
FAINTEST = 5e-4
# A mesh's cells are halved until a side of the mesh has about this many parts per pixel of the frame's longer side.
MAX_PARTS = 4.0
# Pairs: the time from which a mesh is used, and its share of the final number of nodes per side. A flow bends the mesh
# only late.
REFINEMENTS, MIN_SIDE = ((0.0, 0.25), (0.6, 0.5), (0.9, 1.0)), 60
# The full colour stands for the density below which this share of the frame's mass lies.
FULL_COLOUR_MASS, HISTOGRAM_BINS = 0.8, 1024


class DensityStyle(Style):
    """Draws the density, interpolated from a mesh of particles.

    Attributes:
        NODES: number of nodes of the mesh in the picture, if no number of particles is given.
        LEVELS: number of levels of the colour map.
    """

    NODES: ClassVar[int] = 240 * 240
    LEVELS: ClassVar[int] = 32

    def __init__(self, runs: Sequence[DrawnRun], look: Look) -> None:
        super().__init__(runs, look)
        if look.source:
            raise UnusableInput("--color source colours particles; it goes with --style points or trails")
        self.palette = Palette.ramp(look.cmap, self.LEVELS)
        self.text = np.arange(self.LEVELS, dtype=np.uint8)

    def base_points(self, count: int | None, seed: int) -> Tensor:
        # The mesh does not depend on the seed.
        return self._meshes(count)[0][1].nodes()

    def refinements(self, count: int | None) -> Sequence[Refinement]:
        return [
            Refinement(time, mesh.nodes(), partial(_interpolate, before, mesh))
            for (_, before), (time, mesh) in itertools.pairwise(self._meshes(count))
        ]

    def frames(self, motion: Motion, moments: Sequence[Moment]) -> Iterator[Frame]:
        def draw(item: tuple[Array, float]) -> Frame:
            return self.colour_levels(self._mass(*item))

        yield from ordered_map(draw, ((motion.at(moment), moment.time) for moment in moments))

    def colour_levels(self, mass: Array) -> Frame:
        """Maps densities to colour levels. Levels flatten out near full colour, so that noise there does not show.

        Each frame has its own scale, since the densities of a cloud and of a line drawing differ by a factor of 100.
        """
        missing = 1 - np.minimum(mass / max(full_colour_density(mass), 1e-300), 1)
        return to_levels(1 - missing * missing, self.LEVELS)

    def masses(self, motion: Motion, moments: Sequence[Moment]) -> Iterator[Array]:
        """Yields the mass in each pixel at each moment, (height, width); all of N(0, I) has the mass 1."""

        def draw(item: tuple[Array, float]) -> Array:
            return self._mass(*item)

        yield from ordered_map(draw, ((motion.at(moment), moment.time) for moment in moments))

    def mass(self, motion: Motion, moment: Moment) -> Array:
        """Computes the mass in each pixel at one moment; see :meth:`masses`."""
        return self._mass(motion.at(moment), moment.time)

    def _mass(self, nodes: Array, time: float) -> Array:
        """Computes the mass in each pixel, (height, width) float32.

        Args:
            nodes: positions of the mesh's nodes in the frame, (m, 2).
            time: flow time of the positions.
        """
        # Single precision is right to a thousandth of a pixel, and takes half the time of double.
        nodes, mass = nodes.astype(np.float32), np.zeros(self.shape, np.float32)
        blur = math.hypot(self.smoothing(time), PIXEL_BLUR)
        for spacing, particles in self.mesh(len(nodes)).particle_groups(nodes, MAX_GAP * blur, FAINTEST):
            smoothing = math.sqrt(max((spacing / MAX_GAP) ** 2 - PIXEL_BLUR**2, 0.0))  # rounding can leave less than 0
            mass += smooth_mass(self.shape, particles, smoothing)
        return mass

    def smoothing(self, time: float) -> float:
        """Returns the standard deviation of the Gaussian that spreads the most closely spaced particles, pixels."""
        return max(CLOUD_SMOOTHING * max(self.shape), MIN_CLOUD_SMOOTHING) * (1 - time**3)

    def mesh(self, count: int) -> Mesh:
        """Makes a mesh of about ``count`` nodes."""
        side = max(2, round(math.sqrt(count)))
        return Mesh(side, max(1, round(MAX_PARTS * max(self.shape) / side)))

    def _meshes(self, count: int | None) -> list[tuple[float, Mesh]]:
        """Returns the meshes in order, each with the time from which it is used."""
        last = self.mesh(count or self.NODES).side
        meshes: list[tuple[float, Mesh]] = []
        for time, share in REFINEMENTS:
            mesh = self.mesh(max(round(share * last), min(last, MIN_SIDE)) ** 2)
            if not meshes or mesh != meshes[-1][1]:
                meshes.append((time, mesh))
        return meshes


def full_colour_density(mass: Array) -> float:
    """Finds the density below which FULL_COLOUR_MASS of a frame's mass lies, to one of HISTOGRAM_BINS steps."""
    mass = np.maximum(mass, 0)  # beside a sharp edge the mass can be slightly negative
    most = float(mass.max())
    bins = (mass * (HISTOGRAM_BINS / max(most, 1e-300))).astype(np.int64).ravel()
    below = np.cumsum(np.bincount(bins, mass.ravel()))
    return most * (float(np.searchsorted(below, FULL_COLOUR_MASS * below[-1])) + 1) / HISTOGRAM_BINS


def _interpolate(before: Mesh, after: Mesh, x: Tensor) -> Tensor:
    """Maps positions of one mesh's nodes, (n, 2), to positions of another mesh's nodes, (m, 2)."""
    return torch.from_numpy(before.refine(x.double().cpu().numpy(), after.side)).to(x)
