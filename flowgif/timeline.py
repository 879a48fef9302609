"""Which moments of which flow are shown, in which order, and for how long."""

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
    "make_timeline",
    "paints",
    "runs_forward",
]

SLOWEST, FASTEST = 0.1, 120.0  # frames a second; a format may play less
# A GIF's delay is a whole number of hundredths of a second, and browsers slow a delay of one down to ten. Up to this
# rate delays are hundredths for all formats, so that they play alike.
FASTEST_IN_HUNDREDTHS = 50.0
MOST_FRAMES = 5000
FRAMES = 60
EXCHANGE = 0.5  # particles swap colours while the time is below this

# The share of the way that is done when a share of the duration has gone by.
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
    """A time of a run's flow. Moments of the same run and time are equal.

    Attributes:
        run: which of the runs, from 0.
        time: within [0, 1]; at 0 all runs show the same cloud.
        after_cut: whether no particle moves here from the frame before it (before the first frame comes the last one):
            a picture was followed by the cloud of the next round, or by the first of several pictures.
    """

    run: int
    time: float
    after_cut: bool = field(default=False, compare=False)


class Paint(NamedTuple):
    """How the particles of a frame are coloured.

    Each particle has a fixed turn in [0, 1). Particles with low <= turn < high have the colours of run ``other``, and
    all others those of run ``run``.

    Attributes:
        run, other: runs.
        low, high: within [0, 1].
    """

    run: int
    other: int
    low: float
    high: float

    @property
    def own(self) -> int:  # alias
        return self.run


@dataclass(frozen=True)
class Timeline:
    """Frames in the order in which they are shown.

    Attributes:
        moments: of each frame.
        delays: how long each frame stays, ticks.
        ticks: how many there are in a second.
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
        """Whether particles move from each frame to the next one; after the last frame comes the first."""
        return tuple(not moment.after_cut for moment in (*self.moments[1:], self.moments[0]))


@dataclass(frozen=True)
class Pace:
    """How time passes, as it was asked for. At most one of frames, frames_per_layer and duration is given.

    Attributes:
        frames: how many from the cloud to a picture, both included; 2 to MOST_FRAMES. None for about FRAMES, with
            every layer's end among them.
        fps: frames a second, SLOWEST to FASTEST.
        hold: how long the first frame and a picture stay, seconds; a frame stays at least as long as any other.
        easing: a name in EASINGS; None for the flow's default.
        bounce: whether the flow also runs back to the cloud, which adds frames - 2.
        picture_first: whether the loop begins with the picture, for viewers that show a single frame.
        loop_back: whether the first of several pictures comes again after the last one.
        frames_per_layer: how many frames from the end of one layer to the end of the next.
        duration: how long it takes from the cloud to a picture, seconds, up to 600.

    Raises:
        UnusableInput: two numbers of frames are given, one is out of its range, or the easing is unknown.
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
        """Returns how many frames there are from the cloud to a picture.

        Args:
            layers: the number of a flow's layers; 0 for a continuous flow.

        Raises:
            UnusableInput: frames_per_layer is given for a flow without layers, or there would be too many frames.
        """
        if self.frames_per_layer is not None and not layers:
            raise UnusableInput("--frames-per-layer: an ffjord flow has no layers; give --frames")
        if self.frames is not None:
            frames = self.frames
        elif self.duration is not None:
            frames = max(2, round(self.duration * self.fps))
        elif layers:
            frames = layers * (self.frames_per_layer or max(2, round(FRAMES / layers))) + 1
        else:
            frames = FRAMES
        if not 2 <= frames <= MOST_FRAMES:
            raise UnusableInput(f"--frames {frames} is out of range; give 2 to {MOST_FRAMES}")
        return frames


def make_timeline(pace: Pace, runs: int = 1, layers: int = 0, easing: str = "linear") -> Timeline:
    """Makes the frames of one run, from its cloud to its picture, or of several, from picture to picture.

    Several pictures flow into each other through the cloud that they share.

    Args:
        pace: how time passes.
        runs: how many.
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
    # Rounding the times at which frames begin, not the delays, keeps the whole as long as it should be.
    begins = [round(ticks * i / rate) for i in range(len(moments) + 1)]
    delays = [after - before for before, after in itertools.pairwise(begins)]
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
    """Returns the rate, frames a second, and how many ticks a second its delays are counted in.

    A rate that hundredths of a second are too coarse for is rounded to a multiple of 1/8, so that every frame is a
    whole number of ticks and the longest hold is still below 2^16 of them.
    """
    if fps <= FASTEST_IN_HUNDREDTHS:
        return fps, 100
    rate = Fraction(fps).limit_denominator(8)
    return float(rate), rate.numerator


def runs_forward(moments: Sequence[Moment], index: int) -> bool:
    """Whether time increases at a frame: in the step into it, or at the start and after a cut in the step out of it."""
    here = moments[index]
    if index > 0 and not here.after_cut:
        before = moments[index - 1]
        return before.run != here.run or before.time <= here.time
    after = moments[index + 1] if index + 1 < len(moments) else here
    return after.after_cut or after.run != here.run or here.time <= after.time


def paints(moments: Sequence[Moment]) -> Iterator[Paint]:
    """Yields how each frame is coloured.

    Between two pictures particles swap colours one by one near the cloud, where all pictures look alike: from time
    EXCHANGE on the way to it, until half of them have swapped at time 0, and all of them at EXCHANGE on the way out.
    """
    for i, moment in enumerate(moments):
        share = max(0.0, 0.5 * (1 - moment.time / EXCHANGE))
        forward = runs_forward(moments, i)
        # On the way out of the cloud, particles that have not swapped yet have the colours of the picture before.
        towards = -1 if forward else 1
        way = (moments[(i + towards * step) % len(moments)].run for step in range(len(moments)))
        other = next((run for run in way if run != moment.run), moment.run)
        yield Paint(moment.run, other, *((1 - share, 1.0) if forward else (0.0, share)))


def flows_on(before: Moment, after: Moment) -> bool:  # alias
    """Whether particles move from one frame to the next one."""
    return not after.after_cut
