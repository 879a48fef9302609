"""Records the frames that a style draws as a film."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from flowgif.animation.config import AnimationConfig
from flowgif.animation.reporter import SILENT, DrawingReporter
from flowgif.drawing.caption import draw_caption
from flowgif.drawing.styles.base import Frame, Style
from flowgif.drawing.trajectories import Motion
from flowgif.formats.film import Film
from flowgif.timeline import Moment, Timeline

__all__ = ["add_captions", "record_film"]


def record_film(
    style: Style, motion: Motion, timeline: Timeline, config: AnimationConfig, reporter: DrawingReporter = SILENT
) -> Film:
    """Draws all frames of a timeline.

    Args:
        style: the style that draws them.
        motion: positions of the particles at the timeline's moments.
        timeline: the moments, and the time for which each is shown.
        config: gives caption, background, number of loops and comment; its preset may require a square.
        reporter: receives the number of each frame.
    """
    frames = style.frames(motion, timeline.moments)
    if config.caption:
        frames = add_captions(frames, timeline.moments, style)
    if config.limits.preset is not None and config.limits.preset.square:
        frames = map(_pad_to_square, frames)
    return Film.record(
        _report(frames, len(timeline.moments), reporter),
        style.colours,
        timeline.delays,
        loops=config.loops,
        comment=config.comment,
        ticks=timeline.ticks,
    )


def add_captions(frames: Iterable[Frame], moments: Sequence[Moment], style: Style) -> Iterator[Frame]:
    """Yields each frame with the name of its moment below it, all names in letters of one size."""
    names = [style.runs[moment.run].flow.time_name(moment.time) for moment in moments]
    widest = max(names, key=len)
    for name, frame in zip(names, frames, strict=True):
        strip = draw_caption(name, frame.shape[1], len(style.text), (widest,))
        yield np.vstack((frame, style.text[strip]))


def _pad_to_square(frame: Frame) -> Frame:
    """Adds background above and below, or on either side."""
    side = max(frame.shape)
    square = np.zeros((side, side), dtype=np.uint8)
    top, left = (side - frame.shape[0]) // 2, (side - frame.shape[1]) // 2
    square[top : top + frame.shape[0], left : left + frame.shape[1]] = frame
    return square


def _report(frames: Iterable[Frame], count: int, reporter: DrawingReporter) -> Iterator[Frame]:
    reporter.begin("drawing frames")
    for number, frame in enumerate(frames, 1):
        yield frame
        reporter.advance(number / count, f"frame {number} of {count}")
