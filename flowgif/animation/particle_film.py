"""Makes a particle film, the content of pages, from trajectories of particles."""

from __future__ import annotations

import numpy as np

from flowgif.animation.config import AnimationConfig
from flowgif.drawing.colours import THEMES, Look
from flowgif.drawing.styles.points import PointsStyle
from flowgif.drawing.trajectories import Motion
from flowgif.formats.vector.particles import ParticleFilm, ThemeColours
from flowgif.timeline import Timeline, assign_paints

__all__ = ["MAX_PARTICLES", "make_particle_film"]

MAX_PARTICLES = 3000  # with so few, a page is smaller than a megabyte


def make_particle_film(
    points: PointsStyle, motion: Motion, timeline: Timeline, config: AnimationConfig
) -> ParticleFilm:
    """Takes the positions of the first MAX_PARTICLES particles at all moments of a timeline.

    Args:
        points: gives the particles' radius and colours.
        motion: positions of the particles at the timeline's moments.
        timeline: the moments, and the time for which each is shown.
        config: gives the requested colours, caption, number of loops and comment.
    """
    motion = motion.subset(points.runs, 0, min(len(motion.base), MAX_PARTICLES))
    moments = timeline.moments
    distinct = list(dict.fromkeys(moments))
    row = {moment: i for i, moment in enumerate(distinct)}
    colours = points.particle_colours(motion)
    light, dark = _themes(config.look)
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
        light=light,
        dark=dark,
        comment=config.comment,
    )


def _themes(look: Look) -> tuple[ThemeColours, ThemeColours]:
    """Returns the light and the dark theme; colours set by the user apply to both, and so does transparency."""
    themes = [(theme.foreground, theme.background) for theme in THEMES.values()]
    requested = (look.foreground, look.background)
    light, dark = themes if requested in themes else (requested, requested)
    foregrounds = (_hex(light[0]), _hex(dark[0]))
    backgrounds = ("transparent",) * 2 if look.transparent else (_hex(light[1]), _hex(dark[1]))
    on_light, on_dark = map(ThemeColours, foregrounds, backgrounds)
    return on_light, on_dark


def _hex(colour: tuple[int, int, int]) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)
