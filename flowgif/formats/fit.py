"""The search for the best quality of a film whose file may have no more than so many bytes."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from flowgif.errors import CheckFailed
from flowgif.files import write_atomically
from flowgif.formats.presets import PRESETS, verify
from flowgif.formats.raster.film import Film
from flowgif.units import describe, parse_bytes

__all__ = ["PRESETS", "Fitted", "Floor", "fit", "parse_bytes", "verify", "write_fitted"]

LEVELS = (2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192)


@dataclass(frozen=True)
class Floor:
    """What is left in any case.

    Attributes:
        levels: of colour.
        frames: of the film.
        side: the longer one, pixels; the film's own where its size must stay.
    """

    levels: int = 2
    frames: int = 8
    side: int = 48


# Each is given up as far as this before the next; then all of them to their floors.
FAIR = Floor(levels=4, frames=30, side=240)


@dataclass(frozen=True)
class Fitted:
    """What a file was made of.

    Attributes:
        bytes: of the file.
        levels, frames, width, height: of the film in it.
        given_up: '16 -> 8 levels, 60 -> 40 frames, 480 -> 352 pixels', or nothing.
    """

    bytes: int
    levels: int
    frames: int
    width: int
    height: int
    given_up: str


@dataclass(frozen=True)
class _Settings:
    """How much of a film is kept."""

    levels: int
    frames: int
    side: int


def write_fitted(
    path: Path,
    film: Film,
    write: Callable[[Path, Film], object],
    max_bytes: int | None,
    *,
    max_frames: int | None = None,
    floor: Floor = Floor(),
    check: Callable[[Path], object] | None = None,
) -> Fitted:
    """Writes the film at the best quality that fits.

    Lowers colours, then frames, then pixels, each to FAIR before the next, then again to ``floor``. The last one
    lowered is bisected, so that no more is given up than needed.

    Args:
        path: a file; replaced whole, or left alone.
        film: all there is; nothing is drawn again.
        write: fills a new file with a film; it is called for each trial.
        max_bytes: of the file; None for any number.
        max_frames: of the film; None for any number.
        floor: what must be left.
        check: looks at the file before it takes its place.

    Raises:
        UnusableInput: the place cannot be written.
        CheckFailed: the file is too large even at the floor.
    """
    frames = len(film) if max_frames is None else min(len(film), max_frames)
    with tempfile.TemporaryDirectory(prefix="flowgif-") as name:
        folder = Path(name)
        trials = _Trials(film, write, max_bytes, folder / f"trial{path.suffix}", folder / f"best{path.suffix}")
        fitted = _search(trials, _Settings(len(film.colours), frames, max(film.width, film.height)), floor)
        if fitted is None:
            limit = describe(max_bytes or 0)
            raise CheckFailed(f"{path}: {trials.least}, more than {limit}; allow more, or show fewer points")
        if check is not None:
            check(trials.best)
        write_atomically(path, lambda beside: shutil.copyfile(trials.best, beside))
    return fitted


class _Trials:
    """Writes a film with less and less of it, and keeps the last file that fits."""

    def __init__(
        self, film: Film, write: Callable[[Path, Film], object], max_bytes: int | None, trial: Path, best: Path
    ) -> None:
        self.film, self.write, self.max_bytes, self.trial, self.best = film, write, max_bytes, trial, best
        self.least = ""  # what the last file has that does not fit

    def fits(self, settings: _Settings) -> Fitted | None:
        with ExitStack() as opened:
            film = opened.enter_context(self.film.with_frames(settings.frames))
            film = opened.enter_context(film.with_size(settings.side))
            film = opened.enter_context(film.with_levels(settings.levels))
            self.write(self.trial, film)
            size = self.trial.stat().st_size
            levels, side = len(film.colours), max(film.width, film.height)
            if self.max_bytes is not None and size > self.max_bytes:
                self.least = f"{describe(size)} at {levels} levels, {len(film)} frames and {side} pixels"
                return None
            self.trial.replace(self.best)
            return Fitted(size, levels, len(film), film.width, film.height, _given_up(self.film, film))


def _search(trials: _Trials, settings: _Settings, floor: Floor) -> Fitted | None:
    if fitted := trials.fits(settings):
        return fitted
    for low in (FAIR, floor):
        for name in ("levels", "frames", "side"):
            choices = _choices(
                trials.film, name, getattr(settings, name), max(getattr(low, name), getattr(floor, name))
            )
            if not choices:
                continue
            most, least = 0, len(choices) - 1
            if not (fitted := trials.fits(replace(settings, **{name: choices[least]}))):
                settings = replace(settings, **{name: choices[least]})
                continue
            # The file of the last trial that fitted is the best one, as each of them keeps more than the one before.
            while most < least:
                middle = (most + least) // 2
                if better := trials.fits(replace(settings, **{name: choices[middle]})):
                    fitted, least = better, middle
                else:
                    most = middle + 1
            return fitted
    return None


def _choices(film: Film, name: str, now: int, low: int) -> Sequence[int]:
    """Values below the one there is now, falling to the lowest."""
    if name == "levels":
        return [levels for levels in reversed(LEVELS) if low <= levels < now]
    if name == "frames":
        # A few frames of a very long film would each have to stay longer than a file can say.
        while low < now and not film.can_have(low):
            low += 1
        return range(now - 1, low - 1, -1)
    # Codecs like even sides, and nobody sees a step of one.
    return [side for side in range(now - 1, low, -1) if side % 4 == 0] + [low] * (low < now)


def _given_up(whole: Film, part: Film) -> str:
    pairs = (
        (len(whole.colours), len(part.colours), "levels"),
        (len(whole), len(part), "frames"),
        (max(whole.width, whole.height), max(part.width, part.height), "pixels"),
    )
    return ", ".join(f"{before} -> {after} {what}" for before, after, what in pairs if after < before)


# Alias of before the table of formats; PRESETS, parse_bytes and verify are too.


def fit(  # noqa: D103  # alias
    path: Path,
    film: Film,
    most_bytes: int | None,
    *,
    most_frames: int | None = None,
    floor: Floor = Floor(),
    check: Callable[[Path], object] | None = None,
) -> Fitted:
    from flowgif.formats.table import encode

    return write_fitted(path, film, encode, most_bytes, max_frames=most_frames, floor=floor, check=check)
