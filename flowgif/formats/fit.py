"""Searches for the best quality of a film whose file has a largest size."""

from __future__ import annotations

import bisect
import shutil
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from flowgif.errors import CheckFailed
from flowgif.files.temporary import temporary_folder
from flowgif.files.writing import write_atomically
from flowgif.formats.film import Film
from flowgif.units import describe

__all__ = ["FLOOR", "Fitted", "Quality", "write_fitted"]

Write = Callable[[Path, Film], object]


@dataclass(frozen=True)
class Quality:
    """The quality of a film.

    Attributes:
        levels: number of colours.
        frames: number of frames.
        side: the longer side, pixels.
    """

    levels: int
    frames: int
    side: int

    def at_least(self, other: Quality) -> Quality:
        """Returns the higher of the two in each respect."""
        return Quality(max(self.levels, other.levels), max(self.frames, other.frames), max(self.side, other.side))


# Quality is given up in this order: colours down to 4, then frames to 30, then the side to 240 pixels. If the file is
# still too large, the same order is repeated down to the floor.
FAIR = Quality(levels=4, frames=30, side=240)
FLOOR = Quality(levels=2, frames=8, side=48)
LEVELS = (192, 128, 96, 64, 48, 32, 24, 16, 12, 8, 6, 4, 3, 2)  # numbers of colours that are tried


@dataclass(frozen=True)
class Fitted:
    """The size and the quality of a written file.

    Attributes:
        bytes: size of the file.
        levels, frames, width, height: quality of the film in it.
        given_up: '16 -> 8 levels, 60 -> 40 frames, 480 -> 352 pixels', or ''.
    """

    bytes: int
    levels: int
    frames: int
    width: int
    height: int
    given_up: str


def write_fitted(
    path: Path,
    film: Film,
    write: Write,
    max_bytes: int | None,
    *,
    max_frames: int | None = None,
    floor: Quality = FLOOR,
    check: Callable[[Path], object] | None = None,
) -> Fitted:
    """Writes the film at the best quality that fits.

    It lowers colours, then frames, then pixels, each to FAIR before the next, and then again to ``floor``. It bisects
    the last one that it lowers, so that no more is given up than needed.

    Args:
        path: a file; replaced whole, or left alone.
        film: the film in full quality; nothing is drawn again.
        write: fills a new file with a film; it is called for each trial.
        max_bytes: largest size of the file; None for any size.
        max_frames: largest number of frames; None for any number.
        floor: the lowest quality allowed.
        check: checks the file before it takes its place.

    Raises:
        UnusableInput: the place cannot be written.
        CheckFailed: the file is too large even at the floor.
    """
    frames = len(film) if max_frames is None else min(len(film), max_frames)
    with temporary_folder() as folder:
        trials = _Trials(film, write, max_bytes, folder, path.suffix)
        fitted = _search(trials, Quality(len(film.colours), frames, max(film.width, film.height)), floor)
        if fitted is None:
            limit = describe(max_bytes or 0)
            raise CheckFailed(f"{path}: {trials.too_large}, more than {limit}; allow more, or show fewer points")
        if check is not None:
            check(trials.best)
        write_atomically(path, lambda beside: shutil.copyfile(trials.best, beside))
    return fitted


class _Trials:
    """Writes a film in several qualities, and keeps the last file that fits.

    Attributes:
        film: the film in full quality.
        best: path of the last file that fits.
        fitted: size and quality of that file; None as long as there is none.
        too_large: size and quality of the last file that does not fit, in words.
    """

    def __init__(self, film: Film, write: Write, max_bytes: int | None, folder: Path, suffix: str) -> None:
        self.film = film
        self.best = folder / f"best{suffix}"
        self.fitted: Fitted | None = None
        self.too_large = ""
        self._write, self._max_bytes, self._trial = write, max_bytes, folder / f"trial{suffix}"

    def fits(self, quality: Quality) -> bool:
        """Writes the film in a quality; returns whether the file fits."""
        with ExitStack() as opened:
            film = opened.enter_context(self.film.with_frames(quality.frames))
            film = opened.enter_context(film.with_size(quality.side))
            film = opened.enter_context(film.with_levels(quality.levels))
            self._write(self._trial, film)
            size = self._trial.stat().st_size
            levels, side = len(film.colours), max(film.width, film.height)
            if self._max_bytes is not None and size > self._max_bytes:
                self.too_large = f"{describe(size)} at {levels} levels, {len(film)} frames and {side} pixels"
                return False
            self._trial.replace(self.best)
            self.fitted = Fitted(size, levels, len(film), film.width, film.height, _given_up(self.film, film))
            return True


def _search(trials: _Trials, quality: Quality, floor: Quality) -> Fitted | None:
    """Tries lower and lower qualities; returns the best one that fits, or None if none does."""
    if trials.fits(quality):
        return trials.fitted
    for low in (FAIR.at_least(floor), floor):
        for lowered in (_with_fewer_levels, _with_fewer_frames, _with_smaller_sides):
            choices = lowered(trials.film, quality, low)
            if choices and trials.fits(choices[-1]):
                # The last trial that fits is the best one, as each of these has more quality than the one before.
                bisect.bisect_left(choices, True, hi=len(choices) - 1, key=trials.fits)
                return trials.fitted
            quality = choices[-1] if choices else quality
    return None


# Each of these functions lowers one number of a quality. It returns all lower qualities, in descending order, down to
# ``low``; an empty list if the quality is already that low.


def _with_fewer_levels(_film: Film, quality: Quality, low: Quality) -> list[Quality]:
    return [replace(quality, levels=levels) for levels in LEVELS if low.levels <= levels < quality.levels]


def _with_fewer_frames(film: Film, quality: Quality, low: Quality) -> list[Quality]:
    fewest = low.frames
    # If only a few frames of a very long film were left, each would stay longer than a file can store.
    while fewest < quality.frames and not film.can_have(fewest):
        fewest += 1
    return [replace(quality, frames=frames) for frames in range(quality.frames - 1, fewest - 1, -1)]


def _with_smaller_sides(_film: Film, quality: Quality, low: Quality) -> list[Quality]:
    # Codecs work best with sides that are multiples of 4, and a smaller difference does not show.
    sides = [side for side in range(quality.side - 1, low.side, -1) if side % 4 == 0]
    return [replace(quality, side=side) for side in [*sides, *[low.side] * (low.side < quality.side)]]


def _given_up(whole: Film, part: Film) -> str:
    pairs = (
        (len(whole.colours), len(part.colours), "levels"),
        (len(whole), len(part), "frames"),
        (max(whole.width, whole.height), max(part.width, part.height), "pixels"),
    )
    return ", ".join(f"{before} -> {after} {unit}" for before, after, unit in pairs if after < before)
