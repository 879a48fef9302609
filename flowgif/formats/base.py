"""Defines file formats: they are made of frames or of particles, and files are written whole or not at all."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

from flowgif.errors import CheckFailed
from flowgif.files import check_writable, write_atomically
from flowgif.formats.film import Film
from flowgif.formats.fit import FLOOR, write_fitted
from flowgif.formats.presets import Limits, verify
from flowgif.formats.raster.frames import name_frames
from flowgif.formats.vector.particles import ParticleFilm
from flowgif.units import describe

__all__ = ["Format", "FramesFormat", "RasterFormat", "VectorFormat", "Written"]


@dataclass(frozen=True)
class Written:
    """A file that was written, or a folder of them.

    Attributes:
        path: the file or folder.
        bytes: total size.
        frames: number of frames that it shows.
        given_up: quality given up for --max-size or --preset: '16 -> 8 levels, 60 -> 40 frames, 480 -> 352 pixels'; ''
            if none.
    """

    path: Path
    bytes: int
    frames: int
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
        has_transparency: whether it can hold transparent pixels.
        fits_size: whether --max-size is kept: a raster format is written with less and less quality until it fits; a
            vector format is refused if it is too large.
        fits_preset: whether its files can be opened again and checked against a preset.
        made_of: type of the content: Film or ParticleFilm.
        media_type: the MIME type by which a notebook shows its files, such as 'image/gif'; '' if none can.
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
            write_atomically(path, lambda beside: self._fill(beside, content))
            return Written(path, path.stat().st_size, len(content))
        preset = limits.preset
        if preset is None:
            fitted = write_fitted(path, content, self._fill, limits.max_bytes)
        else:
            with content.with_size(preset.side) as sized:
                fitted = write_fitted(
                    path,
                    sized,
                    self._fill,
                    limits.smallest_max_bytes,
                    max_frames=preset.max_frames,
                    floor=replace(FLOOR, side=preset.side) if preset.square else FLOOR,
                    check=lambda file: verify(file, preset, path),
                )
        return Written(path, fitted.bytes, fitted.frames, fitted.given_up)

    def _fill(self, path: Path, film: Film) -> None:
        self.write(path, film if self.has_transparency else film.as_opaque())


@dataclass(frozen=True, kw_only=True)
class FramesFormat(RasterFormat):
    """A format with a file for each frame: ``write(path, film)`` puts all files into a folder, or none."""

    def write_whole(self, path: Path, content: Film, limits: Limits) -> Written:
        self._fill(path, content)
        return Written(path, sum(file.stat().st_size for file in name_frames(path, len(content))), len(content))


@dataclass(frozen=True, kw_only=True)
class VectorFormat(Format):
    """A format that is made of positions: ``write(path, particles, title)`` fills a new file with them."""

    write: Callable[[Path, ParticleFilm, str], None]
    made_of = ParticleFilm

    def write_whole(self, path: Path, content: ParticleFilm, limits: Limits) -> Written:
        most = limits.smallest_max_bytes

        def fill(beside: Path) -> None:
            self.write(beside, content, path.stem)
            size = beside.stat().st_size
            if most is not None and size > most:
                raise CheckFailed(
                    f"{path}: {describe(size)}, more than {describe(most)}; allow more, or show fewer --points"
                )

        write_atomically(path, fill)
        return Written(path, path.stat().st_size, len(content))
