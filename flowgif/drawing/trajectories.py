"""Where every particle is at every moment: integrated once, kept in a temporary file."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol, Self

import torch
from torch import Tensor

from flowgif.drawing.placing import DrawnRun
from flowgif.drawing.view import Places
from flowgif.files import Spool, spool
from flowgif.timeline import Moment

__all__ = [
    "Motion",
    "ParticleView",
    "Refinement",
    "Trajectories",
]

# Solves are this accurate, data units. Of a thousand points one is further than a pixel from where a tighter solve
# takes it: where the flow tears the cloud apart.
TOLERANCE = 1e-5
BYTES = 8  # of a particle: two float32


class Refinement(NamedTuple):
    """A denser set of particles that replaces the current one at ``time``.

    Attributes:
        time: of a flow, within (0, 1); from here on the new particles are drawn.
        base: the new particles' base points, (m, 2).
        interpolate: maps the old particles' positions, (n, 2), to the new ones', (m, 2), data units.
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

    def at(self, moment: Moment) -> Places:
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


@dataclass(frozen=True, eq=False)
class ParticleView:
    """A part of the particles of some trajectories, in other frames; see :class:`Motion`."""

    runs: Sequence[DrawnRun]
    base: Tensor
    _trajectories: Trajectories
    _first: int

    def at(self, moment: Moment) -> Places:
        x = self._trajectories.positions(moment, self._first, len(self.base))
        return self.runs[moment.run].view.to_frame(x, moment.time)

    def subset(self, runs: Sequence[DrawnRun], first: int, n: int) -> ParticleView:
        return ParticleView(runs, self.base[first : first + n], self._trajectories, self._first + first)


class _Row(NamedTuple):
    """Where a moment's positions begin in the file, and how many particles they are of."""

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
        """Carries base points through the flows, once for all moments.

        Args:
            runs: the runs that the moments name.
            moments: any, in any order, with repetitions. Every run's picture is recorded besides: it decides the
                colours and the scale of the other frames.
            base: base points, (n, 2).
            refinements: denser particles that replace these as time goes on, in the order of their times.

        Raises:
            UnusableInput: the temporary file cannot be written.
            NumericalError: a flow cannot be integrated.
        """
        distinct = sorted({*moments, *(Moment(run, 1.0) for run in range(len(runs)))})
        rows: dict[Moment, _Row] = {}
        store = spool("positions")
        try:
            for run, drawn in enumerate(runs):
                times = [moment.time for moment in distinct if moment.run == run]
                for time, x in _carry(drawn, times, base, refinements):
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

    def at(self, moment: Moment) -> Places:
        return self.runs[moment.run].view.to_frame(self.positions(moment), moment.time)

    def subset(self, runs: Sequence[DrawnRun], first: int, n: int) -> ParticleView:
        return ParticleView(runs, self.base[first : first + n], self, first)

    def positions(self, moment: Moment, first: int = 0, number: int | None = None) -> Tensor:
        """Returns positions in data coordinates, (number, 2) float32, from the first of the particles on.

        Args:
            moment: one of those that were recorded.
            first: the index of the first particle.
            number: of particles; None for all from the first on.
        """
        row = self._rows[moment]
        number = row.number - first if number is None else number
        content = self._store.read(row.start + BYTES * first, BYTES * number)
        return torch.frombuffer(bytearray(content), dtype=torch.float32).view(-1, 2)


def _carry(
    drawn: DrawnRun, times: Sequence[float], base: Tensor, refinements: Sequence[Refinement]
) -> Iterator[tuple[float, Tensor]]:
    """Yields each time, and where the particles of that time are, (n, 2), data units.

    Args:
        drawn: the run.
        times: rising, within [0, 1].
        base: base points of the first particles, (n, 2).
        refinements: what replaces them.
    """
    flow, x, begin = drawn.flow.relaxed(TOLERANCE), base, 0.0
    ends = [*(refinement.time for refinement in refinements), math.inf]
    for end, refinement in zip(ends, [*refinements, None], strict=True):
        here = [time for time in times if begin <= time < end]
        if flow.starts_at_base:
            # Layers cost little from the base on, and part of a layer need not leave a smooth map, so each set of
            # particles is carried from the base.
            yield from zip(here, flow.sweep(x, here), strict=True)
            if refinement is not None:
                x = refinement.base
        else:
            # A solve is dear, so it goes on to the time where the next particles take over, and these start there.
            stops = here if refinement is None else [*here, end]
            for time, after in zip(stops, flow.sweep(x, stops, begin), strict=True):
                x = after
                if time < end:
                    yield time, x
            if refinement is not None:
                x = refinement.interpolate(x)
        begin = end
