"""Photographs are recognised, and points that are drawn from their ink show what they show."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from drawn_ink import drawn_pictures, held_out_pictures
from stippling import likeness, portrait, sample_photograph, tone_of, voronoi_stipples

from flowgif.targets.image import ImageTarget
from flowgif.targets.ink import ink_of
from flowgif.targets.picture import Picture

PHOTOGRAPHS = {
    "china": lambda: sample_photograph("china.jpg"),
    "flower": lambda: sample_photograph("flower.jpg"),
    "portrait": portrait,
}


@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_photographs_are_recognised(name):
    assert "of a photograph" in ink_of(PHOTOGRAPHS[name]()).remark


def test_drawings_are_no_photographs():
    for picture in (*drawn_pictures(), *held_out_pictures()):
        assert "photograph" not in ink_of(picture.image).remark, picture.name


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


@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_points_drawn_from_a_photograph_show_its_tone(name):
    image = PHOTOGRAPHS[name]()
    target = ImageTarget(Picture(image, image.size))
    tone = tone_of(image, "lightness" in target.remark)
    points = target.to_pixels(target.sample(8000, torch.Generator().manual_seed(0)).double()).numpy()
    assert likeness(points, tone) >= 0.9


@pytest.mark.slow
@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_the_yardstick_shows_the_tone_little_better(name):
    image = PHOTOGRAPHS[name]()
    target = ImageTarget(Picture(image, image.size))
    tone = tone_of(image, "lightness" in target.remark)
    points = target.to_pixels(target.sample(8000, torch.Generator().manual_seed(0)).double()).numpy()
    assert likeness(voronoi_stipples(tone, 8000), tone) - likeness(points, tone) < 0.1
