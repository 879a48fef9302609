from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pytest
from films import discs, film_of, noise, ramp
from hypothesis import given
from hypothesis import strategies as st

from flowgif.errors import UnusableInput
from flowgif.formats.raster.film import LONGEST, Film
from flowgif.formats.raster.palette import merge_colours, nearest_colours
from flowgif.formats.raster.thin import thin


def test_frames_come_back_any_number_of_times() -> None:
    frames = noise(5, 33, 21, 256)
    with film_of(frames, ramp(256)) as film:
        assert (film.width, film.height, len(film)) == (33, 21, 5)
        for _ in range(2):
            assert all(np.array_equal(a, b) for a, b in zip(film.frames(), frames, strict=True))
        # Two readers at once, and one out of order.
        for a, b, frame in zip(film.frames(), film.frames(), frames, strict=True):
            assert np.array_equal(a, frame)
            assert np.array_equal(film.frame(4), frames[4])
            assert np.array_equal(b, frame)
        assert film.counts.tolist() == np.bincount(np.ravel(frames), minlength=256).tolist()


def test_a_closed_film_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with film_of(discs(), ramp(6)) as film, film.with_levels(3), film.with_frames(2), film.with_size(20):
        pass
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ValueError, match="closed"):
        film.frame(0)


def test_an_interrupted_recording_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    def frames():
        yield from discs(2)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Film.record(frames(), ramp(6), [4] * 6)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("frames", "delays", "more"),
    [
        ([np.zeros((3, 4), np.uint8)], [4, 4], {}),
        ([np.zeros((3, 4), np.uint8), np.zeros((4, 3), np.uint8)], [4, 4], {}),
        ([np.full((3, 4), 6, np.uint8)], [4], {}),
        ([np.zeros((3, 4))], [4], {}),
        ([np.zeros((3, 4), np.uint8)], [0], {}),
        ([np.zeros((3, 4), np.uint8)], [4], {"transparent": 6}),
        ([np.zeros((3, 4), np.uint8)], [4], {"loops": -1}),
        ([], [], {}),
    ],
)
def test_what_does_not_fit_together_is_refused(frames: list, delays: list, more: dict) -> None:
    with pytest.raises((ValueError, TypeError)):
        Film.record(frames, ramp(6), delays, **more)


def test_a_delay_that_no_file_can_say_is_refused() -> None:
    with pytest.raises(UnusableInput, match=r"655\.35 s"):
        film_of(discs(1), ramp(6), [LONGEST + 1])


def test_no_room_for_frames_is_told_in_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "none"))
    with pytest.raises(UnusableInput, match="TMPDIR"):
        film_of(discs(), ramp(6))


DELAYS = st.lists(st.integers(1, 200), min_size=1, max_size=60)


