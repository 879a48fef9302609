"""Makes a particle film, the content of pages and SVGs, from trajectories of particles."""

from __future__ import annotations

import numpy as np

from flowgif.animation.config import AnimationConfig
from flowgif.drawing.colours import Look
from flowgif.drawing.styles.points import PointsStyle
from flowgif.drawing.trajectories import Motion
from flowgif.formats.vector.particles import ParticleFilm, ThemeColours
from flowgif.timeline import Timeline, assign_paints

__all__ = ["make_particle_film"]


def make_particle_film(
    points: PointsStyle, motion: Motion, timeline: Timeline, config: AnimationConfig, most: int
) -> ParticleFilm:
    """Takes the positions of the first particles at all moments of a timeline.

    Args:
        points: gives the particles' radius and colours.
        motion: positions of the particles at the timeline's moments.
        timeline: the moments, and the time for which each is shown.
        config: gives the requested colours, caption, number of loops and comment.
        most: the largest number of particles.
    """
    motion = motion.subset(points.runs, 0, min(len(motion.base), most))
    moments = timeline.moments
    distinct = list(dict.fromkeys(moments))
    row = {moment: i for i, moment in enumerate(distinct)}
    colours = points.particle_colours(motion)
    return ParticleFilm(
        width=points.shape[1],
        height=points.shape[0],
        positions=np.stack([motion.at(moment).astype(np.float32) for moment in distinct]),
        radii=tuple(points.radius(len(motion.base), moment) for moment in moments),
        delays=timeline.delays,
        ticks=timeline.ticks,
        order=tuple(row[moment] for moment in moments),
        moves=timeline.moves,
        still=timeline.last_picture,
        colours=colours,
        paints=tuple(assign_paints(moments)) if colours is not None else None,
        captions=tuple(points.runs[moment.run].flow.time_name(moment.time) for moment in moments)
        if config.caption
        else None,
        loops=config.loops,
        light=_theme_colours(config.look),
        dark=_theme_colours(config.look.dark or config.look),
        comment=config.comment,
    )


def _theme_colours(look: Look) -> ThemeColours:
    return ThemeColours(_hex(look.foreground), "transparent" if look.transparent else _hex(look.background))


def _hex(colour: tuple[int, int, int]) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)
