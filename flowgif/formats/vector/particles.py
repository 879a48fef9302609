"""Particles' positions over time, of which vector formats are made."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from flowgif.errors import NumericalError
from flowgif.timeline import Paint

__all__ = ["ParticleFilm", "Theme"]


@dataclass(frozen=True)
class Theme:
    """Two colours, each '#rrggbb'."""

    foreground: str
    background: str

    def __post_init__(self) -> None:
        for colour in (self.foreground, self.background):
            if not re.fullmatch("#[0-9a-fA-F]{6}", colour):
                raise ValueError(f"'{colour}' is no colour; write #rrggbb")


@dataclass(frozen=True)
class ParticleFilm:
    """Positions of particles, and in which order and for how long they are shown.

    Attributes:
        width, height: of the frame, pixels; a viewer may show it in any size, in this ratio.
        positions: (frames, n, 2), (column, row) in pixels of the frame, the first pixel's centre at (0, 0); also
            outside the frame.
        radii: of the particles in each shown frame, pixels of the frame.
        delays: how long each shown frame stays, ticks.
        order: the index into ``positions`` of each shown frame.
        moves: whether from each shown frame particles move to the next, the first coming after the last; otherwise the
            picture cuts.
        still: the shown frame that readers see who want no motion.
        colours: of each particle in each picture, (pictures, n, 3) uint8; None for the theme's foreground.
        paints: of each shown frame; None where there is one picture.
        captions: of each shown frame; None for none.
        loops: how often it plays; 0 for ever.
        light, dark: the colours, as the reader's system prefers them.
        comment: any text; it is in the file but not shown.
        ticks: units of the delays per second.
    """

    width: int
    height: int
    positions: npt.NDArray[np.floating]
    radii: tuple[float, ...]
    delays: tuple[int, ...]
    order: tuple[int, ...]
    moves: tuple[bool, ...]
    still: int
    colours: npt.NDArray[np.uint8] | None = None
    paints: tuple[Paint, ...] | None = None
    captions: tuple[str, ...] | None = None
    loops: int = 0
    light: Theme = Theme("#181c3e", "#ffffff")
    dark: Theme = Theme("#e4e7f5", "#13151f")
    comment: str = ""
    ticks: int = 100

    def __post_init__(self) -> None:
        frames, n, _ = self.positions.shape
        shown = len(self.order)
        if self.positions.shape != (frames, n, 2) or frames < 1:
            raise ValueError(f"positions are {self.positions.shape}; they must be (frames, n, 2)")
        if not np.isfinite(self.positions).all():
            raise NumericalError("particles are nowhere: their positions are not finite; train again with a lower --lr")
        if shown < 1 or not all(0 <= index < frames for index in self.order):
            raise ValueError(f"order must name at least one frame, each below {frames}")
        if len(self.radii) != shown or min(self.radii) <= 0:
            raise ValueError(f"radii must be {shown}, each above 0")
        if len(self.delays) != shown or min(self.delays) < 1 or self.ticks < 1:
            raise ValueError(f"delays must be {shown}, each at least 1, of at least one tick a second")
        if len(self.moves) != shown or not 0 <= self.still < shown:
            raise ValueError(f"moves must be {shown}, and still one of as many frames")
        if self.captions is not None and len(self.captions) != shown:
            raise ValueError(f"captions must be {shown}")
        pictures = 0 if self.colours is None else len(self.colours)
        if self.colours is not None and (self.colours.shape != (pictures, n, 3) or not pictures):
            raise ValueError(f"colours are {self.colours.shape}; they must be (pictures, {n}, 3)")
        if self.paints is not None and (
            len(self.paints) != shown or any(max(paint[:2]) >= pictures for paint in self.paints)
        ):
            raise ValueError(f"paints must be {shown}, each of {pictures} pictures")

    def __len__(self) -> int:
        """The number of shown frames."""
        return len(self.order)
