"""Integrates the particles that a style draws."""

from __future__ import annotations

from collections.abc import Iterable

from flowgif.animation.reporter import SILENT, DrawingReporter
from flowgif.drawing.styles.base import Style
from flowgif.drawing.trajectories import Trajectories
from flowgif.timeline import Moment

__all__ = ["integrate"]


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
    """
    reporter.begin("integrating the particles' paths ...")
    base, refinements = style.base_points(points, seed), style.refinements(points)
    return Trajectories.record(style.runs, moments, base, refinements)
