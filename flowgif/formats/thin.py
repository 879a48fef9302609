"""Drops frames of a film without changing its duration."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

__all__ = ["thin"]


def thin(delays: Sequence[int], number: int, shortest: int = 2) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Chooses the frames to keep, and their delays.

    The first frame, the last and those held for more than twice the usual delay stay; the others are chosen evenly
    between them. (If one frame is kept, it is the one shown longest.) A kept frame starts at the same time as before,
    so the speed stays. Delays below ``shortest`` are lengthened at the cost of the longest if possible, because
    browsers play 1/100 s as 10/100 s.

    Args:
        delays: delays of all frames, ticks.
        number: number of frames to keep, at least 1.
        shortest: shortest delay, ticks; the default is for ticks of 1/100 s.

    Returns:
        The indices of the kept frames, increasing, and their delays; the sum of the delays does not change.
    """
    count = len(delays)
    if number < 1:
        raise ValueError(f"{number} frames are none")
    if number >= count:
        return tuple(range(count)), tuple(delays)
    usual = sorted(delays)[count // 2]
    held = sorted((i for i in range(1, count - 1) if delays[i] > 2 * usual), key=lambda i: -delays[i])
    anchors = (
        sorted([0, count - 1, *held][:number]) if number > 1 else [max(range(count), key=lambda i: (delays[i], i))]
    )
    kept = _spread(anchors, count, number)
    frame_starts = [0, *np.cumsum(delays).tolist()]
    ends = [*(frame_starts[i] for i in kept[1:]), frame_starts[-1]]
    starts = [0, *ends[:-1]]
    return tuple(kept), _lengthened([end - start for start, end in zip(starts, ends, strict=True)], shortest)


def _spread(anchors: list[int], count: int, number: int) -> list[int]:
    """Adds indices to the anchors until there are ``number`` of them; each new one goes into the widest gap.

    Args:
        anchors: increasing indices in [0, ``count`` - 1].
        count: number of all frames.
        number: number of frames to keep.
    """
    if len(anchors) >= number:
        return anchors
    gaps = [after - before for before, after in itertools.pairwise(anchors)]
    parts = [1] * len(gaps)
    for _ in range(number - len(anchors)):
        widest = max(range(len(gaps)), key=lambda i: gaps[i] / parts[i] if parts[i] < gaps[i] else 0)
        parts[widest] += 1
    kept = [anchors[0]]
    for before, gap, part in zip(anchors, gaps, parts, strict=False):
        kept += [before + round(gap * (i + 1) / part) for i in range(part)]
    return kept


def _lengthened(delays: list[int], shortest: int) -> tuple[int, ...]:
    """Lengthens delays below ``shortest``, each at the cost of the longest delay if that is above ``shortest``."""
    for short in range(len(delays)):
        if delays[short] < shortest:
            longest = max(range(len(delays)), key=delays.__getitem__)
            if delays[longest] <= shortest:
                break
            taken = min(shortest - delays[short], delays[longest] - shortest)
            delays[longest] -= taken
            delays[short] += taken
    return tuple(delays)
