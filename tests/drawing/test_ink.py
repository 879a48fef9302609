"""Ink from particles, against areas, sums and places that are known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter

from flowgif.drawing.ink import arrows, discs, means_around, owners, smooth_mass, streaks

SHAPE = (40, 60)
# A disc's cover is right to first order in the distance of its edge, and its place to a sixteenth of a pixel.
AREA = 0.03


@pytest.mark.parametrize("radius", [0.7, 1.5, 3.0, 7.5])
@pytest.mark.parametrize("place", [(30.0, 20.0), (30.37, 20.81)])
def test_a_disc_has_its_area_and_its_centre(radius: float, place: tuple[float, float]) -> None:
    ink = discs(SHAPE, np.array([place]), radius)
    # Beyond 1 no pixel is inked, which small discs, that no pixel lies within, feel.
    assert ink.sum() == pytest.approx(np.pi * radius**2, rel=max(AREA, 0.12 / radius**2))
    row, column = np.indices(SHAPE)
    assert (ink * column).sum() / ink.sum() == pytest.approx(place[0], abs=0.1)
    assert (ink * row).sum() / ink.sum() == pytest.approx(place[1], abs=0.1)
    assert ink.max() <= 1


def test_discs_add_up_and_those_outside_are_left_out() -> None:
    near = np.array([[10.0, 10.0], [10.0, 10.0]])
    far = np.array([[-50.0, 10.0], [10.0, 500.0], [1e9, -1e9]])
    one = discs(SHAPE, near[:1], 2.0)
    np.testing.assert_allclose(discs(SHAPE, np.concatenate((near, far)), 2.0), 2 * one)


def test_a_disc_across_the_edge_is_cut_off_not_squeezed_in() -> None:
    whole = discs((80, 100), np.array([[20.0, 30.0]]), 6.0)
    cut = discs(SHAPE, np.array([[0.0, 10.0]]), 6.0)
    np.testing.assert_allclose(cut, whole[20:60, 20:80])


def test_a_pixel_belongs_to_the_disc_that_covers_it_most() -> None:
    places, kinds = np.array([[10.0, 10.0], [14.0, 10.0], [40.0, 30.0]]), np.array([3, 5, 7])
    which = owners(SHAPE, places, 3.0, kinds)
    assert which[10, 10] == which[10, 9] == 3
    assert which[10, 14] == which[10, 15] == 5
    assert which[30, 40] == 7
    assert which[0, 0] == which[20, 30] == 0


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.integers(0, 10**6), st.floats(0.8, 6))
def test_smooth_mass_is_a_blurred_histogram(seed: int, sd: float) -> None:
    rng = np.random.default_rng(seed)
    places = rng.integers((0, 0), (SHAPE[1], SHAPE[0]), (200, 2)).astype(float)
    masses = rng.random(200)
    histogram = np.zeros(SHAPE)
    np.add.at(histogram, (places[:, 1].astype(int), places[:, 0].astype(int)), masses)
    # At a pixel's middle nothing is divided between pixels, and the blur makes up for what is divided elsewhere.
    exact = gaussian_filter(histogram, (sd**2 - 1 / 12) ** 0.5, mode="constant", truncate=8)
    # The blur ends after four standard deviations, where it is 6e-5.
    np.testing.assert_allclose(smooth_mass(SHAPE, [(places, masses)], sd), exact, atol=2e-3)


@pytest.mark.parametrize("sd", [0.0, 0.2, 0.5, 0.6, 1.5, 4.0])
def test_a_pixel_has_the_average_over_it(sd: float) -> None:
    """Particles all over a pixel spread as that, the average over a pixel, and the Gaussian do."""
    within = (np.arange(32) + 0.5) / 32 - 0.5
    places = 40 + np.stack(np.meshgrid(within, within), -1).reshape(-1, 2)
    mass = smooth_mass((81, 81), [(places, np.full(len(places), 1 / len(places)))], sd)
    assert mass.sum() == pytest.approx(1, abs=1e-3)
    away = (np.arange(81) - 40) ** 2
    for along in (mass.sum(0), mass.sum(1)):
        assert along @ away == pytest.approx(sd**2 + 2 / 12, rel=2e-3)


def test_between_pixels_mass_is_divided() -> None:
    mass = smooth_mass(SHAPE, [(np.array([[10.25, 20.5]]), np.ones(1))], 12**-0.5)
    np.testing.assert_allclose(mass[20:22, 10:12], [[0.375, 0.125], [0.375, 0.125]])
    assert mass.sum() == pytest.approx(1)


def test_mass_outside_the_frame_is_lost() -> None:
    places = np.array([[10.0, 10.0], [500.0, 10.0], [10.0, -300.0], [20.0, 20.0]])
    assert smooth_mass(SHAPE, [(places, np.full(4, 0.25))], 1.0).sum() == pytest.approx(0.5, abs=1e-4)


def test_means_around_a_lattice_are_weighted_by_a_gaussian() -> None:
    rng = np.random.default_rng(0)
    mass = rng.random(SHAPE)
    rows, columns = np.array([10.0, 20.5]), np.array([15.0, 30.0, 44.25])
    means = means_around(mass, rows, columns, 3.0)
    row, column = np.indices(SHAPE)
    for i, r in enumerate(rows):
        for j, c in enumerate(columns):
            weight = np.exp(-0.5 * ((row - r) ** 2 + (column - c) ** 2) / 9.0)
            assert means[i, j] == pytest.approx((weight * mass).sum() / weight.sum())


def test_streaks_have_the_ink_of_their_length() -> None:
    starts, ends = np.array([[10.0, 10.0], [30.0, 5.0]]), np.array([[20.0, 10.0], [30.0, 25.5]])
    ink = streaks(SHAPE, starts, ends, 0.5)
    assert ink.sum() == pytest.approx(0.5 * (10 + 20.5))
    assert ink[10, 12:18] == pytest.approx(0.5, abs=0.05)
    assert ink[10, 22:28].sum() == ink[27:].sum() == 0


def test_a_particle_that_stands_still_leaves_no_streak() -> None:
    place = np.array([[10.0, 10.0]])
    assert streaks(SHAPE, place, place, 0.5).sum() == 0


def test_an_arrow_points_where_it_goes() -> None:
    ink = arrows(SHAPE, np.array([[10.0, 20.0]]), np.array([[30.0, 0.0]]), 1.4)
    columns = np.flatnonzero(ink.any(0))
    assert columns[0] == pytest.approx(10, abs=1)
    assert columns[-1] == pytest.approx(40, abs=1)
    # The head is wider than the shaft.
    across = (ink > 0.5).sum(0)
    assert across[36] > across[20] >= 1
    assert ink.min() >= 0
    assert ink.max() <= 1
