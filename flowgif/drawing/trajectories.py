"""Integrates the positions of all particles at all moments once, and keeps them in a temporary file."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple, Protocol, Self

import torch
from torch import Tensor

from flowgif.drawing.placing import DrawnRun
from flowgif.drawing.view import Positions
from flowgif.errors import NumericalError
from flowgif.files.temporary import Spool, spool
from flowgif.flows.base import Flow
from flowgif.machine.parallel import ordered_map
from flowgif.timeline import Moment

__all__ = [
    "Motion",
    "ParticleView",
    "Refinement",
    "Trajectories",
]

# Tolerance of a solve, data units. One of a thousand points is further than a pixel from its position in a more
# accurate solve. It is at a place where the flow tears the cloud apart.
TOLERANCE = 1e-5
BYTES = 8  # size of a particle: two float32
PART = 4096  # largest number of particles that are carried together
POINTS_AT_ONCE = 1 << 23  # number of particles, over all times, whose positions are in memory: 64 megabytes


class Refinement(NamedTuple):
    """A denser set of particles that replaces the current one at ``time``.

    Attributes:
        time: flow time, in (0, 1), from which the new particles are drawn.
        base: the new particles' base points, (m, 2).
        interpolate: maps positions of the old particles, (n, 2), to positions of the new ones, (m, 2), data units.
    """

    time: float
    base: Tensor
    interpolate: Callable[[Tensor], Tensor]


class Motion(Protocol):
    """Particles whose positions are known at every moment: all of a :class:`Trajectories`, or a part of them.

    Attributes:
        runs: the runs that move the particles, each with the view in which positions are given.
        base: base points of the particles, (n, 2).
    """

    @property
    def runs(self) -> Sequence[DrawnRun]: ...

    @property
    def base(self) -> Tensor: ...

    def at(self, moment: Moment) -> Positions:
        """Returns positions in the frame, (n, 2), column and row; particles keep their order until a refinement."""
        ...

    def subset(self, runs: Sequence[DrawnRun], first: int, n: int) -> ParticleView:
        """Returns n of the particles in other frames, without integrating again; it is open as long as this is.

        Args:
            runs: the same runs, with other views.
            first: the index of the first of the particles.
            n: number of particles.
        """
        ...


@dataclass(frozen=True, eq=False)
class ParticleView:
    """A part of the particles of some trajectories, in other frames; see :class:`Motion`."""

    runs: Sequence[DrawnRun]
    base: Tensor
    _trajectories: Trajectories
    _first: int

    def at(self, moment: Moment) -> Positions:
        x = self._trajectories.positions(moment, self._first, len(self.base))
        return self.runs[moment.run].view.to_frame(x, moment.time)

    def subset(self, runs: Sequence[DrawnRun], first: int, n: int) -> ParticleView:
        return ParticleView(runs, self.base[first : first + n], self._trajectories, self._first + first)


class _Row(NamedTuple):
    """The start of a moment's positions in the file, bytes, and the number of its particles."""

    start: int
    number: int


