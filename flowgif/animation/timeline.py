"""Which moments of the flow are shown, and for how long."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from flowgif.errors import UnusableInput

__all__ = ["FASTEST", "Timeline", "make_timeline"]

# A GIF's delay is a whole number of hundredths of a second, and browsers slow a delay of one down to ten.
FASTEST = 50.0
SLOWEST = 0.1
MOST_FRAMES = 5000


@dataclass(frozen=True)
class Timeline:
    """Frames in the order in which they are shown.

    Attributes:
        times: of the flow, each in [0, 1].
        delays: how long each frame stays, hundredths of a second.
    """

    times: tuple[float, ...]
    delays: tuple[int, ...]


def make_timeline(frames: int, fps: float, hold: float, bounce: bool = False) -> Timeline:
    """Evenly spaced times from 0 to 1.

    Args:
        frames: from the cloud to the picture, both included; 2 to MOST_FRAMES.
        fps: frames a second, SLOWEST to FASTEST.
        hold: how long the picture stays, seconds.
        bounce: also back to the cloud, which adds frames - 2.

    Raises:
        UnusableInput: a number is out of its range.
    """
    if not 2 <= frames <= MOST_FRAMES:
        raise UnusableInput(f"--frames {frames} is out of range; give 2 to {MOST_FRAMES}")
    if not SLOWEST <= fps <= FASTEST:
        raise UnusableInput(f"--fps {fps:g} is out of range; a GIF plays {SLOWEST:g} to {FASTEST:g} frames a second")
    if not 0 <= hold <= 60:
        raise UnusableInput(f"--hold {hold:g} is out of range; give 0 to 60 seconds")
    times = [i / (frames - 1) for i in range(frames)]
    if bounce:
        times += times[-2:0:-1]
    # Rounding the moments, not the delays, keeps the whole as long as it should be.
    moments = [round(100 * i / fps) for i in range(len(times) + 1)]
    delays = [after - before for before, after in itertools.pairwise(moments)]
    delays[frames - 1] = max(delays[frames - 1], round(100 * hold))
    return Timeline(tuple(times), tuple(delays))
