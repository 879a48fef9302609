"""Files that may have no more than so many bytes."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from PIL import Image

from flowgif.errors import CheckFailed, UnusableInput
from flowgif.files import write_atomically
from flowgif.formats.raster.film import LONGEST, Film, thin
from flowgif.formats.raster.frames import is_stills
from flowgif.formats.table import encode

__all__ = ["PRESETS", "Fitted", "Floor", "Preset", "describe", "fit", "parse_bytes", "verify"]

UNITS = {"": 1, "K": 1024, "M": 1024**2, "G": 1024**3}
LEVELS = (2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192)


@dataclass(frozen=True)
class Preset:
    """What a place where animations are shown takes.

    Attributes:
        side: the longer side, pixels; no more than that, and exactly that where the picture must be square.
        square: whether both sides are the same.
        most_bytes: of the file, or None.
        most_frames: or None.
    """

    side: int
    square: bool = False
    most_bytes: int | None = None
    most_frames: int | None = None


PRESETS: dict[str, Preset] = {
    "readme": Preset(480, most_bytes=1024**2),
    "slack": Preset(128, square=True, most_bytes=128 * 1024, most_frames=50),
    "discord": Preset(128, square=True, most_bytes=256 * 1024),
    "square": Preset(512, square=True),
}


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


def parse_bytes(text: str) -> int:
    """Bytes of '200000', '128KB' or '1.5MB'; a KB is 1024 bytes, as the services mean it that have such limits.

    Raises:
        UnusableInput: that is no size.
    """
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([KMG]?)(?:i?B)?\s*", text, re.IGNORECASE)
    size = int(float(found[1]) * UNITS[found[2].upper()]) if found else 0
    if size < 1:
        raise UnusableInput(f"'{text}' is no file size; give one like 200000, 128KB or 1.5MB")
    return size


def fit(
    path: Path,
    film: Film,
    most_bytes: int | None,
    *,
    most_frames: int | None = None,
    floor: Floor = Floor(),
    check: Callable[[Path], object] | None = None,
) -> Fitted:
    """Writes a film in the best quality that a number of bytes allows.

    First colours are given up, then frames, then pixels: each as far as is fair before the next, and only then all of
    them to the floor. Of what is given up last, no more is than is needed.

    Args:
        path: as ``encode`` takes it, except that it is one file; replaced whole, or left alone.
        film: all there is; nothing is drawn again.
        most_bytes: of the file; None for any number.
        most_frames: likewise.
        floor: what must be left.
        check: looks at the file before it takes its place.

    Raises:
        UnusableInput: the place cannot be written, or is a folder.
        CheckFailed: the file is too large even at the floor.
    """
    if is_stills(path):
        raise UnusableInput(f"cannot fit {path} into a size: it is a folder; name a file, like {path.name}.gif")
    frames = len(film) if most_frames is None else min(len(film), most_frames)
    with tempfile.TemporaryDirectory(prefix="flowgif-") as folder:
        trials = _Trials(film, most_bytes, Path(folder) / f"trial{path.suffix}", Path(folder) / f"best{path.suffix}")
        fitted = _search(trials, _Settings(len(film.colours), frames, max(film.width, film.height)), floor)
        if fitted is None:
            limit = describe(most_bytes or 0)
            raise CheckFailed(f"{path}: {trials.least}, more than {limit}; allow more, or show fewer points")
        if check is not None:
            check(trials.best)
        write_atomically(path, lambda beside: shutil.copyfile(trials.best, beside))
    return fitted


class _Trials:
    """Writes a film with less and less of it, and keeps the last file that fits."""

    def __init__(self, film: Film, most_bytes: int | None, trial: Path, best: Path) -> None:
        self.film, self.most_bytes, self.trial, self.best = film, most_bytes, trial, best
        self.least = ""  # what the last file has that does not fit

    def fits(self, settings: _Settings) -> Fitted | None:
        with ExitStack() as opened:
            film = opened.enter_context(self.film.with_frames(settings.frames))
            film = opened.enter_context(film.with_size(settings.side))
            film = opened.enter_context(film.with_levels(settings.levels))
            encode(self.trial, film)
            size = self.trial.stat().st_size
            levels, side = len(film.colours), max(film.width, film.height)
            if self.most_bytes is not None and size > self.most_bytes:
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
        while low < now and max(thin(film.delays, low)[1]) > LONGEST:
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


def verify(path: Path, preset: Preset, name: Path | None = None) -> None:
    """Opens a file again and holds it to a preset.

    Args:
        path: the file.
        preset: what it must keep.
        name: what it is to be called in messages, if not so.

    Raises:
        UnusableInput: it is not a picture.
        CheckFailed: it is larger than the preset allows.
    """
    try:
        with Image.open(path) as image:
            (width, height), frames = image.size, getattr(image, "n_frames", 1)
    except OSError as error:
        raise UnusableInput(
            f"cannot check {name or path}: {error.strerror or 'no picture'}; name a .gif, .png or .webp"
        ) from None
    size = path.stat().st_size
    if preset.square and not width == height == preset.side:
        missed = f"{width}x{height} pixels, not {preset.side}x{preset.side}"
    elif max(width, height) > preset.side:
        missed = f"{width}x{height} pixels, more than {preset.side}"
    elif preset.most_frames is not None and frames > preset.most_frames:
        missed = f"{frames} frames, more than {preset.most_frames}"
    elif preset.most_bytes is not None and size > preset.most_bytes:
        missed = f"{describe(size)}, more than {describe(preset.most_bytes)}"
    else:
        return
    raise CheckFailed(f"{name or path} has {missed}; leave out what sets its size, or choose another --preset")


def describe(size: int) -> str:
    """Bytes as '1.5 MB', '128 KB' or '900 bytes'."""
    for unit, name in ((UNITS["M"], "MB"), (UNITS["K"], "KB")):
        if size >= unit:
            return f"{size / unit:.4g} {name}"
    return f"{size} bytes"
