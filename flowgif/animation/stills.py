"""Writes a row of frames as one picture."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from flowgif.animation.animate import Animated
from flowgif.animation.config import AnimationConfig
from flowgif.animation.film import add_captions
from flowgif.animation.motion import integrate
from flowgif.animation.reporter import SILENT, DrawingReporter
from flowgif.drawing.placing import place_runs
from flowgif.drawing.styles.table import STYLES
from flowgif.errors import UnusableInput
from flowgif.flows.base import Flow
from flowgif.formats.table import check_still, write_still
from flowgif.machine.device import use_threads
from flowgif.targets.mixture import GaussianMixture
from flowgif.timeline import FRAMES, Moment

__all__ = ["draw_stills"]


@use_threads(1)
def draw_stills(
    runs: Sequence[tuple[Flow, GaussianMixture]],
    out: Path,
    times: Sequence[float],
    config: AnimationConfig = AnimationConfig(),
    reporter: DrawingReporter = SILENT,
) -> Animated:
    """Writes a PNG with a row of frames.

    Args:
        runs: one flow, with the target that it was fitted to.
        out: a PNG; replaced whole or left alone.
        times: flow time of each frame, in [0, 1], in any order.
        config: content and look of the row; its side is the side of one frame, and its pace is not used.
        reporter: receives progress; silent by default.

    Raises:
        UnusableInput: several runs, a time outside [0, 1], limits of a file, two themes, or the file cannot be
            written.
    """
    if len(runs) > 1:
        raise UnusableInput("--stills shows one run; give one")
    if config.preset is not None or config.max_bytes is not None:
        raise UnusableInput("--stills has no limits; leave --preset and --max-size out")
    if config.look.paired:
        raise UnusableInput("--stills writes one row; give --theme light or --theme dark")
    if not times or not all(0 <= time <= 1 for time in times):
        raise UnusableInput("--times are numbers from 0 (the cloud) to 1 (the picture), with commas between, or layers")
    check_still(out, "--stills")
    style = STYLES[config.style](place_runs(runs, config.side), config.look)
    # No particle moves from one frame of the row to the next.
    moments = [Moment(0, time, after_cut=True) for time in times]
    # Tails show earlier frames, so these are computed at the default speed too.
    before = [[Moment(0, max(0.0, time - i / FRAMES)) for i in range(style.memory, 0, -1)] for time in times]
    drawn_moments = [*moments, *itertools.chain(*before)]
    with integrate(style, drawn_moments, config.points, config.seed, reporter) as motion:
        if style.memory:
            histories = zip(before, moments, strict=True)
            drawn = (
                [*style.frames(motion, [*earlier, replace(moment, after_cut=False)])][-1]
                for earlier, moment in histories
            )
        else:
            drawn = style.frames(motion, moments)
        frames = list(add_captions(drawn, moments, style) if config.caption else drawn)
    gap = np.zeros((frames[0].shape[0], max(2, config.side // 60)), dtype=np.uint8)
    row = np.hstack([part for frame in frames for part in (gap, frame)][1:])
    written = write_still(out, row, style.colours, config.comment)
    return Animated((replace(written, frames=len(times)),), len(times), 0.0, style.remarks)