@dataclass(frozen=True, eq=False)
class Trajectories:
    """Particles at all moments of a timeline; see :class:`Motion`.

    The positions are in a temporary file, so that memory stays bounded; it vanishes when the trajectories are closed.
    """

    runs: Sequence[DrawnRun]
    base: Tensor
    _store: Spool
    _rows: Mapping[Moment, _Row]

    @classmethod
    @torch.no_grad()
    def record(
        cls,
        runs: Sequence[DrawnRun],
        moments: Iterable[Moment],
        base: Tensor,
        refinements: Sequence[Refinement] = (),
    ) -> Self:
        """Maps base points through the flows, once for all moments.

        Args:
            runs: the runs that the moments name.
            moments: any moments in any order, with repetitions. Every run's picture is recorded too, because it
                decides the colours and the scale of the other frames.
            base: base points, (n, 2).
            refinements: denser particles that replace the first ones, in the order of their times.

        Raises:
            UnusableInput: the temporary file cannot be written.
            NumericalError: a flow cannot be integrated, or its points are not finite.
        """
        distinct = sorted({*moments, *(Moment(run, 1.0) for run in range(len(runs)))})
        rows: dict[Moment, _Row] = {}
        store = spool("positions")
        try:
            for run, drawn in enumerate(runs):
                times = [moment.time for moment in distinct if moment.run == run]
                for time, x in _carry(drawn, times, base, refinements):
                    if not bool(x.isfinite().all()):
                        raise NumericalError("the flow's points are not finite; train again with a lower --lr")
                    rows[Moment(run, time)] = _Row(store.append(x.cpu().numpy().tobytes()), len(x))
        except BaseException:
            store.close()
            raise
        return cls(runs, base, store, rows)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Removes the temporary file; closing again does nothing."""
        self._store.close()

    def at(self, moment: Moment) -> Positions:
        return self.runs[moment.run].view.to_frame(self.positions(moment), moment.time)

    def subset(self, runs: Sequence[DrawnRun], first: int, n: int) -> ParticleView:
        return ParticleView(runs, self.base[first : first + n], self, first)

    def positions(self, moment: Moment, first: int = 0, number: int | None = None) -> Tensor:
        """Returns positions in data coordinates, (number, 2) float32.

        Args:
            moment: one of the recorded moments.
            first: the index of the first particle.
            number: number of particles; None for all from the first on.
        """
        row = self._rows[moment]
        number = row.number - first if number is None else number
        content = self._store.read(row.start + BYTES * first, BYTES * number)
        return torch.frombuffer(bytearray(content), dtype=torch.float32).view(-1, 2)


def _carry(
    drawn: DrawnRun, times: Sequence[float], base: Tensor, refinements: Sequence[Refinement]
) -> Iterator[tuple[float, Tensor]]:
    """Yields each time, and the positions of the particles at that time, (n, 2), data units.

    Args:
        drawn: the run.
        times: increasing times in [0, 1].
        base: base points of the first particles, (n, 2).
        refinements: denser particles that replace the first ones, in the order of their times.
    """
    flow, x, begin = drawn.flow.relaxed(TOLERANCE), base, 0.0
    ends = [*(refinement.time for refinement in refinements), math.inf]
    for end, refinement in zip(ends, [*refinements, None], strict=True):
        times_before_end = [time for time in times if begin <= time < end]
        if flow.starts_at_base:
            # Layers are cheap, and the map of a part of a layer need not be smooth, so each set of particles starts
            # from the base.
            yield from zip(times_before_end, _sweep(flow, x, times_before_end, 0.0), strict=True)
            if refinement is not None:
                x = refinement.base
        else:
            # Solving is expensive, so the solve continues to ``end``, and the next particles start from there.
            stops = times_before_end if refinement is None else [*times_before_end, end]
            for time, after in zip(stops, _sweep(flow, x, stops, begin), strict=True):
                x = after
                if time < end:
                    yield time, x
            if refinement is not None:
                x = refinement.interpolate(x)
        begin = end


def _sweep(flow: Flow, x: Tensor, times: Sequence[float], start: float) -> Iterator[Tensor]:
    """Yields the points (n, 2) at each of the times; parts of the points are carried at the same time, each by itself.

    The parts do not depend on the number of threads, so that points are the same on every machine.

    Args:
        flow: the flow.
        x: (n, 2), at time ``start``.
        times: ascending from ``start``.
        start: within [0, 1].
    """
    count, size = math.ceil(len(x) / PART), max(1, POINTS_AT_ONCE // len(x))
    for first in range(0, len(times), size):
        batch = times[first : first + size]
        points = x.new_empty(len(batch), *x.shape)
        carry = torch.no_grad()(partial(_carry_part, flow, batch, start))  # a thread does not inherit this
        for _ in ordered_map(carry, zip(x.tensor_split(count), points.tensor_split(count, 1), strict=True)):
            pass
        yield from points
        if not flow.starts_at_base:
            x, start = points[-1], batch[-1]


def _carry_part(flow: Flow, times: Sequence[float], start: float, part: tuple[Tensor, Tensor]) -> None:
    """Writes the images of points (n, 2) at each of the k times into a tensor (k, n, 2), the second of ``part``."""
    x, images = part
    for image, after in zip(images, flow.sweep(x, times, start), strict=True):
        image.copy_(after)
