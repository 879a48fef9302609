"""Colours without their background look over it as before."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from flowgif.colour.opacity import least_opacity, over, take_from

ROUNDING = 1.0  # colour and opacity are whole numbers of 255

channels = st.tuples(*[st.integers(0, 255)] * 3)


@given(channels, channels, st.floats(0, 1))
def test_a_colour_taken_from_a_ground_gives_it_back(colour: tuple, ground: tuple, more: float) -> None:
    colours = np.array([colour], np.uint8)
    least = least_opacity(colours, ground)
    assert 0 <= least[0] <= 1
    taken = take_from(colours, ground, least + more * (1 - least))
    assert np.abs(over(taken, ground) - colour).max() <= ROUNDING


@given(channels, channels)
def test_with_less_opacity_there_is_no_such_colour(colour: tuple, ground: tuple) -> None:
    colours = np.array([colour], np.uint8)
    opacity = least_opacity(colours, ground) - 0.1
    if opacity[0] > 0.01:
        assert np.abs(over(take_from(colours, ground, opacity), ground) - colour).max() > 0


def test_opaque_and_clear_colours_stay() -> None:
    colours = np.array([[10, 200, 30], [255, 255, 255]], np.uint8)
    taken = take_from(colours, (255, 255, 255), np.array([1.0, 0.0]))
    assert taken.tolist() == [[10, 200, 30, 255], [255, 255, 255, 0]]
