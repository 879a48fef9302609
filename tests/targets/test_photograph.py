"""Photographs are recognised, and points that are drawn from their ink show what they show."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from stippling import likeness, portrait, sample_photograph, tone_of, voronoi_stipples

from flowgif.targets.image import ImageTarget
from flowgif.targets.inks.ink import ink_of
from flowgif.targets.reading.picture import Picture

PHOTOGRAPHS = {
    "china": lambda: sample_photograph("china.jpg"),
    "flower": lambda: sample_photograph("flower.jpg"),
    "portrait": portrait,
}


@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_photographs_are_recognised(name):
    assert "of a photograph" in ink_of(PHOTOGRAPHS[name]()).remark


def test_a_photograph_is_dark_ink_or_light_ink_as_one_asks():
    image = portrait()
    dark, light = (ink_of(image, kind).ink for kind in ("dark", "light"))
    assert np.corrcoef(dark.reshape(-1), tone_of(image, False).reshape(-1))[0, 1] > 0.8
    assert np.corrcoef(light.reshape(-1), tone_of(image, True).reshape(-1))[0, 1] > 0.8
    assert np.array_equal(ink_of(image).ink, dark)


def test_a_dark_photograph_is_light_ink():
    image = sample_photograph("flower.jpg")
    found = ink_of(image)
    assert "lightness" in found.remark
    assert "--theme dark" in found.remark
    assert np.array_equal(found.ink, ink_of(image, "light").ink)


def test_the_difference_of_a_photograph_is_that_from_its_border():
    found = ink_of(sample_photograph("flower.jpg"), "difference")
    assert "photograph" not in found.remark


def points_of(image):
    """Points drawn from a picture's ink, (8000, 2) in pixels, and the tone that they should show."""
    target = ImageTarget(Picture(image, image.size))
    points = target.to_pixels(target.sample(8000, torch.Generator().manual_seed(0)).double()).numpy()
    return points, tone_of(image, "lightness" in target.remark)


# Independent points vary by about a third of their mean number within the blur. The drawn portrait has few dark and
# few light parts, so this counts for more in it.
@pytest.mark.parametrize(("name", "least"), [("china", 0.9), ("flower", 0.9), ("portrait", 0.85)])
def test_points_drawn_from_a_photograph_show_its_tone(name, least):
    assert likeness(*points_of(PHOTOGRAPHS[name]())) >= least


@pytest.mark.slow
@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_the_yardstick_shows_the_tone_little_better(name):
    points, tone = points_of(PHOTOGRAPHS[name]())
    assert likeness(voronoi_stipples(tone, 8000), tone) - likeness(points, tone) < 0.15
