"""Which moments of which flow are shown, in which order, and for how long."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from flowgif.errors import UnusableInput, did_you_mean

__all__ = [
    "EASINGS",
    "FASTEST",
    "FRAMES",
    "Moment",
    "Pace",
    "Paint",
    "Timeline",
    "count_frames",
    "flows_on",
    "make_timeline",
    "moment_name",
    "paints",
    "runs_forward",
]

# A GIF's delay is a whole number of hundredths of a second, and browsers slow a delay of one down to ten.
FASTEST = 50.0
SLOWEST = 0.1
MOST_FRAMES = 5000
FRAMES = 60
EXCHANGE = 0.5  # between two pictures, particles exchange their colours while the time is below that
CUT = 0.5  # two frames are further apart than that only where the picture is followed by the cloud

# The share of the way that is done when a share of the duration has gone by.
EASINGS: dict[str, Callable[[float], float]] = {
    "linear": lambda u: u,
    "smooth": lambda u: u * u * (3 - 2 * u),
    "in": lambda u: u * u,
    "out": lambda u: 1 - (1 - u) ** 2,
}


class Moment(NamedTuple):
    """A time of a run's flow.

    Attributes:
        run: which of the runs, from 0.
        time: within [0, 1]; at 0 all runs show the same cloud.
    """

    run: int
    time: float


class Paint(NamedTuple):
    """Which particles have which picture's colours: those whose turn is within [low, high) have the other's.

    Attributes:
        own, other: runs.
        low, high: within [0, 1].
    """

    own: int
    other: int
    low: float
    high: float


@dataclass(frozen=True)
class Timeline:
    """Frames in the order in which they are shown.

    Attributes:
        moments: of each frame.
        delays: how long each frame stays, hundredths of a second.
    """

    moments: tuple[Moment, ...]
    delays: tuple[int, ...]

    @property
    def seconds(self) -> float:
        return sum(self.delays) / 100


@dataclass(frozen=True)
class Pace:
    """How time passes.

    Attributes:
        frames: from the cloud to a picture, both included; 2 to MOST_FRAMES.
        fps: frames a second, SLOWEST to FASTEST.
        hold: how long the first frame and a picture stay, seconds; of no less than a frame.
        easing: a key of EASINGS.
        bounce: also back to the cloud, which adds frames - 2.
        picture_first: the loop begins with the picture: viewers that show a single frame show that.
        loop_back: after the last of several pictures the first one again.

    Raises:
        UnusableInput: a number is out of its range, or the easing is unknown.
    """

    frames: int = FRAMES
    fps: float = 25.0
    hold: tuple[float, float] = (0.0, 1.2)
    easing: str = "linear"
    bounce: bool = False
    picture_first: bool = False
    loop_back: bool = False

    def __post_init__(self) -> None:
        if not 2 <= self.frames <= MOST_FRAMES:
            raise UnusableInput(f"--frames {self.frames} is out of range; give 2 to {MOST_FRAMES}")
        if not SLOWEST <= self.fps <= FASTEST:
            raise UnusableInput(
                f"--fps {self.fps:g} is out of range; a GIF plays {SLOWEST:g} to {FASTEST:g} frames a second"
            )
        for seconds in self.hold:
            if not 0 <= seconds <= 60:
                raise UnusableInput(f"--hold {seconds:g} is out of range; give 0 to 60 seconds")
        if self.easing not in EASINGS:
            raise UnusableInput(f"unknown --easing '{self.easing}'; {did_you_mean(self.easing, EASINGS)}")


def count_frames(
    layers: int,
    frames: int | None = None,
    frames_per_layer: int | None = None,
    duration: float | None = None,
    fps: float = 25.0,
) -> int:
    """How many frames there are from the cloud to the picture; by default some FRAMES, every layer's end among them.

    Args:
        layers: of the flow; 0 for a continuous one.
        frames: a number asked for.
        frames_per_layer: or that from the end of one layer to the end of the next.
        duration: or how long they take, seconds.
        fps: frames a second.

    Raises:
        UnusableInput: two of them are given, or frames_per_layer for a flow without layers, or one is out of its range.
    """
    given = {"--frames": frames, "--frames-per-layer": frames_per_layer, "--duration": duration}
    names = [name for name, value in given.items() if value is not None]
    if len(names) > 1:
        raise UnusableInput(f"{' and '.join(names)} contradict each other; give one of them")
    if duration is not None:
        if not 0 < duration <= 600:
            raise UnusableInput(f"--duration {duration:g} is out of range; give up to 600 seconds")
        return max(2, round(duration * fps))
    if frames_per_layer is None:
        if frames is not None or layers == 0:
            return FRAMES if frames is None else frames
        frames_per_layer = max(2, round(FRAMES / layers))
    elif layers == 0:
        raise UnusableInput("--frames-per-layer: an ffjord flow has no layers; give --frames")
    elif frames_per_layer < 1:
        raise UnusableInput(f"--frames-per-layer {frames_per_layer} is out of range; give at least 1")
    return layers * frames_per_layer + 1


def make_timeline(pace: Pace, runs: int = 1) -> Timeline:
    """The frames of one run, from its cloud to its picture, or of several, from picture to picture through the cloud.

    Args:
        pace: how time passes.
        runs: how many.

    Raises:
        UnusableInput: bounce with several runs, or loop_back with one.
    """
    if runs > 1 and pace.bounce:
        raise UnusableInput("--bounce goes with one run; --loop-back returns to the first of several")
    if runs == 1 and pace.loop_back:
        raise UnusableInput("--loop-back goes with several runs; --bounce flows back to the cloud")
    moments = _in_order(pace, runs)
    # Rounding the moments, not the delays, keeps the whole as long as it should be.
    places = [round(100 * i / pace.fps) for i in range(len(moments) + 1)]
    delays = [after - before for before, after in itertools.pairwise(places)]
    if runs == 1:
        delays[0] = max(delays[0], round(100 * pace.hold[0]))
    for i, moment in enumerate(moments):
        if moment.time == 1:
            delays[i] = max(delays[i], round(100 * pace.hold[1]))
    if pace.picture_first:
        first = next(i for i, moment in enumerate(moments) if moment.time == 1)
        moments, delays = moments[first:] + moments[:first], delays[first:] + delays[:first]
    return Timeline(tuple(moments), tuple(delays))


def _in_order(pace: Pace, runs: int) -> list[Moment]:
    ease = EASINGS[pace.easing]
    up = [ease(i / (pace.frames - 1)) for i in range(pace.frames)]
    if runs == 1:
        there = [Moment(0, time) for time in up]
        return there + there[-2:0:-1] if pace.bounce else there
    moments = [Moment(0, 1.0)]
    for run in [*range(1, runs), 0] if pace.loop_back else range(1, runs):
        moments += [Moment(moments[-1].run, time) for time in up[-2::-1]]
        moments += [Moment(run, time) for time in up[1:]]
    return moments[:-1] if pace.loop_back else moments


def flows_on(before: Moment, after: Moment) -> bool:
    """Whether particles flow from one frame to the next, instead of the picture being cut to the cloud."""
    if before.run == after.run:
        return abs(after.time - before.time) <= CUT
    return before.time + after.time <= CUT  # through the cloud that all runs share


def runs_forward(moments: Sequence[Moment], index: int) -> bool:
    """Whether time runs forward at a frame: on the way that particles come to it, or where there is none, go on."""
    here = moments[index]
    if index > 0 and moments[index - 1].run == here.run and flows_on(moments[index - 1], here):
        return moments[index - 1].time <= here.time
    after = moments[index + 1] if index + 1 < len(moments) else here
    return after.run != here.run or not flows_on(here, after) or here.time <= after.time


def paints(moments: Sequence[Moment]) -> Iterator[Paint]:
    """Yields each frame's; between two pictures particles exchange their colours around the cloud, one by one."""
    for i, moment in enumerate(moments):
        share = max(0.0, 0.5 * (1 - moment.time / EXCHANGE))
        forward = runs_forward(moments, i)
        # Out of the cloud they have still to give away the colours of the picture that was before.
        way = moments[i::-1] if forward else moments[i:]
        other = next((each.run for each in way if each.run != moment.run), moment.run)
        yield Paint(moment.run, other, *((1 - share, 1.0) if forward else (0.0, share)))


def moment_name(time: float, layers: int) -> str:
    """'layer 3', between layers 'layer 3.4', and 't = 0.35' for a flow without layers.

    Args:
        time: within [0, 1].
        layers: of the flow; 0 for a continuous one.
    """
    if layers == 0:
        return f"t = {time:.2f}"
    done = time * layers
    # A number that is rounded to a layer is not yet there, or no longer: only the layer itself has no decimal.
    return f"layer {round(done)}" if abs(done - round(done)) < 1e-6 else f"layer {done:.1f}"
