"""The table of formats: the content of each, its abilities, and the functions that write and check it.

This is the only place that looks at an output's suffix. A new format is a module that fills a file, and a row here; or
a row that another package registers with :func:`register_format`.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from flowgif import names
from flowgif.errors import UnusableInput, did_you_mean
from flowgif.files.writing import check_writable, write_atomically
from flowgif.formats.base import Format, FramesFormat, RasterFormat, VectorFormat, Written
from flowgif.formats.film import Film
from flowgif.formats.presets import Limits
from flowgif.formats.raster.apng import write_apng
from flowgif.formats.raster.frames import check_frames, is_for_frames, write_frames
from flowgif.formats.raster.gif import write_gif
from flowgif.formats.raster.png import write_png
from flowgif.formats.raster.video import check_video, write_mp4, write_webm
from flowgif.formats.raster.webp import write_webp
from flowgif.formats.vector.fit import VectorLimits
from flowgif.formats.vector.html import write_page
from flowgif.formats.vector.particles import ParticleFilm
from flowgif.formats.vector.svg import write_svg
from flowgif.timeline import SLOWEST

__all__ = [
    "FORMATS",
    "SINGLE_FRAMES",
    "Format",
    "FramesFormat",
    "RasterFormat",
    "VectorFormat",
    "Written",
    "check_output",
    "check_rate",
    "check_still",
    "check_transparency",
    "find_format",
    "register_format",
    "write_output",
    "write_still",
]


# A GIF's delay is a whole number of hundredths of a second, and browsers slow a delay of one down to ten. They do the
# same to delays of up to a hundredth in APNG and WebP.
_GIF = RasterFormat(
    name="GIF", suffixes=(".gif",), write=write_gif, fastest=50, fits_preset=True, media_type="image/gif"
)
_APNG = RasterFormat(
    name="APNG", suffixes=(".png", ".apng"), write=write_apng, fastest=60, fits_preset=True, media_type="image/png"
)
_WEBP = RasterFormat(
    name="WebP", suffixes=(".webp",), write=write_webp, fastest=60, fits_preset=True, media_type="image/webp"
)
_MP4 = RasterFormat(
    name="MP4",
    suffixes=(".mp4",),
    write=write_mp4,
    check=check_video,
    fastest=120,
    has_transparency=False,
    media_type="video/mp4",
)
_WEBM = RasterFormat(
    name="WebM", suffixes=(".webm",), write=write_webm, check=check_video, fastest=120, media_type="video/webm"
)
_HTML = VectorFormat(name="HTML page", suffixes=(".html",), write=write_page, fastest=120, media_type="text/html")
_SVG = VectorFormat(
    name="SVG",
    suffixes=(".svg",),
    write=write_svg,
    fastest=120,
    own_limits=VectorLimits(particles=1500, bytes=1024**2, packed=100_000),
    media_type="image/svg+xml",
)
SINGLE_FRAMES = FramesFormat(
    name="folder of frames", suffixes=(), write=write_frames, check=check_frames, fastest=120, fits_size=False
)
_STILL_SUFFIXES = (".png",)

FORMATS: names.Table[Format] = names.Table(
    names.SUFFIXES,
    {suffix: row for row in (_GIF, _APNG, _WEBP, _MP4, _WEBM, _HTML, _SVG) for suffix in row.suffixes},
)


def register_format(row: Format) -> None:
    """Adds a format, also from outside the package: ``flowgif animate -o x.suffix`` then writes it.

    Raises:
        ValueError: a suffix is taken.
    """
    if taken := [suffix for suffix in row.suffixes if suffix in FORMATS]:
        raise ValueError(f"suffix '{taken[0]}' is taken")
    for suffix in row.suffixes:
        FORMATS.register(suffix, row)


def find_format(path: Path) -> Format:
    """Returns the format that a path names.

    Args:
        path: a file with a suffix of FORMATS in any case; or a folder or a pattern like frame-%04d.png.

    Raises:
        UnusableInput: the suffix is unknown.
    """
    if is_for_frames(path):
        return SINGLE_FRAMES
    suffix = path.suffix.lower()
    if suffix not in FORMATS:
        raise UnusableInput(f"cannot write {path}: unknown suffix '{path.suffix}'; {did_you_mean(suffix, FORMATS)}")
    return FORMATS[suffix]


def check_output(path: Path, limits: Limits = Limits()) -> Format:
    """Checks in advance that an output can be written, and can keep its limits.

    Args:
        path: a path that :func:`find_format` accepts.
        limits: the limits that the file must keep.

    Returns:
        The format; its ``made_of`` is the type of the content to make.

    Raises:
        UnusableInput: the suffix is unknown, the format cannot keep the limits, a program is missing, or the place
            cannot be written.
    """
    row, preset = find_format(path), limits.preset
    option = "--preset" if preset is not None else "--max-size"
    limited = preset is not None or limits.max_bytes is not None
    if limited and not row.suffixes:
        raise UnusableInput(f"{option} is for a file, and {path} is a {row.name}; name a .gif, .png or .webp")
    if preset is not None and not row.fits_preset:
        suitable = names.listed([suffix for suffix, other in FORMATS.items() if other.fits_preset], "and")
        raise UnusableInput(
            f"--preset {preset.name} is for {suitable} files ({preset.purpose}); {path} is none of them"
        )
    if limited and not row.fits_size:
        raise UnusableInput(f"{option} cannot be kept by {_with_article(row.name)}; name a .gif, .png or .webp")
    row.check(path)
    return row


def check_rate(row: Format, fps: float) -> None:
    """Checks that a format can play ``fps`` frames per second.

    Raises:
        UnusableInput: it cannot.
    """
    if not SLOWEST <= fps <= row.fastest:
        raise UnusableInput(
            f"--fps {fps:g} is out of range; "
            f"{_with_article(row.name)} plays {SLOWEST:g} to {row.fastest:g} frames a second"
        )


def check_transparency(row: Format) -> None:
    """Checks that a format can hold a see-through background.

    Raises:
        UnusableInput: it cannot.
    """
    if not row.has_transparency:
        suitable = names.listed([suffix for suffix, other in FORMATS.items() if other.has_transparency], "or")
        raise UnusableInput(
            f"--transparent: {_with_article(row.name)} cannot be see-through; leave it out, or name a {suitable}"
        )


def write_output(path: Path, content: Film | ParticleFilm, limits: Limits = Limits()) -> Written:
    """Writes an output in the format that the path names; the same content gives the same bytes.

    Args:
        path: a path that :func:`find_format` accepts; replaced whole or left alone.
        content: the content, of the format's type ``made_of``; it may be written again.
        limits: the limits that the file must keep; :func:`check_output` checks that the format can.

    Raises:
        UnusableInput: the suffix is unknown, ffmpeg is missing, or the place cannot be written.
        CheckFailed: the limits cannot be kept, even with as little left as makes sense.
        TypeError: the format is made of something else.
    """
    row = find_format(path)
    if not isinstance(content, row.made_of):
        raise TypeError(f"{path}: {row.name} is made of {row.made_of.__name__}, not {type(content).__name__}")
    return row.write_whole(path, content, limits)


def check_still(path: Path, option: str) -> None:
    """Checks in advance that a single frame can be written as a PNG.

    Args:
        path: the file.
        option: the option that names it, such as '--poster'.

    Raises:
        UnusableInput: it is no PNG, or the place cannot be written.
    """
    if path.suffix.lower() not in _STILL_SUFFIXES:
        raise UnusableInput(f"{option} {path}: its suffix is not .png; name a .png file")
    check_writable(path)


def write_still(
    path: Path,
    frame: npt.NDArray[np.uint8],
    colours: npt.NDArray[np.uint8],
    comment: str = "",
) -> Written:
    """Writes a single frame as a PNG, whole or not at all.

    Args:
        path: the file.
        frame: palette indices, (height, width).
        colours: (levels, 3) uint8, sRGB; or (levels, 4), with opacity.
        comment: text for the file's metadata.

    Raises:
        UnusableInput: the place cannot be written.
    """
    size = write_atomically(path, lambda beside: write_png(beside, frame, colours, comment))
    height, width = frame.shape
    return Written(path, size, 1, width, height)


def _with_article(name: str) -> str:
    """Returns 'a GIF' or 'an APNG'; a name whose letters are spelt takes the article of the first letter's sound."""
    spelt = name[1:2].isupper() or name[1:2].isdigit()
    return f"{'an' if name[0] in ('AEFHILMNORSX' if spelt else 'AEIOUaeiou') else 'a'} {name}"
