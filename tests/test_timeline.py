"""Which frames are shown, and for how long."""

from __future__ import annotations

import pytest

from flowgif.errors import UnusableInput
from flowgif.timeline import (
    EASINGS,
    FRAMES,
    Moment,
    Pace,
    assign_paints,
    make_timeline,
    time_increases,
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
        ({"frames": 1}, "--frames 1"), ({"frames": 5001}, "--frames 5001"), ({"fps": 0}, "--fps"),
        ({"fps": 121}, "--fps"), ({"hold": (0, -1)}, "--hold"), ({"hold": (float("nan"), 1)}, "--hold"),
        ({"easing": "smoth"}, "unknown --easing 'smoth'; did you mean 'smooth'"),
        ({"frames_per_layer": 0}, "--frames-per-layer 0 is out of range; give at least 1"),
        ({"frames_per_layer": 3, "frames": 5}, "--frames and --frames-per-layer contradict each other"),
        ({"duration": 2.0, "frames": 5}, "contradict"), ({"duration": 0.0}, "--duration 0 is out of range"),
        ({"duration": 601.0}, "--duration 601"), 
        ({"duration": 600.0}, "--duration 600 at --fps 25 makes 15000 frames; give a lower value, for at most 5000"),
    ],
)  # fmt: skip
def test_a_pace_that_cannot_be_names_its_option(values: dict[str, object], option: str) -> None:
    with pytest.raises(UnusableInput, match=option):
        Pace(**values)  # type: ignore[arg-type]


def test_bounce_and_loop_back_know_their_places() -> None:
    with pytest.raises(UnusableInput, match="--loop-back"):
        make_timeline(Pace(loop_back=True), 1)
    with pytest.raises(UnusableInput, match="--bounce"):
        make_timeline(Pace(bounce=True), 2)


def test_every_layers_end_is_among_the_frames() -> None:
    for layers in (1, 4, 6, 12, 70):
        times = [moment.time for moment in make_timeline(Pace(), layers=layers).moments]
        assert all(min(abs(time - i / layers) for time in times) < 1e-9 for i in range(layers + 1))
    assert Pace().count_frames(0) == FRAMES
    assert Pace(frames_per_layer=3).count_frames(6) == 19
    assert Pace(duration=2.0, fps=20).count_frames(0) == 40
    assert Pace(frames=7).count_frames(6) == 7


def test_frames_per_layer_are_for_flows_with_layers() -> None:
    with pytest.raises(UnusableInput, match="--frames-per-layer: an ffjord flow has no layers; give --frames"):
        make_timeline(Pace(frames_per_layer=3))
    with pytest.raises(
        UnusableInput, match="--frames-per-layer 1000 with 7 layers makes 7001 frames; give a lower value"
    ):
        make_timeline(Pace(frames_per_layer=1000), layers=7)


def test_the_flows_easing_is_the_default() -> None:
    assert make_timeline(Pace(5), easing="in") == make_timeline(Pace(5, easing="in"))
    assert make_timeline(Pace(5, easing="out"), easing="in") == make_timeline(Pace(5, easing="out"))
    assert make_timeline(Pace(5), easing="in") != make_timeline(Pace(5, easing="out"))


@pytest.mark.parametrize("frames", [2, 3, 9])
def test_particles_move_on_but_for_the_cut_from_the_picture_to_the_cloud(frames: int) -> None:
    """However few frames there are, and however far apart: ``out`` comes to 0.75 in the first of two steps."""
    whole = 4 * (frames - 1)  # of a morph between three pictures
    for easing in ("linear", "out"):
        for more, runs, cuts in (
            ({}, 1, [frames - 1]),
            ({"picture_first": True}, 1, [0]),
            ({"bounce": True}, 1, []),
            ({"bounce": True, "picture_first": True}, 1, []),
            ({}, 3, [whole]),
            ({"loop_back": True}, 3, []),
        ):
            timeline = make_timeline(Pace(frames=frames, easing=easing, **more), runs)
            assert [i for i, moves in enumerate(timeline.moves) if not moves] == cuts


def test_a_cut_does_not_make_another_moment() -> None:
    """Places are kept by moment, and the cloud is the same one after a cut."""
    assert Moment(0, 0.0, after_cut=True) == Moment(0, 0.0)
    assert len({Moment(0, 0.0, after_cut=True), Moment(0, 0.0)}) == 1


@pytest.mark.parametrize(("fps", "ticks", "delays"), [(50, 100, {2}), (60, 60, {1}), (120, 120, {1}), (62.5, 125, {2})])
def test_above_fifty_frames_a_second_every_frame_lasts_as_long(fps: float, ticks: int, delays: set[int]) -> None:
    timeline = make_timeline(Pace(61, fps, (0, 1.5)))
    assert timeline.ticks == ticks
    assert set(timeline.delays[:-1]) == delays
    assert timeline.seconds == pytest.approx(60 / fps + 1.5, abs=0.51 / ticks)


def test_time_runs_backwards_on_the_way_to_the_cloud_and_nowhere_else() -> None:
    def backwards(pace: Pace, runs: int = 1) -> list[int]:
        moments = make_timeline(pace, runs).moments
        return [i for i in range(len(moments)) if not time_increases(moments, i)]

    assert backwards(Pace(frames=5)) == []
    assert backwards(Pace(frames=5, picture_first=True)) == []
    assert backwards(Pace(frames=5, bounce=True)) == [5, 6, 7]
    # From picture to picture: the first stands, then four frames to the cloud.
    assert backwards(Pace(frames=5), 2) == [0, 1, 2, 3, 4]
    # The same with the fewest frames: to the cloud in one step, and out of it in one.
    assert backwards(Pace(frames=2)) == []
    assert backwards(Pace(frames=2, picture_first=True)) == []
    assert backwards(Pace(frames=2), 3) == [0, 1, 3]


def test_colours_are_exchanged_around_the_cloud() -> None:
    """All have their picture's until half the way, and in the cloud half of them have either picture's."""
    timeline = make_timeline(Pace(frames=9), 2)
    for moment, paint in zip(timeline.moments, assign_paints(timeline.moments), strict=True):
        assert (paint.run, paint.other) == (moment.run, 1 - moment.run)
        share = paint.high - paint.low
        assert share == pytest.approx(max(0.0, 0.5 - moment.time))
        # On the way to the cloud the first change, on the way from it the last still have to.
        assert share == 0 or (paint.low == 0 if moment.run == 0 else paint.high == 1)
    assert all(
        paint.run == paint.other == 0 for paint in assign_paints(make_timeline(Pace(frames=9, bounce=True)).moments)
    )


def test_colours_are_swapped_in_the_cloud_even_if_it_is_the_only_frame_between_two_pictures() -> None:
    moments = make_timeline(Pace(frames=2, loop_back=True), 2).moments
    assert moments == (Moment(0, 1.0), Moment(0, 0.0), Moment(1, 1.0), Moment(1, 0.0))
    found = list(assign_paints(moments))
    assert [(paint.run, paint.other, paint.high - paint.low) for paint in found] == [
        (0, 1, 0.0), (0, 1, 0.5), (1, 0, 0.0), (1, 0, 0.5),
    ]  # fmt: skip
