"""Places runs together in one frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from flowgif.drawing.view import View, make_view
from flowgif.flows.base import Flow
from flowgif.targets.mixture import GaussianMixture

__all__ = ["DrawnRun", "place_runs"]


@dataclass(frozen=True)
class DrawnRun:
    """A run that is drawn.

    Attributes:
        flow: the flow that moves the particles.
        target: the target that the flow was fitted to.
        view: maps data coordinates to positions in the frame.
    """

    flow: Flow
    target: GaussianMixture
    view: View


def place_runs(runs: Sequence[tuple[Flow, GaussianMixture]], side: int) -> list[DrawnRun]:
    """Places runs in one frame with one cloud. The frame is as wide as the widest picture and as high as the highest.

    Args:
        runs: flows, each with the target that it was fitted to.
        side: longer side of each picture with its margin, pixels.
    """
    views = [make_view(target, side) for _, target in runs]
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
    cloud_scale = _mean([view.scale for view in placed])
    cloud_origin = _mean([view.origin for view in placed])
    return [
        DrawnRun(flow, target, replace(view, cloud_scale=cloud_scale, cloud_origin=cloud_origin))
        for (flow, target), view in zip(runs, placed, strict=True)
    ]


def _mean(pairs: Sequence[tuple[float, float]]) -> tuple[float, float]:
    columns, rows = zip(*pairs, strict=True)
    return float(np.mean(columns)), float(np.mean(rows))
