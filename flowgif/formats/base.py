"""Defines file formats: they are made of frames or of particles, and files are written whole or not at all."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

from flowgif.errors import printable
from flowgif.files.writing import check_writable, write_atomically
from flowgif.formats.film import Film
from flowgif.formats.fit import FLOOR, write_fitted
from flowgif.formats.presets import Limits, verify
from flowgif.formats.raster.frames import name_frames
from flowgif.formats.vector.fit import VectorLimits, fill_fitted
from flowgif.formats.vector.particles import ParticleFilm

__all__ = ["Format", "FramesFormat", "RasterFormat", "VectorFormat", "Written"]

USUAL = VectorLimits(particles=3000)  # with so few, a page is smaller than a megabyte


@dataclass(frozen=True)
class Written:
    """A file that was written, or a folder of them.

    Attributes:
        path: the file or folder.
        bytes: total size.
        frames: number of frames that it shows.
        width, height: size of a frame, pixels.
        given_up: quality given up for a size: '16 -> 8 levels, 60 -> 40 frames, 480 -> 352 pixels'; '' if none.
    """

    path: Path
    bytes: int
    frames: int
    width: int
    height: int
    given_up: str = ""


@dataclass(frozen=True, kw_only=True)
class Format(ABC):
    """A file format: a row of FORMATS.

    To add one, make a :class:`RasterFormat` or a :class:`VectorFormat` and give it to ``table.register_format``.

    Attributes:
        name: the name in messages, such as 'GIF'.
        suffixes: suffixes in lower case, each with its dot; none if a folder or a pattern of names tells the format.
        write: fills a new file; the same content gives the same bytes.
        check: checks in advance that the path can be written; raises UnusableInput.
        fastest: the largest number of frames per second that it can play.
        has_transparency: whether it can hold see-through pixels; otherwise it is refused for a see-through background.
        fits_size: whether --max-size is kept: the file is written with less and less quality until it fits.
        fits_preset: whether its files can be opened again and checked against a preset.
        made_of: type of the content: Film or ParticleFilm.
        media_type: the MIME type of its files, such as 'image/gif'; '' if they have none.
    """

    name: str
    suffixes: tuple[str, ...]
    write: Callable[..., None]
    check: Callable[[Path], None] = check_writable
    fastest: float
    has_transparency: bool = True
    fits_size: bool = True
    fits_preset: bool = False
    made_of: ClassVar[type[Film] | type[ParticleFilm]]
    media_type: str = ""

    def __post_init__(self) -> None:
        if not all(suffix.startswith(".") and suffix == suffix.lower() for suffix in self.suffixes):
            raise ValueError(f"{self.name}: suffixes are {self.suffixes}; write them like '.gif'")

    @abstractmethod
    def write_whole(self, path: Path, content: Any, limits: Limits) -> Written:
        """Writes ``content``, of the type ``made_of``, whole or not at all; see ``table.write_output``."""


@dataclass(frozen=True, kw_only=True)
class RasterFormat(Format):
    """A format that is made of frames: ``write(path, film)`` fills a new file with them."""

    write: Callable[[Path, Film], None]
    made_of = Film

    def write_whole(self, path: Path, content: Film, limits: Limits) -> Written:
        if limits.preset is None and limits.max_bytes is None:
            size = write_atomically(path, lambda beside: self.write(beside, content))
            return Written(path, size, len(content), content.width, content.height)
        preset = limits.preset
        if preset is None:
            fitted = write_fitted(path, content, self.write, limits.max_bytes)
        else:
            with content.with_size(preset.side) as sized:
                fitted = write_fitted(
                    path,
                    sized,
                    self.write,
                    limits.smallest_max_bytes,
                    max_frames=preset.max_frames,
                    floor=replace(FLOOR, side=preset.side) if preset.square else FLOOR,
                    check=lambda file: verify(file, preset, path),
                )
        return Written(path, fitted.bytes, fitted.frames, fitted.width, fitted.height, fitted.given_up)


@dataclass(frozen=True, kw_only=True)
class FramesFormat(RasterFormat):
    """A format with a file for each frame: ``write(path, film)`` puts all files into a folder, or none."""

    def write_whole(self, path: Path, content: Film, limits: Limits) -> Written:
        self.write(path, content)
        size = sum(file.stat().st_size for file in name_frames(path, len(content)))
        return Written(path, size, len(content), content.width, content.height)


@dataclass(frozen=True, kw_only=True)
class VectorFormat(Format):
    """A format that is made of positions: ``write(path, particles, title)`` fills a new file with them.

    Attributes:
        own_limits: limits of every file, besides those that the user sets.
    """

    write: Callable[[Path, ParticleFilm, str], None]
    own_limits: VectorLimits = USUAL
    made_of = ParticleFilm

    def write_whole(self, path: Path, content: ParticleFilm, limits: Limits) -> Written:
        sizes = [size for size in (self.own_limits.bytes, limits.smallest_max_bytes) if size is not None]
        kept = replace(self.own_limits, bytes=min(sizes, default=None))
        most = number = content.positions.shape[1]

        title = printable(path.stem)

        def fill(beside: Path) -> None:
            nonlocal number
            number = fill_fitted(beside, content, lambda file, film: self.write(file, film, title), kept, path)

        size = write_atomically(path, fill)
        given_up = f"{most} -> {number} particles" if number < most else ""
        height = content.height + content.caption_height
        return Written(path, size, len(content), content.width, height, given_up)
