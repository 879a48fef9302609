"""Animates trained flows: :func:`animate` draws once and writes every output that was asked for."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from flowgif.animation.config import AnimationConfig
from flowgif.animation.film import record_film
from flowgif.animation.motion import integrate
from flowgif.animation.particle_film import MAX_PARTICLES, make_particle_film
from flowgif.animation.reporter import SILENT, Reporter
from flowgif.drawing.placing import place_runs
from flowgif.drawing.styles.base import Style
from flowgif.drawing.styles.table import STYLES
from flowgif.drawing.trajectories import Trajectories
from flowgif.flows.base import Flow
from flowgif.formats.raster.film import Film
from flowgif.formats.table import Written, check_output, check_rate, check_still, write_output, write_still
from flowgif.formats.vector.particles import ParticleFilm
from flowgif.targets.mixture import GaussianMixture
from flowgif.timeline import Pace, Timeline, make_timeline

__all__ = ["Animated", "animate"]


@dataclass(frozen=True)
class Animated:
    """What was written.

    Attributes:
        files: each output, in the order in which they were asked for, then the poster.
        frames, seconds: of the animation as it was drawn.
        remarks: what the style has to say, then what was given up for a file's size, a sentence each.
    """

    files: tuple[Written, ...]
    frames: int
    seconds: float
    remarks: tuple[str, ...]


def animate(
    runs: Sequence[tuple[Flow, GaussianMixture]],
    outs: Sequence[Path],
    config: AnimationConfig = AnimationConfig(),
    poster: Path | None = None,
    reporter: Reporter = SILENT,
) -> Animated:
    """Carries base points through one flow, or from picture to picture through several, and writes what they show.

    Args:
        runs: flows, each with the target that it was fitted to; the target only decides about the frame, the particles'
            size and, where that is asked for, their colours.
        outs: files in any format, each replaced whole or left alone; all show the same drawing.
        config: what is drawn.
        poster: a PNG of the picture at the end.
        reporter: is told of the progress; by default nobody is.

    Raises:
        UnusableInput: a file cannot be written, or the style cannot show these runs.
        CheckFailed: a file cannot be made as small as was asked for.
    """
    formats = [check_output(out, config.limits) for out in outs]
    for row in formats:
        check_rate(row, config.pace.fps)
    if poster is not None:
        check_still(poster, "--poster")
    timeline = _make_timeline(config.pace, [flow for flow, _ in runs])
    style = STYLES[config.style](place_runs(runs, config.side), config.look)
    needed = {row.made_of for row in formats} | ({Film} if poster is not None else set())
    contents: dict[type, Film | ParticleFilm] = {}
    film: Film | None = None
    with ExitStack() as stack:

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
            written.append(write_still(poster, frame, film.colours, film.transparent, film.comment))
    return Animated(tuple(written), len(timeline.moments), timeline.seconds, tuple(remarks))


def _make_timeline(pace: Pace, flows: Sequence[Flow]) -> Timeline:
    """Makes the timeline; the flow with the most layers decides what ``pace`` leaves open."""
    leading = max(flows, key=lambda flow: len(flow.layer_ends()))
    return make_timeline(pace, len(flows), len(leading.layer_ends()), leading.default_easing)
