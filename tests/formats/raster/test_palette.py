"""Palettes with fewer colours."""

from __future__ import annotations

import numpy as np
import pytest
from films import film_of, noise, ramp, see_through
from hypothesis import given
from hypothesis import strategies as st

from flowgif.formats.raster.palette import merge_colours, nearest_colours


@pytest.mark.parametrize("levels", [2, 3, 5, 8, 15])
def test_fewer_levels_of_a_ramp_are_a_ramp(levels: int) -> None:
    with film_of(noise(2, 60, 60, 16), ramp(16)) as film, film.with_levels(levels) as part:
        assert len(part.colours) == levels
        assert part.colours[0].tolist() == film.colours[0].tolist()
        assert part.colours[-1].tolist() == film.colours[-1].tolist()
        assert (np.diff(part.colours.astype(int), axis=0) < 0).all()
        error = np.abs(part.colours[part.frame(0)].astype(int) - film.colours[film.frame(0)])
        # Half of the widest step there must be, and half of one that is merged into another.
        assert error.max() <= 235 / (levels - 1)


def test_few_distinct_colours_all_survive() -> None:
    """64 hues times four shades, of which three hues are used: these stay apart."""
    rng = np.random.default_rng(1)
    hues = rng.integers(0, 200, (64, 3))
    hues[[3, 30, 60]] = (200, 0, 0), (0, 160, 0), (0, 0, 200)
    colours = np.concatenate([255 - (255 - hues) * shade // 4 for shade in range(1, 5)]).astype(np.uint8)
    colours[0] = 255
    frame = np.zeros((30, 30), np.uint8)
    frame[:2, :5], frame[10:12, :5], frame[20:22, :5] = 192 + 3, 192 + 30, 192 + 60
    with film_of([frame], colours) as film, film.with_levels(6) as part:
        looks, looked = part.colours[part.frame(0)].astype(int), film.colours[frame].astype(int)
        assert np.abs(looks - looked).max() <= 2


def test_see_through_colours_are_merged_by_look_and_opacity() -> None:
    colours = see_through(16)
    colours[15] = (*colours[0, :3], 255)  # looks like the background, but hides what is behind it
    frames = noise(1, 60, 60, 16)
    with film_of(frames, colours) as film, film.with_levels(4) as part:
        assert part.colours[0].tolist() == colours[0].tolist()
        assert part.colours[-1].tolist() == colours[15].tolist()
        assert np.array_equal(part.frame(0) == 3, frames[0] == 15)
        opacity = part.colours[:, 3].astype(int)
        assert (np.diff(opacity) > 20).all()
        # The ink has its own colour at every opacity.
        assert np.abs(part.colours[1:-1, :3].astype(int) - (20, 30, 60)).max() <= 8
    with film_of(frames, see_through(16)) as film, film.with_levels(2) as part:
        assert part.colours.tolist() == see_through(16)[[0, 15]].tolist()
        # Faint ink becomes background, and does not swell to full ink.
        assert 0.3 < (part.frame(0) == 0).mean() < 0.7


@given(st.integers(1, 40), st.integers(1, 45), st.integers(0, 1000))
def test_merging_keeps_what_must_stay(count: int, levels: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    colours = rng.integers(0, 256, (count, 3)).astype(np.uint8)
    if seed % 3 == 0:
        colours = np.column_stack((colours, rng.integers(0, 256, count).astype(np.uint8)))
        colours[0, 3] = 0
    merged, index = merge_colours(colours, rng.integers(0, 50, count), levels)
    assert len(merged) <= max(levels, 2)
    assert set(index.tolist()) == set(range(len(merged)))
    for fixed in {0, count - 1}:
        assert merged[index[fixed]].tolist() == colours[fixed].tolist()
    assert index[0] == 0
    assert index[-1] == len(merged) - 1


@given(st.integers(1, 256), st.integers(0, 1000))
def test_a_palette_is_nearest_to_itself(levels: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    colours = np.unique(rng.integers(0, 256, (levels, 3)).astype(np.uint8), axis=0)
    assert nearest_colours(colours.astype(float), colours).tolist() == list(range(len(colours)))
