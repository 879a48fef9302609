"""A film into a file, by the file's suffix."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from flowgif.errors import UnusableInput, did_you_mean
from flowgif.files import check_writable, write_atomically
from flowgif.formats.raster.apng import write_apng
from flowgif.formats.raster.film import Film
from flowgif.formats.raster.frames import check_stills, is_stills, write_stills
from flowgif.formats.raster.gif import write_gif
from flowgif.formats.raster.video import check_ffmpeg, write_mp4, write_webm
from flowgif.formats.raster.webp import write_webp

__all__ = ["PAGE", "WRITERS", "check_encodable", "encode"]

# Each fills a file at a path that is not there yet, and takes the film a frame at a time.
WRITERS: dict[str, Callable[[Path, Film], None]] = {
    ".gif": write_gif,
    ".png": write_apng,
    ".apng": write_apng,
    ".webp": write_webp,
    ".mp4": write_mp4,
    ".webm": write_webm,
}
VIDEO = (".mp4", ".webm")
PAGE = ".html"  # made of particles, not of a film


def encode(path: Path, film: Film) -> None:
    """Writes a film in the format that the suffix names; the same film gives the same bytes.

    Args:
        path: a file with a suffix of WRITERS, replaced whole or left alone; or, for a PNG a frame, a folder or a
            pattern like frame-%04d.png.
        film: what is written; it may be written again.

    Raises:
        UnusableInput: the suffix is unknown, ffmpeg is missing, or the place cannot be written.
    """
    if is_stills(path):
        write_stills(path, film)
    else:
        writer = _find_writer(path)
        write_atomically(path, lambda beside: writer(beside, film))


def check_encodable(path: Path) -> None:
    """Finds out before the work whether ``encode`` can write there.

    Raises:
        UnusableInput: it cannot.
    """
    if is_stills(path):
        check_stills(path)
        return
    _find_writer(path)
    if path.suffix.lower() in VIDEO:
        check_ffmpeg(path.suffix)
    check_writable(path)


def _find_writer(path: Path) -> Callable[[Path, Film], None]:
    suffix = path.suffix.lower()
    if suffix not in WRITERS:
        remedy = did_you_mean(suffix, [*WRITERS, PAGE])
        raise UnusableInput(f"cannot write {path}: unknown suffix '{path.suffix}'; {remedy}")
    return WRITERS[suffix]
