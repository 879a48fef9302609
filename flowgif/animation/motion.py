"""Integrates the particles that a style draws."""

from __future__ import annotations

from collections.abc import Iterable

from flowgif.animation.reporter import SILENT, DrawingReporter
from flowgif.drawing.styles.base import Style
from flowgif.drawing.trajectories import Trajectories
from flowgif.errors import UnusableInput
from flowgif.timeline import Moment

__all__ = ["integrate"]

MOST_POSITIONS = 1_000_000_000  # they take eight bytes each in a temporary file


def integrate(
    style: Style, moments: Iterable[Moment], points: int | None, seed: int, reporter: DrawingReporter = SILENT
) -> Trajectories:
    """Maps a style's base points through the flows of its runs; the result must be closed.

    Args:
        style: the style that gives the base points.
        moments: any moments in any order.
        points: approximate number of particles; None for the style's default.
        seed: seed of the base points.
        reporter: receives the start of the task.

    Raises:
        UnusableInput: there are too many positions to keep.
    """
    reporter.begin("integrating the particles' paths ...")
    moments = set(moments)
    base, refinements = style.base_points(points, seed), style.refinements(points)
    if len(base) * len(moments) > MOST_POSITIONS:
        limit = f"more than {MOST_POSITIONS // 10**6} million positions"
        raise UnusableInput(
            f"{len(base)} particles at {len(moments)} moments are {limit}; give fewer --points or --frames"
        )
    return Trajectories.record(style.runs, moments, base, refinements)
