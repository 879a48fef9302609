"""Which frames are shown, and for how long."""

from __future__ import annotations

import pytest

from flowgif.errors import UnusableInput
from flowgif.timeline import (
    EASINGS,
    Moment,
    Pace,
    count_frames,
    flows_on,
    make_timeline,
    moment_name,
    paints,
    runs_forward,
)


def _times(pace: Pace) -> list[float]:
    return [moment.time for moment in make_timeline(pace).moments]


def test_times_run_evenly_from_the_cloud_to_the_picture() -> None:
    pace = Pace(5, 25, (0, 0.8))
    assert _times(pace) == [0.0, 0.25, 0.5, 0.75, 1.0]
    assert make_timeline(pace).delays == (4, 4, 4, 4, 80)


def test_the_delays_of_an_odd_rate_add_up() -> None:
    """At 30 frames a second a frame lasts 3.33 hundredths: 3 or 4, and the whole is right."""
    timeline = make_timeline(Pace(60, 30, (0, 0)))
    assert set(timeline.delays) == {3, 4}
    assert timeline.seconds == 2.0


def test_bounce_comes_back_without_repeating_the_ends() -> None:
    pace = Pace(4, 20, (0.5, 1.0), bounce=True)
    assert _times(pace) == pytest.approx((0, 1 / 3, 2 / 3, 1, 2 / 3, 1 / 3))
    assert make_timeline(pace).delays == (50, 5, 5, 100, 5, 5)


def test_a_hold_never_shortens_a_frame() -> None:
    assert make_timeline(Pace(3, 2, (0, 0))).delays == (50, 50, 50)


@pytest.mark.parametrize(("easing", "middle"), [("linear", 0.5), ("smooth", 0.5), ("in", 0.25), ("out", 0.75)])
def test_frames_are_evenly_spaced_along_the_easing(easing: str, middle: float) -> None:
    times = _times(Pace(11, easing=easing))
    assert times[5] == pytest.approx(middle)
    assert (times[0], times[-1]) == (0, 1)
    assert times == sorted(times)
    assert times == pytest.approx([EASINGS[easing](i / 10) for i in range(11)])


def test_the_picture_can_come_first() -> None:
    timeline = make_timeline(Pace(4, 20, (0, 1.0), picture_first=True))
    assert [moment.time for moment in timeline.moments] == pytest.approx([1, 0, 1 / 3, 2 / 3])
    assert timeline.delays == (100, 5, 5, 5)


def test_a_morph_goes_through_the_cloud_from_picture_to_picture() -> None:
    timeline = make_timeline(Pace(3, 20, (0, 1.0)), runs=3)
    assert timeline.moments == (
        Moment(0, 1.0), Moment(0, 0.5), Moment(0, 0.0), Moment(1, 0.5), Moment(1, 1.0),
        Moment(1, 0.5), Moment(1, 0.0), Moment(2, 0.5), Moment(2, 1.0),
    )  # fmt: skip
    assert [delay for delay in timeline.delays if delay == 100] == [100] * 3


def test_loop_back_returns_to_the_first_without_repeating_it() -> None:
    moments = make_timeline(Pace(3, 20, loop_back=True), runs=2).moments
    assert moments[0] == Moment(0, 1.0)
    assert moments[-3:] == (Moment(1, 0.5), Moment(1, 0.0), Moment(0, 0.5))
    assert moments[-1] != moments[0]


@pytest.mark.parametrize(
    ("values", "option"),
    [
        ({"frames": 1}, "--frames"), ({"fps": 0}, "--fps"), ({"fps": 51}, "--fps"), ({"hold": (0, -1)}, "--hold"),
        ({"hold": (float("nan"), 1)}, "--hold"), ({"easing": "smoth"}, "did you mean 'smooth'"),
    ],
)  # fmt: skip
def test_what_is_out_of_range_names_its_option(values: dict[str, object], option: str) -> None:
    with pytest.raises(UnusableInput, match=option):
        Pace(**values)  # type: ignore[arg-type]


