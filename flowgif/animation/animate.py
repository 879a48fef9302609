"""Animates trained flows: :func:`animate` draws once and writes all requested outputs."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from flowgif.animation.config import AnimationConfig
from flowgif.animation.film import record_film
from flowgif.animation.motion import integrate
from flowgif.animation.particle_film import MAX_PARTICLES, make_particle_film
from flowgif.animation.reporter import SILENT, DrawingReporter
from flowgif.drawing.placing import place_runs
from flowgif.drawing.styles.base import Style
from flowgif.drawing.styles.table import STYLES
from flowgif.drawing.trajectories import Trajectories
from flowgif.flows.base import Flow
from flowgif.formats.film import Film
from flowgif.formats.table import (
    Written,
    check_output,
    check_rate,
    check_still,
    check_transparency,
    write_output,
    write_still,
)
from flowgif.formats.vector.particles import ParticleFilm
from flowgif.machine import use_threads
from flowgif.targets.mixture import GaussianMixture
from flowgif.timeline import Pace, Timeline, make_timeline

__all__ = ["Animated", "animate"]


@dataclass(frozen=True)
class Animated:
    """The result of :func:`animate`.

    Attributes:
        files: the outputs in the order of ``outs``, then the poster.
        frames, seconds: number of frames and duration of the animation as it was drawn.
        remarks: sentences: the style's remarks, then the quality that was given up for each file's size.
    """

    files: tuple[Written, ...]
    frames: int
    seconds: float
    remarks: tuple[str, ...]


@use_threads(1)  # parts of the particles, and frames, are computed at the same time, each by one thread
def animate(
    runs: Sequence[tuple[Flow, GaussianMixture]],
    outs: Sequence[Path],
    config: AnimationConfig = AnimationConfig(),
    poster: Path | None = None,
    reporter: DrawingReporter = SILENT,
    show: Callable[[Film], None] | None = None,
) -> Animated:
    """Maps base points through one flow, or from picture to picture through several, and writes the animation.

    Args:
        runs: flows, each with the target that it was fitted to; the target only decides the frame, the particles' size
            and, if requested, their colours.
        outs: files in any format, each written whole or not at all; all show the same drawing.
        config: content and look of the animation.
        poster: a PNG of the picture at the end.
        reporter: receives progress; silent by default.
        show: receives the frames after all files are written; they are closed afterwards.

    Raises:
        UnusableInput: a file cannot be written, or the style cannot show these runs.
        CheckFailed: a file cannot be made small enough.
    """
    formats = [check_output(out, config.limits) for out in outs]
    for row in formats:
        check_rate(row, config.pace.fps)
        if config.look.transparent:
            check_transparency(row)
    if poster is not None:
        check_still(poster, "--poster")
    timeline = _make_timeline(config.pace, [flow for flow, _ in runs])
    style = STYLES[config.style](place_runs(runs, config.side), config.look)
    needed = {row.made_of for row in formats} | ({Film} if poster is not None or show is not None else set())
    contents: dict[type, Film | ParticleFilm] = {}
    film: Film | None = None
    with ExitStack() as stack:
        # A page and frames of the same particles share one integration, which is expensive.
        @functools.cache
        def motion_of(style: Style, count: int | None) -> Trajectories:
            return stack.enter_context(integrate(style, timeline.moments, count, config.seed, reporter))

        if ParticleFilm in needed:
            points = style.as_points()
            count = config.points if points is style else min(config.points or MAX_PARTICLES, MAX_PARTICLES)
            contents[ParticleFilm] = make_particle_film(points, motion_of(points, count), timeline, config)
        if Film in needed:
            motion = motion_of(style, config.points)
            contents[Film] = film = stack.enter_context(record_film(style, motion, timeline, config, reporter))
        written: list[Written] = []
        for out, row in zip(outs, formats, strict=True):
            reporter.begin(f"writing {out} ...")
            written.append(write_output(out, contents[row.made_of], config.limits))
        remarks = [*style.remarks, *(f"{file.path}: {file.given_up}" for file in written if file.given_up)]
        if poster is not None and film is not None:
            frame = film.frame(timeline.last_picture)
            written.append(write_still(poster, frame, film.colours, film.comment))
        if show is not None and film is not None:
            show(film)
    return Animated(tuple(written), len(timeline.moments), timeline.seconds, tuple(remarks))


def _make_timeline(pace: Pace, flows: Sequence[Flow]) -> Timeline:
    """Makes the timeline; the flow with the most layers decides all values that ``pace`` leaves open."""
    leading = max(flows, key=lambda flow: len(flow.layer_ends()))
    return make_timeline(pace, len(flows), len(leading.layer_ends()), leading.default_easing)