@given(DELAYS, st.integers(1, 70))
def test_fewer_frames_last_as_long(delays: list[int], number: int) -> None:
    kept, after = thin(delays, number)
    assert len(kept) == len(after) == min(number, len(delays))
    assert sum(after) == sum(delays)
    assert list(kept) == sorted(set(kept))
    if number < len(delays):
        assert min(after) >= min(2, sum(delays) // len(after))
    if number > 1:
        assert kept[0] == 0
        assert kept[-1] == len(delays) - 1


@given(st.integers(3, 200), st.data())
def test_frames_go_evenly_and_at_their_moments(count: int, data: st.DataObject) -> None:
    number = data.draw(st.integers(2, count))
    kept, after = thin([4] * count, number)
    gaps = np.diff(kept)
    assert gaps.max() - gaps.min() <= 1
    assert np.cumsum([0, *after[:-1]]).tolist() == [4 * k for k in kept]


@pytest.mark.parametrize("number", range(3, 117))
def test_what_is_held_stays(number: int) -> None:
    """A film that goes to the picture, stays, goes back to the cloud, and stays."""
    delays = [50] + [4] * 58 + [120] + [4] * 58 + [50]
    kept, after = thin(delays, number)
    assert {0, 59, 118} <= set(kept) or number < 4
    assert 59 in kept
    assert after[kept.index(59)] >= 120
    assert sum(after) == sum(delays)


def test_one_frame_is_the_one_that_is_held() -> None:
    assert thin([4, 4, 100, 4], 1) == ((2,), (112,))


def test_fewer_frames_are_frames_of_the_film() -> None:
    frames = discs(10)
    with film_of(frames, ramp(6), [3] * 9 + [90], loops=2, comment="c") as film, film.with_frames(4) as part:
        assert part.delays == (9, 9, 9, 90)
        assert (part.loops, part.comment) == (2, "c")
        assert all(np.array_equal(part.frame(i), frames[k]) for i, k in enumerate((0, 3, 6, 9)))


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


def test_the_see_through_colour_is_kept_and_taken_by_none_unless_it_is_the_background() -> None:
    colours = ramp(16)
    colours[7] = colours[15]  # looks like the ink, but is a hole
    frames = noise(1, 60, 60, 16)
    with film_of(frames, colours, transparent=7) as film, film.with_levels(4) as part:
        assert part.transparent is not None
        assert np.array_equal(part.frame(0) == part.transparent, frames[0] == 7)
        assert part.colours[part.transparent].tolist() == colours[7].tolist()
    with film_of(frames, ramp(16), transparent=0) as film, film.with_levels(2) as part:
        assert part.transparent == 0
        assert len(part.colours) == 2
        # Faint ink becomes background, and does not swell to full ink.
        assert 0.3 < (part.frame(0) == 0).mean() < 0.7


@given(st.integers(1, 40), st.integers(1, 45), st.integers(0, 1000))
def test_merging_keeps_what_must_stay(count: int, levels: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    colours = rng.integers(0, 256, (count, 3)).astype(np.uint8)
    transparent = None if seed % 3 else int(rng.integers(count))
    merged, index = merge_colours(colours, rng.integers(0, 50, count), levels, transparent)
    assert len(merged) <= max(levels, 3)
    assert set(index.tolist()) == set(range(len(merged)))
    for fixed in {0, count - 1, *([] if transparent is None else [transparent])}:
        assert merged[index[fixed]].tolist() == colours[fixed].tolist()
    assert index[0] == 0
    assert index[-1] == len(merged) - 1


def test_a_smaller_film_averages_areas() -> None:
    frame = np.zeros((40, 60), np.uint8)
    frame[:20, :30] = 255
    frame[20:, 30:] = np.tile([[0, 255], [255, 0]], (10, 15))  # a fine chequerboard: half ink
    grey = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, 1)
    with film_of([frame], grey) as film, film.with_size(30) as part:
        assert (part.width, part.height) == (30, 20)
        small = part.frame(0)
        assert (small[:10, :15] == 255).all()
        assert (small[:10, 15:] == 0).all()
        assert np.isin(small[10:, 15:], (127, 128)).all()


def test_fractions_of_pixels_count_by_their_area() -> None:
    """Five pixels to three: each of the three is 5/3 wide."""
    grey = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, 1)
    row = np.array([[0, 30, 60, 90, 120]], np.uint8)
    with film_of([row], grey) as film, film.with_size(3) as part:
        exact = np.array([30 * 2 / 3, 30 / 3 + 60 + 90 / 3, 90 * 2 / 3 + 120]) * 3 / 5
        assert part.frame(0).tolist() == np.rint(exact)[None].tolist()


def test_a_smaller_film_is_see_through_where_most_of_its_area_is() -> None:
    frame = np.zeros((4, 8), np.uint8)
    frame[:, :3] = 5
    with film_of([frame], ramp(6), transparent=0) as film, film.with_size(4) as part:
        # The second pixel is half see-through; its other half has the full ink, which white does not dilute.
        assert part.frame(0).tolist() == [[5, 5, 0, 0]] * 2


@given(st.integers(1, 256), st.integers(0, 1000))
def test_a_palette_is_nearest_to_itself(levels: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    colours = np.unique(rng.integers(0, 256, (levels, 3)).astype(np.uint8), axis=0)
    assert nearest_colours(colours.astype(float), colours).tolist() == list(range(len(colours)))


@pytest.mark.parametrize("change", [lambda f: f.with_levels(6), lambda f: f.with_frames(9), lambda f: f.with_size(99)])
def test_asking_for_what_there_is_changes_nothing(change) -> None:
    with film_of(discs(), ramp(6)) as film:
        with change(film) as same:
            assert np.array_equal(same.colours, film.colours)
            assert same.delays == film.delays
            assert all(np.array_equal(a, b) for a, b in zip(same.frames(), film.frames(), strict=True))
        assert len(list(film.frames())) == 6  # closing the one leaves the other