def test_bounce_and_loop_back_know_their_places() -> None:
    with pytest.raises(UnusableInput, match="--loop-back"):
        make_timeline(Pace(loop_back=True), 1)
    with pytest.raises(UnusableInput, match="--bounce"):
        make_timeline(Pace(bounce=True), 2)


def test_every_layers_end_is_among_the_frames() -> None:
    for layers in (1, 4, 6, 12, 70):
        frames = count_frames(layers)
        times = _times(Pace(frames))
        assert all(min(abs(time - i / layers) for time in times) < 1e-9 for i in range(layers + 1))
    assert count_frames(0) == 60
    assert count_frames(6, frames_per_layer=3) == 19
    assert count_frames(0, duration=2.0, fps=20) == 40


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"layers": 0, "frames_per_layer": 3}, "no layers"),
        ({"layers": 3, "frames_per_layer": 0}, "at least 1"),
        ({"layers": 3, "frames_per_layer": 3, "frames": 5}, "contradict"),
        ({"layers": 3, "duration": 2.0, "frames": 5}, "contradict"),
        ({"layers": 3, "duration": 0.0}, "--duration"),
    ],
)
def test_numbers_of_frames_that_cannot_be(arguments: dict[str, int], message: str) -> None:
    with pytest.raises(UnusableInput, match=message):
        count_frames(**arguments)  # type: ignore[arg-type]


def test_a_moment_has_the_name_of_its_layer() -> None:
    assert [moment_name(time, 6) for time in (0, 0.25, 2 / 6, 1)] == ["layer 0", "layer 1.5", "layer 2", "layer 6"]
    assert moment_name(0.35, 0) == "t = 0.35"


def test_particles_flow_on_but_for_the_cut_from_the_picture_to_the_cloud() -> None:
    for pace, runs, cuts in (
        (Pace(frames=9), 1, [8]),
        (Pace(frames=9, picture_first=True), 1, [0]),
        (Pace(frames=9, bounce=True), 1, []),
        (Pace(frames=9, bounce=True, picture_first=True), 1, []),
        (Pace(frames=9), 3, [32]),
        (Pace(frames=9, loop_back=True), 3, []),
    ):
        moments = make_timeline(pace, runs).moments
        pairs = zip(moments, (*moments[1:], moments[0]), strict=True)
        assert [i for i, pair in enumerate(pairs) if not flows_on(*pair)] == cuts


def test_time_runs_backwards_on_the_way_to_the_cloud_and_nowhere_else() -> None:
    def backwards(pace: Pace, runs: int = 1) -> list[int]:
        moments = make_timeline(pace, runs).moments
        return [i for i in range(len(moments)) if not runs_forward(moments, i)]

    assert backwards(Pace(frames=5)) == []
    assert backwards(Pace(frames=5, picture_first=True)) == []
    assert backwards(Pace(frames=5, bounce=True)) == [5, 6, 7]
    # From picture to picture: the first stands, then four frames to the cloud.
    assert backwards(Pace(frames=5), 2) == [0, 1, 2, 3, 4]


def test_colours_are_exchanged_around_the_cloud() -> None:
    """All keep their own picture's until half the way, half of them have either's in the cloud."""
    timeline = make_timeline(Pace(frames=9), 2)
    for moment, paint in zip(timeline.moments, paints(timeline.moments), strict=True):
        assert (paint.own, paint.other) == (moment.run, 1 - moment.run)
        share = paint.high - paint.low
        assert share == pytest.approx(max(0.0, 0.5 - moment.time))
        # On the way to the cloud the first change, on the way from it the last still have to.
        assert share == 0 or (paint.low == 0 if moment.run == 0 else paint.high == 1)
    assert all(paint.own == paint.other == 0 for paint in paints(make_timeline(Pace(frames=9, bounce=True)).moments))
