from __future__ import annotations

import pytest

from flowgif.animation.timeline import make_timeline
from flowgif.errors import UnusableInput


def test_times_run_evenly_from_the_cloud_to_the_picture() -> None:
    timeline = make_timeline(5, 25, 0.8)
    assert timeline.times == (0.0, 0.25, 0.5, 0.75, 1.0)
    assert timeline.delays == (4, 4, 4, 4, 80)


def test_the_delays_of_an_odd_rate_add_up() -> None:
    """At 30 frames a second a frame lasts 3.33 hundredths: 3 or 4, and the whole is right."""
    timeline = make_timeline(60, 30, 0)
    assert set(timeline.delays) == {3, 4}
    assert sum(timeline.delays) == 200


def test_bounce_comes_back_without_repeating_the_ends() -> None:
    timeline = make_timeline(4, 20, 1.0, bounce=True)
    assert timeline.times == pytest.approx((0, 1 / 3, 2 / 3, 1, 2 / 3, 1 / 3))
    assert timeline.delays == (5, 5, 5, 100, 5, 5)


def test_a_hold_never_shortens_the_last_frame() -> None:
    assert make_timeline(3, 2, 0).delays == (50, 50, 50)


@pytest.mark.parametrize(
    ("frames", "fps", "hold", "option"),
    [(1, 25, 1, "--frames"), (60, 0, 1, "--fps"), (60, 51, 1, "--fps"), (60, 25, -1, "--hold")],
)
def test_numbers_out_of_range_name_their_option(frames: int, fps: float, hold: float, option: str) -> None:
    with pytest.raises(UnusableInput, match=option):
        make_timeline(frames, fps, hold)
