"""Particle films: the positions, sizes and colours that pages show."""

from __future__ import annotations

import numpy as np
import pytest
from known_flows import CIRCLES, MOONS, Shift

from flowgif.animation.config import AnimationConfig
from flowgif.animation.motion import integrate
from flowgif.animation.particle_film import make_particle_film
from flowgif.drawing.colours import make_look
from flowgif.drawing.placing import place_runs
from flowgif.drawing.styles.points import PointsStyle
from flowgif.formats.vector.particles import ParticleFilm
from flowgif.targets.mixture import GaussianMixture
from flowgif.timeline import Moment, Pace, make_timeline

MOST = 3000


def _film(pace: Pace, count: int, *targets: GaussianMixture, **more: object) -> tuple[PointsStyle, ParticleFilm]:
    config = AnimationConfig(size=800, points=count, pace=pace, **more)  # type: ignore[arg-type]
    style = PointsStyle(place_runs([(Shift(), target) for target in targets], config.side), config.look)
    timeline = make_timeline(pace, len(targets))
    with integrate(style, timeline.moments, count, 0) as motion:
        return style, make_particle_film(style, motion, timeline, config, MOST)


def test_in_a_morph_particles_have_the_size_of_each_picture_and_of_the_cloud() -> None:
    style, film = _film(Pace(3), 2900, MOONS, CIRCLES)
    moments = [Moment(0, 1.0), Moment(0, 0.5), Moment(0, 0.0), Moment(1, 0.5), Moment(1, 1.0)]
    assert film.radii == tuple(style.radius(2900, moment) for moment in moments)
    first, _, cloud, _, last = film.radii
    assert first != last
    assert cloud == pytest.approx((first + last) / 2)


def test_of_one_picture_all_particles_have_one_size() -> None:
    style, film = _film(Pace(4), 50, MOONS)
    assert set(film.radii) == {style.radius(50, Moment(0, 1.0))}


def test_many_particles_are_too_many_for_a_page() -> None:
    style, film = _film(Pace(2), MOST + 500, MOONS)
    assert film.positions.shape == (2, MOST, 2)
    # Fewer of them are larger, so that the ink stays.
    assert film.radii[0] == style.radius(MOST, Moment(0, 0.0)) > style.radius(MOST + 500, Moment(0, 0))


def test_a_bounce_keeps_each_moment_once() -> None:
    _, film = _film(Pace(4, bounce=True), 50, MOONS)
    assert film.order == (0, 1, 2, 3, 2, 1)
    assert len(film.positions) == 4
    assert film.still == 3
    assert all(film.moves)
    assert np.isfinite(film.positions).all()


def test_the_ticks_are_the_timelines() -> None:
    _, film = _film(Pace(4, fps=60, hold=(0, 0)), 50, MOONS)
    assert (film.ticks, film.delays) == (60, (1, 1, 1, 1))


def test_colours_set_by_the_user_apply_to_both_themes() -> None:
    _, film = _film(Pace(2), 5, MOONS, look=make_look(fg="red"))
    assert film.light == film.dark
    assert film.light.foreground == "#ff0000"
    _, film = _film(Pace(2), 5, MOONS, look=make_look("auto", fg="red"))
    assert (film.light.background, film.dark.background) == ("#ffffff", "#0d1117")
    assert film.light.foreground == film.dark.foreground == "#ff0000"


def test_a_theme_is_one_for_all_readers_and_without_one_readers_decide() -> None:
    _, film = _film(Pace(2), 5, MOONS, look=make_look("dark"))
    assert film.light == film.dark
    assert film.light.background == "#0d1117"
    _, film = _film(Pace(2), 5, MOONS, look=make_look())
    assert (film.light.background, film.dark.background) == ("#ffffff", "#0d1117")
    _, film = _film(Pace(2), 5, MOONS, look=make_look("auto", transparent=True))
    assert film.light.background == film.dark.background == "transparent"
    assert film.light.foreground != film.dark.foreground
    assert film.paints is None
    assert film.captions is None
