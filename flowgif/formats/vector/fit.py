"""Shows fewer particles where a file would be too large."""

from __future__ import annotations

import bisect
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from flowgif.errors import CheckFailed
from flowgif.formats.vector.particles import ParticleFilm
from flowgif.units import describe

__all__ = ["VectorLimits", "fill_fitted"]

FEWEST = 100  # with fewer particles hardly any picture can be recognised
STEP = 0.97  # each number of particles that is tried is this share of the one before


@dataclass(frozen=True)
class VectorLimits:
    """The limits of a file that is made of particles.

    Attributes:
        particles: largest number of particles.
        bytes, packed: largest size of the file, and of the file as web servers compress it; None for any size.
    """

    particles: int
    bytes: int | None = None
    packed: int | None = None

    def excess(self, path: Path) -> str:
        """Returns '200 KB, more than 128 KB' if a file is too large, else ''."""
        size = path.stat().st_size
        if self.bytes is not None and size > self.bytes:
            return f"{describe(size)}, more than {describe(self.bytes)}"
        if self.packed is not None and (size := len(zlib.compress(path.read_bytes(), 9))) > self.packed:
            return f"{describe(size)} compressed, more than {describe(self.packed)}"
        return ""


def fill_fitted(
    beside: Path, film: ParticleFilm, write: Callable[[Path, ParticleFilm], None], limits: VectorLimits, name: Path
) -> int:
    """Fills a new file with as many of the first particles as fit; returns their number.

    Args:
        beside: the new file.
        film: all particles.
        write: fills a new file with a film; it is called for each trial.
        limits: the limits that the file must keep.
        name: the file's name in messages.

    Raises:
        CheckFailed: the file is too large even with few particles.
    """
    numbers = [min(limits.particles, film.positions.shape[1])]
    while numbers[-1] > FEWEST:
        numbers.append(max(FEWEST, int(STEP * numbers[-1])))

    def fits(number: int) -> bool:
        write(beside, film.with_particles(number))
        return not limits.excess(beside)

    if fits(numbers[0]):
        return numbers[0]
    if not fits(numbers[-1]):
        raise CheckFailed(f"{name}: {limits.excess(beside)}; allow more, or show fewer --points")
    best = numbers[bisect.bisect_left(numbers, True, hi=len(numbers) - 1, key=fits)]
    write(beside, film.with_particles(best))
    return best
