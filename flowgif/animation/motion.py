"""Integrates the particles that a style draws."""

from __future__ import annotations

from collections.abc import Iterable

from flowgif.animation.reporter import SILENT, Reporter
from flowgif.drawing.styles.base import Style
from flowgif.drawing.trajectories import Trajectories
from flowgif.timeline import Moment

__all__ = ["integrate"]


def integrate(
    style: Style, moments: Iterable[Moment], points: int | None, seed: int, reporter: Reporter = SILENT
) -> Trajectories:
    """Carries a style's base points through the flows of its runs; the result must be closed.

    Args:
        style: says which base points.
        moments: any, in any order.
        points: about how many; None for the style's default.
        seed: of the base points.
        reporter: is told that it begins.
    """
    reporter.begin("integrating the particles' paths ...")
    base, refinements = style.base_points(points, seed), style.refinements(points)
    return Trajectories.record(style.runs, moments, base, refinements)
