"""The schedule of an animation: the frames, their order, and how long each is shown."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import NamedTuple

from flowgif import names
from flowgif.errors import UnusableInput

__all__ = [
    "EASINGS",
    "FASTEST",
    "FRAMES",
    "SLOWEST",
    "Moment",
    "Pace",
    "Paint",
    "Timeline",
    "assign_paints",
    "make_timeline",
    "time_increases",
]

SLOWEST, FASTEST = 0.1, 120.0  # frames a second; a format may play less
# A GIF's delay is a whole number of hundredths of a second, and browsers slow a delay of one down to ten. Up to this
# rate delays are hundredths for all formats, so that they play alike.
FASTEST_IN_HUNDREDTHS = 50.0
MOST_FRAMES = 5000
FRAMES = 60  # default number of frames from the cloud to a picture; approximate for flows with layers
EXCHANGE = 0.5  # particles swap colours while the flow time is below this

# Maps elapsed time to flow time, both in [0, 1].
EASINGS: names.Table[Callable[[float], float]] = names.Table(
    names.EASINGS,
    {
        "linear": lambda u: u,
        "smooth": lambda u: u * u * (3 - 2 * u),
        "in": lambda u: u * u,
        "out": lambda u: 1 - (1 - u) ** 2,
    },
)


@dataclass(frozen=True, order=True, slots=True)
class Moment:
    """One frame: a run and its flow time. ``after_cut`` is ignored in comparisons.

    Attributes:
        run: index of the run.
        time: flow time in [0, 1]; at 0 all runs show the same cloud.
        after_cut: True if no particle moves from the previous frame to this one, because the picture cuts to the next
            round: to the cloud, or to the first of several pictures. The frame before the first is the last.
    """

    run: int
    time: float
    after_cut: bool = field(default=False, compare=False)


class Paint(NamedTuple):
    """The colours of the particles in a frame.

    Between two pictures particles swap their colours one by one. Each particle has a fixed swap time in [0, 1), its
    turn. Particles with low <= turn < high have the colours of run ``other``, and all others those of run ``run``.

    Attributes:
        run, other: indices of runs.
        low, high: bounds of the turns, in [0, 1].
    """

    run: int
    other: int
    low: float
    high: float


@dataclass(frozen=True)
class Timeline:
    """Frames in the order in which they are shown.

    Attributes:
        moments: the moment of each frame.
        delays: the time for which each frame is shown, ticks.
        ticks: ticks per second.
    """

    moments: tuple[Moment, ...]
    delays: tuple[int, ...]
    ticks: int = 100

    @property
    def seconds(self) -> float:
        return sum(self.delays) / self.ticks

    @property
    def last_picture(self) -> int:
        """The index of the frame that shows the last picture."""
        return max(i for i, moment in enumerate(self.moments) if moment.time == 1)

    @property
    def moves(self) -> tuple[bool, ...]:
        """Tells for each frame whether particles move from it to the next; after the last frame comes the first."""
        return tuple(not moment.after_cut for moment in (*self.moments[1:], self.moments[0]))


@dataclass(frozen=True)
class Pace:
    """The requested speed and order. At most one of frames, frames_per_layer and duration is given.

    Attributes:
        frames: number of frames from the cloud to a picture, both included; 2 to MOST_FRAMES. None for about FRAMES,
            with every layer's end among them.
        fps: frames per second, SLOWEST to FASTEST.
        hold: minimum time, in seconds, that the first frame and each picture are shown; with several runs the first is
            not used.
        easing: a name in EASINGS; None for the flow's default.
        bounce: whether the flow also runs back to the cloud, which adds frames - 2.
        picture_first: whether the loop begins with the picture, for viewers that show a single frame.
        loop_back: whether the first of several pictures comes again after the last one.
        frames_per_layer: number of frames from the end of one layer to the end of the next.
        duration: time from the cloud to a picture, seconds, up to 600.

    Raises:
        UnusableInput: more than one of frames, frames_per_layer and duration is given, a value is out of its range, or
            the easing is unknown.
    """

    frames: int | None = None
    fps: float = 25.0
    hold: tuple[float, float] = (0.0, 1.2)
    easing: str | None = None
    bounce: bool = False
    picture_first: bool = False
    loop_back: bool = False
    frames_per_layer: int | None = None
    duration: float | None = None

    def __post_init__(self) -> None:
        counts = {
            "--frames": self.frames,
            "--frames-per-layer": self.frames_per_layer,
            "--duration": self.duration,
        }
        given = [name for name, value in counts.items() if value is not None]
        if len(given) > 1:
            raise UnusableInput(f"{' and '.join(given)} contradict each other; give one of them")
        if not SLOWEST <= self.fps <= FASTEST:
            raise UnusableInput(f"--fps {self.fps:g} is out of range; give {SLOWEST:g} to {FASTEST:g} frames a second")
        if self.duration is not None and not 0 < self.duration <= 600:
            raise UnusableInput(f"--duration {self.duration:g} is out of range; give up to 600 seconds")
        if self.frames_per_layer is not None and self.frames_per_layer < 1:
            raise UnusableInput(f"--frames-per-layer {self.frames_per_layer} is out of range; give at least 1")
        for seconds in self.hold:
            if not 0 <= seconds <= 60:
                raise UnusableInput(f"--hold {seconds:g} is out of range; give 0 to 60 seconds")
        if self.easing is not None:
            EASINGS.find(self.easing)
        if self.frames_per_layer is None:
            self.count_frames()

    def count_frames(self, layers: int = 0) -> int:
        """Returns the number of frames from the cloud to a picture.

        Args:
            layers: the number of a flow's layers; 0 for a continuous flow.

        Raises:
            UnusableInput: frames_per_layer is given for a flow without layers, or there would be too many frames.
        """
        if self.frames_per_layer is not None and not layers:
            raise UnusableInput("--frames-per-layer: an ffjord flow has no layers; give --frames")
        source = ""
        if self.frames is not None:
            frames = self.frames
        elif self.duration is not None:
            frames = max(2, round(self.duration * self.fps))
            source = f"--duration {self.duration:g} at --fps {self.fps:g}"
        elif layers:
            frames = layers * (self.frames_per_layer or max(2, round(FRAMES / layers))) + 1
            if self.frames_per_layer is not None:
                source = f"--frames-per-layer {self.frames_per_layer} with {layers} layers"
        else:
            frames = FRAMES
        if not 2 <= frames <= MOST_FRAMES:
            if source:
                raise UnusableInput(f"{source} makes {frames} frames; give a lower value, for at most {MOST_FRAMES}")
            raise UnusableInput(f"--frames {frames} is out of range; give 2 to {MOST_FRAMES}")
        return frames


def make_timeline(pace: Pace, runs: int = 1, layers: int = 0, easing: str = "linear") -> Timeline:
    """Makes the frames of one run, from its cloud to its picture, or of several, from picture to picture.

    Several pictures flow into each other through the cloud that they share.

    Args:
        pace: the requested speed and order.
        runs: number of runs.
        layers: the largest number of layers of their flows; 0 if all are continuous.
        easing: the easing where ``pace`` asks for none.

    Raises:
        UnusableInput: bounce with several runs, loop_back with one, or a number of frames that does not suit the flows.
    """
    if runs > 1 and pace.bounce:
        raise UnusableInput("--bounce goes with one run; --loop-back returns to the first of several")
    if runs == 1 and pace.loop_back:
        raise UnusableInput("--loop-back goes with several runs; --bounce flows back to the cloud")
    frames, ease = pace.count_frames(layers), EASINGS.find(pace.easing or easing)
    times = [ease(i / (frames - 1)) for i in range(frames)]
    moments = _one_run(times, pace.bounce) if runs == 1 else _several_runs(times, runs, pace.loop_back)
    rate, ticks = _ticks(pace.fps)
    # Round start times, not delays, so that rounding errors do not add up.
    starts = [round(ticks * i / rate) for i in range(len(moments) + 1)]
    delays = [after - before for before, after in itertools.pairwise(starts)]
    if runs == 1:
        delays[0] = max(delays[0], round(ticks * pace.hold[0]))
    for i, moment in enumerate(moments):
        if moment.time == 1:
            delays[i] = max(delays[i], round(ticks * pace.hold[1]))
    if pace.picture_first:
        first = next(i for i, moment in enumerate(moments) if moment.time == 1)
        moments, delays = moments[first:] + moments[:first], delays[first:] + delays[:first]
    return Timeline(tuple(moments), tuple(delays), ticks)


def _one_run(times: Sequence[float], bounce: bool) -> list[Moment]:
    moments = [Moment(0, time) for time in times]
    if bounce:
        return moments + moments[-2:0:-1]
    return [replace(moments[0], after_cut=True), *moments[1:]]


def _several_runs(times: Sequence[float], runs: int, loop_back: bool) -> list[Moment]:
    moments = [Moment(0, 1.0, after_cut=not loop_back)]
    for run in [*range(1, runs), 0] if loop_back else range(1, runs):
        moments += [Moment(moments[-1].run, time) for time in times[-2::-1]]
        moments += [Moment(run, time) for time in times[1:]]
    return moments[:-1] if loop_back else moments


def _ticks(fps: float) -> tuple[float, int]:
    """Chooses the unit of the delays.

    If hundredths of a second are too coarse for a rate, it is rounded to a multiple of 1/8. So every frame is a whole
    number of ticks, and the longest hold is still below 2^16 ticks.

    Returns:
        The rate, frames per second, and the ticks per second.
    """
    if fps <= FASTEST_IN_HUNDREDTHS:
        return fps, 100
    rate = Fraction(fps).limit_denominator(8)
    return float(rate), rate.numerator


def time_increases(moments: Sequence[Moment], index: int) -> bool:
    """Returns whether flow time increases from the previous frame to this one.

    The first frame and frames after a cut have no previous frame. They are compared with the next frame instead.
    """
    moment = moments[index]
    if index > 0 and not moment.after_cut:
        before = moments[index - 1]
        return before.run != moment.run or before.time <= moment.time
    after = moments[index + 1] if index + 1 < len(moments) else moment
    return after.after_cut or after.run != moment.run or moment.time <= after.time


def assign_paints(moments: Sequence[Moment]) -> Iterator[Paint]:
    """Yields the paint of each frame.

    Between two pictures particles swap colours one by one near the cloud, where all pictures look alike. The swaps
    begin at time EXCHANGE on the way to the cloud. Half of the particles have swapped at time 0, and all of them at
    EXCHANGE on the way out.
    """
    for i, moment in enumerate(moments):
        share = max(0.0, 0.5 * (1 - moment.time / EXCHANGE))
        forward = time_increases(moments, i)
        # On the way out of the cloud, particles that have not swapped yet have the colours of the previous picture. On
        # the way to it, particles that have swapped have those of the next picture.
        direction = -1 if forward else 1
        runs = (moments[(i + direction * step) % len(moments)].run for step in range(len(moments)))
        other = next((run for run in runs if run != moment.run), moment.run)
        yield Paint(moment.run, other, *((1 - share, 1.0) if forward else (0.0, share)))
