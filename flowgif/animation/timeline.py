"""Which moments of the flow are shown, and for how long."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from flowgif.errors import UnusableInput

__all__ = ["FASTEST", "FRAMES", "Timeline", "count_frames", "make_timeline"]

# A GIF's delay is a whole number of hundredths of a second, and browsers slow a delay of one down to ten.
FASTEST = 50.0
SLOWEST = 0.1
MOST_FRAMES = 5000
FRAMES = 60


@dataclass(frozen=True)
class Timeline:
    """Frames in the order in which they are shown.

    Attributes:
        times: of the flow, each in [0, 1].
        delays: how long each frame stays, hundredths of a second.
    """

    times: tuple[float, ...]
    delays: tuple[int, ...]


def count_frames(layers: int, frames: int | None = None, frames_per_layer: int | None = None) -> int:
    """How many frames there are from the cloud to the picture; by default some FRAMES, every layer's end among them.

    Args:
        layers: of the flow; 0 for a continuous one.
        frames: a number asked for.
        frames_per_layer: or that from the end of one layer to the end of the next.

    Raises:
        UnusableInput: both are given, or frames_per_layer for a flow without layers, or below 1.
    """
    if frames_per_layer is None:
        if frames is not None or layers == 0:
            return FRAMES if frames is None else frames
        frames_per_layer = max(2, round(FRAMES / layers))
    elif frames is not None:
        raise UnusableInput("--frames and --frames-per-layer contradict each other; give one of them")
    elif layers == 0:
        raise UnusableInput("--frames-per-layer: an ffjord flow has no layers; give --frames")
    elif frames_per_layer < 1:
        raise UnusableInput(f"--frames-per-layer {frames_per_layer} is out of range; give at least 1")
    return layers * frames_per_layer + 1


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
