"""Films in other sizes, rates and palettes."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pytest
from films import discs, film_of, noise, ramp, see_through
from hypothesis import given
from hypothesis import strategies as st

from flowgif.errors import UnusableInput
from flowgif.formats.film import LONGEST, Film


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


def test_fewer_frames_are_frames_of_the_film() -> None:
    frames = discs(10)
    with film_of(frames, ramp(6), [3] * 9 + [90], loops=2, comment="c") as film, film.with_frames(4) as part:
        assert part.delays == (9, 9, 9, 90)
        assert (part.loops, part.comment) == (2, "c")
        assert all(np.array_equal(part.frame(i), frames[k]) for i, k in enumerate((0, 3, 6, 9)))


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


def test_a_smaller_film_averages_opacity_too() -> None:
    frame = np.zeros((4, 8), np.uint8)
    frame[:, :3] = 4
    with film_of([frame], see_through(5)) as film, film.with_size(4) as part:
        assert part.frame(0).tolist() == [[4, 2, 0, 0]] * 2  # the second pixel is half see-through
    # An ink of the background's own colour is told from it by its opacity.
    white = np.array([[255, 255, 255, 0], [255, 255, 255, 255]], np.uint8)
    with film_of([frame // 4], white) as film, film.with_size(2) as part:
        assert part.frame(0).tolist() == [[1, 0]]


def test_the_background_of_a_see_through_film_has_no_opacity() -> None:
    with pytest.raises(ValueError, match="opacity"):
        film_of(discs(1), see_through(6)[::-1].copy())


@pytest.mark.parametrize("change", [lambda f: f.with_levels(6), lambda f: f.with_frames(9), lambda f: f.with_size(99)])
def test_asking_for_what_there_is_changes_nothing(change) -> None:
    with film_of(discs(), ramp(6)) as film:
        with change(film) as same:
            assert np.array_equal(same.colours, film.colours)
            assert same.delays == film.delays
            assert all(np.array_equal(a, b) for a, b in zip(same.frames(), film.frames(), strict=True))
        assert len(list(film.frames())) == 6  # closing the one leaves the other


def test_ticks_go_with_the_film() -> None:
    with film_of(discs(10), ramp(6), [1] * 9 + [60], ticks=60) as film:
        with film.with_frames(4) as a, film.with_levels(3) as b, film.with_size(20) as c:
            for part in (a, b, c):
                assert part.ticks == 60
                assert sum(part.delays) == 69
        # At 60 frames a second no delay is so short that browsers would lengthen it.
        with film.with_frames(9) as part:
            assert part.delays.count(1) == 7
    for ticks, longest in ((50, 32767), (100, 65535), (120, 65535)):
        film_of(discs(1), ramp(6), [longest], ticks=ticks).close()
        with pytest.raises(UnusableInput, match="the most is"):
            film_of(discs(1), ramp(6), [longest + 1], ticks=ticks)
    with pytest.raises(ValueError, match="ticks"):
        film_of(discs(1), ramp(6), ticks=0)


@given(st.lists(st.integers(1, 200), min_size=1, max_size=40), st.integers(1, 1000), st.integers(1, 1000))
def test_delays_in_other_units_last_as_long(delays: list[int], ticks: int, other: int) -> None:
    with film_of([np.zeros((1, 1), np.uint8)] * len(delays), ramp(2), delays, ticks=ticks) as film:
        ends = np.cumsum(film.delays_in(other)) / other
        assert np.abs(ends - np.cumsum(delays) / ticks).max() <= 0.5 / other + 1e-9
        assert film.delays_in(ticks) == film.delays
