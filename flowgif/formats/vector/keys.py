"""Chooses the moments of a particle film that are stored in a format whose viewer moves particles in between.

Between two such moments each particle moves on a straight line. All particles have the same easing there, a cubic
Bezier curve, so that one list of moments and easings serves all of them.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from flowgif.formats.vector.particles import ParticleFilm

__all__ = ["EASING_TIMES", "Keys", "choose_keys"]

Positions = npt.NDArray[np.float64]
Easing = tuple[float, float]

# The times of an easing's two inner control points, as shares of the time between two moments. With these the share
# of the way is a cubic polynomial of time. The control points' own shares of the way are a pair, within [0, 1].
EASING_TIMES = (0.333, 0.667)
EVEN: Easing = EASING_TIMES
HELD = 2  # a frame that stays more than this multiple of the usual delay is held: particles move at its end alone


@dataclass(frozen=True)
class Keys:
    """The moments of a film that are stored.

    Attributes:
        times: seconds from the start, from 0 to the film's end. They never decrease; where the picture cuts, two are
            the same.
        frames: index of the shown frame at each of the times.
        easings: the easing from each of the times to the next.
    """

    times: tuple[float, ...]
    frames: tuple[int, ...]
    easings: tuple[Easing, ...]


class _Fit(NamedTuple):
    """Straight lines in the place of a part of the particles' paths.

    Attributes:
        easing: the easing along the lines.
        error: the largest distance of a particle from its exact position in a frame.
    """

    easing: Easing
    error: float


def choose_keys(film: ParticleFilm, stored: npt.NDArray[np.int64], exact: Positions, tolerance: float) -> Keys:
    """Chooses few moments that keep every particle near its position in every frame.

    Args:
        film: the frames, and when they are shown.
        stored: rounded positions, of which those at the chosen moments are stored, (frames, n, 2), in any unit.
        exact: the positions before rounding, (frames, n, 2), in the same unit.
        tolerance: the largest distance of a particle from its exact position in any frame, in the same unit.
    """
    times, frames, easings = list[float](), list[int](), list[Easing]()
    for stretch in _stretches(film):
        at = np.array([time for time, _ in stretch])
        rows = np.array([film.order[frame] for _, frame in stretch])

        def fit(first: int, last: int, at: Positions = at, rows: npt.NDArray[np.int64] = rows) -> _Fit:
            inner = slice(first + 1, last)
            shares = (at[inner] - at[first]) / (at[last] - at[first])
            return _fit_lines(shares, stored[rows[first]], stored[rows[last]], exact[rows[inner]])

        kept = [0]
        while kept[-1] < len(stretch) - 1:
            first = kept[-1]
            # The longest part that is near enough, found by doubling and then by bisection.
            good, bad, step = first + 1, len(stretch), 1
            while (tried := min(good + step, len(stretch) - 1)) > good:
                if fit(first, tried).error > tolerance:
                    bad = tried
                    break
                good, step = tried, 2 * step
            while bad - good > 1:
                middle = (good + bad) // 2
                good, bad = (middle, bad) if fit(first, middle).error <= tolerance else (good, middle)
            kept.append(good)
        if times:
            easings.append(EVEN)  # a hold or a cut
        easings += [fit(first, last).easing for first, last in itertools.pairwise(kept)]
        times += [stretch[i][0] for i in kept]
        frames += [stretch[i][1] for i in kept]
    return Keys(tuple(times), tuple(frames), tuple(easings))


def _stretches(film: ParticleFilm) -> list[list[tuple[float, int]]]:
    """Returns the stretches of time in which particles move, each as times, seconds, and the shown frames then.

    Particles rest from the end of each stretch to the start of the next, which is the same frame; or the picture cuts
    to another frame. A stretch of one time is a part of a rest.
    """
    usual = sorted(film.delays)[(len(film) - 1) // 2]
    stretches: list[list[tuple[float, int]]] = [[]]
    start = 0
    for frame, (delay, moves) in enumerate(zip(film.delays, film.moves, strict=True)):
        last = frame == len(film) - 1
        moving = 0 if not moves or (last and film.loops) else usual if delay > HELD * usual else delay
        stretches[-1].append((start / film.ticks, frame))
        if moving < delay:
            stretches.append([((start + delay - moving) / film.ticks, frame)])
        if not moving:
            stretches.append([])
        start += delay
        if last and moving:
            stretches[-1].append((start / film.ticks, 0))
    return [stretch for stretch in stretches if stretch]


def _fit_lines(shares: Positions, first: npt.NDArray[np.int64], last: npt.NDArray[np.int64], exact: Positions) -> _Fit:
    """Fits the easing of all particles that are on straight lines, by least squares.

    Args:
        shares: times of the frames in between, (k,), as shares of the whole time.
        first, last: where the lines begin and end, (n, 2).
        exact: positions in the frames in between, (k, n, 2).
    """
    if not len(shares):
        return _Fit(EVEN, 0.0)
    way, gone = (last - first).astype(np.float64), exact - first
    # The share of the way that suits all particles best, in each frame.
    best = (gone * way).sum((1, 2)) / max(float((way * way).sum()), 1e-9)
    basis = np.stack([3 * (1 - shares) ** 2 * shares, 3 * (1 - shares) * shares**2], 1)
    heights = np.linalg.lstsq(basis, best - shares**3, rcond=None)[0]
    low, high = (float(height) for height in heights.clip(0, 1).round(3))
    distance = gone - (basis @ (low, high) + shares**3)[:, None, None] * way
    return _Fit((low, high), float(np.hypot(distance[..., 0], distance[..., 1]).max()))
