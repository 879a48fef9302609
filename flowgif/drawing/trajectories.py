"""Where everything is: the part of the plane that is seen, and the particles in it at every moment."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from flowgif.flows.base import Flow
from flowgif.targets.mixture import GaussianMixture
from flowgif.timeline import Moment

__all__ = [
    "DrawnRun",
    "Motion",
    "ParticleView",
    "Refinement",
    "Trajectories",
    "View",
    "base_draws",
    "make_view",
    "place_runs",
]

Points = npt.NDArray[np.float64]

MARGIN = 0.08  # around the picture, as a share of its longer side
# Of a thousand points one is further than a pixel from a tighter solve: where the flow tears the cloud apart.
TOLERANCE = 1e-5


@dataclass(frozen=True)
class View:
    """The part of the plane that is drawn.

    Attributes:
        width, height: of a frame, pixels.
        ink_area: the area that the target's typical points cover, pixels.
        stroke: how thick its lines are, pixels: twice the area over the length of the outline.
        scale: pixels of the frame per data unit, (x, y).
        origin: where the data's origin is in the frame, (column, row); the first pixel's centre is at (0, 0).
        cloud_scale, cloud_origin: the same at time 0, where several pictures share one cloud; in between they go from
            the one to the other with the time.
    """

    width: int
    height: int
    ink_area: float
    stroke: float
    scale: tuple[float, float]
    origin: tuple[float, float]
    cloud_scale: tuple[float, float]
    cloud_origin: tuple[float, float]

    def to_frame(self, x: Tensor, time: float = 1.0) -> Points:
        """Data coordinates (n, 2) to (column, row) of the frame."""
        scale, origin = self._at(time)
        return x.double().numpy() * (scale * (1, -1)) + origin

    def from_frame(self, places: Points, time: float = 1.0) -> Tensor:
        """The inverse of :meth:`to_frame`, float32."""
        scale, origin = self._at(time)
        return torch.from_numpy((places - origin) / (scale * (1, -1))).float()

    def velocity_in_frame(self, x: Tensor, velocity: Tensor, time: float) -> Points:
        """d/dt of :meth:`to_frame` along a path, pixels per unit of time, (n, 2), at x and dx/dt (n, 2)."""
        scale, _ = self._at(time)
        growth = np.subtract(self.scale, self.cloud_scale)
        drift = np.subtract(self.origin, self.cloud_origin)
        return (velocity.double().numpy() * scale + x.double().numpy() * growth) * (1, -1) + drift

    def _at(self, time: float) -> tuple[Points, Points]:
        scale = np.array(self.cloud_scale) * (1 - time) + np.array(self.scale) * time
        origin = np.array(self.cloud_origin) * (1 - time) + np.array(self.origin) * time
        return scale, origin


@dataclass(frozen=True)
class DrawnRun:
    """A run on the stage."""

    flow: Flow
    target: GaussianMixture
    view: View


def make_view(target: GaussianMixture, size: int) -> View:
    """The picture's own frame with a margin, or a data set's bounding box; the longer side has ``size`` pixels."""
    low, high = target.bounds()
    # In units in which the picture is not stretched, both axes have the same scale.
    extent = (high - low) * target.scale
    extent = extent + 2 * MARGIN * extent.max()
    width, height = (max(1, round(float(side))) for side in extent / extent.max() * size)
    per_unit = target.scale * (size / extent.max())
    scale = (float(per_unit[0]), float(per_unit[1]))
    middle = (low + high) / 2
    origin = ((width - 1) / 2 - float(middle[0]) * scale[0], (height - 1) / 2 + float(middle[1]) * scale[1])
    # A uniform density on an area A has the entropy log A.
    area = math.exp(target.entropy()) * scale[0] * scale[1]
    return View(width, height, area, target.stroke_width() * size / float(extent.max()), scale, origin, scale, origin)


def place_runs(cast: Sequence[tuple[Flow, GaussianMixture]], size: int) -> list[DrawnRun]:
    """Runs in one frame, which is as wide as the widest and as high as the highest, with one cloud for all.

    Args:
        cast: flows and what they were fitted to.
        size: pixels of the longer side of each.
    """
    views = [make_view(target, size) for _, target in cast]
    width, height = max(view.width for view in views), max(view.height for view in views)
    placed = [
        replace(
            view,
            width=width,
            height=height,
            origin=(view.origin[0] + (width - view.width) / 2, view.origin[1] + (height - view.height) / 2),
        )
        for view in views
    ]
    cloud_scale, cloud_origin = (
        tuple(float(np.mean([getattr(view, name)[axis] for view in placed])) for axis in (0, 1))
        for name in ("scale", "origin")
    )
    return [
        DrawnRun(flow, target, replace(view, cloud_scale=cloud_scale, cloud_origin=cloud_origin))  # pyright: ignore[reportArgumentType]
        for (flow, target), view in zip(cast, placed, strict=True)
    ]


def base_draws(n: int, seed: int) -> Tensor:
    """n draws from N(0, I), (n, 2) float32, spread so that ink of any shape fills evenly.

    A scrambled Sobol sequence, each point moved at random by about the distance to its neighbours (on the torus, which
    keeps the density even): a bare sequence shows as a lattice in the cloud.
    """
    u = torch.quasirandom.SobolEngine(2, scramble=True, seed=seed).draw(n, dtype=torch.float64)
    moves = torch.rand(n, 2, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) - 0.5
    u = (u + moves / math.sqrt(n)) % 1
    return torch.special.ndtri(u.clamp(1e-9, 1 - 1e-9)).float()


class Refinement(NamedTuple):
    """Particles that take the place of those before.

    Attributes:
        time: of a flow, from which on they do.
        base: their base points, (m, 2).
        interpolate: where they are, (m, 2), if those before are at (n, 2), in data units.
    """

    time: float
    base: Tensor
    interpolate: Callable[[Tensor], Tensor]


class Motion(Protocol):
    """Particles whose places are known at every moment: all of a :class:`Trajectories`, or a part of them.

    Attributes:
        runs: the runs that move them, each with the view in which places are given.
        base: their base points, (n, 2).
    """

    @property
    def runs(self) -> Sequence[DrawnRun]: ...

    @property
    def base(self) -> Tensor: ...

    def at(self, moment: Moment) -> Points:
        """Returns places in the frame, (n, 2) (column, row); particles keep their order until a refinement."""
        ...

    def subset(self, runs: Sequence[DrawnRun], first: int, n: int) -> ParticleView:
        """Returns n of the particles in other frames, without integrating again; it is open as long as this is.

        Args:
            runs: the same runs, with other views.
            first: the index of the first of the particles.
            n: how many.
        """
        ...


@dataclass(frozen=True)
class ParticleView:
    """A part of the particles of some trajectories, in other frames.

    Attributes:
        runs, base: as :class:`Motion` has them.
    """

    runs: Sequence[DrawnRun]
    base: Tensor
    _trajectories: Trajectories
    _first: int

    def at(self, moment: Moment) -> Points:
        x = self._trajectories.positions(moment, self._first, len(self.base))
        return self.runs[moment.run].view.to_frame(x, moment.time)

    def subset(self, runs: Sequence[DrawnRun], first: int, n: int) -> ParticleView:
        return ParticleView(runs, self.base[first : first + n], self._trajectories, self._first + first)


class Trajectories(AbstractContextManager["Trajectories"]):
    """Particles at all moments of a timeline, integrated once, and kept in a file so that memory stays bounded.

    Args:
        runs: the runs that the moments name.
        moments: any, in any order, with repetitions.
        z: base points, (n, 2).
        refinements: what takes their place as time goes on, in the order of the times, which are within (0, 1).

    Attributes:
        runs: as given.
        base: base points, (n, 2).
    """

    @torch.no_grad()
    def __init__(
        self, runs: Sequence[DrawnRun], moments: Sequence[Moment], z: Tensor, refinements: Sequence[Refinement] = ()
    ) -> None:
        self.runs, self.base = runs, z
        # Every picture is among them: it decides the colours and the scale of the others.
        distinct = sorted({*moments, *(Moment(run, 1.0) for run in range(len(runs)))})
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 (closed by __exit__)
        self._rows: dict[Moment, tuple[int, int]] = {}  # where each begins in the file, and how many particles it has
        for run, drawn in enumerate(runs):
            flow, x = drawn.flow.relaxed(TOLERANCE), z
            begin = 0.0
            for i, end in enumerate([*(stage.time for stage in refinements), math.inf]):
                times = [moment.time for moment in distinct if moment.run == run and begin <= moment.time < end]
                # A continuous flow goes on to where the next particles take over. Layers cost little from the base on,
                # and what a part of one leaves need not be smooth, so there each stage begins anew.
                stops = times if flow.starts_at_base or end > 1 else [*times, end]
                for time, here in zip(stops, flow.sweep(x, stops, 0.0 if flow.starts_at_base else begin), strict=True):
                    x = here
                    if time < end:
                        self._rows[Moment(run, time)] = (self._file.tell(), len(x))
                        self._file.write(x.cpu().numpy().tobytes())
                if i < len(refinements):
                    begin, x = end, refinements[i].base if flow.starts_at_base else refinements[i].interpolate(x)

    @classmethod
    def record(
        cls, runs: Sequence[DrawnRun], moments: Sequence[Moment], base: Tensor, refinements: Sequence[Refinement] = ()
    ) -> Trajectories:
        return cls(runs, moments, base, refinements)

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def subset(self, runs: Sequence[DrawnRun], first: int, n: int) -> ParticleView:
        return ParticleView(runs, self.base[first : first + n], self, first)

    def at(self, moment: Moment) -> Points:
        return self.runs[moment.run].view.to_frame(self.positions(moment), moment.time)

    def positions(self, moment: Moment, first: int = 0, number: int | None = None) -> Tensor:
        """Returns data coordinates, (number, 2) float32, from the first of the particles on; by default all."""
        row, n = self._rows[moment]
        # Two float32 a particle.
        self._file.seek(row + 8 * first)
        content = self._file.read(8 * (n if number is None else number))
        return torch.frombuffer(bytearray(content), dtype=torch.float32).view(-1, 2)
