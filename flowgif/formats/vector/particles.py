"""Positions of particles over time, the content of vector formats."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import numpy.typing as npt

from flowgif.errors import NumericalError
from flowgif.timeline import Paint

__all__ = ["ParticleFilm", "ThemeColours"]

CAPTION_HEIGHT = 0.1  # height of a strip with a caption, as a share of the width


@dataclass(frozen=True)
class ThemeColours:
    """Two colours, each '#rrggbb'; the background may be 'transparent'."""

    foreground: str
    background: str

    def __post_init__(self) -> None:
        for colour, other in ((self.foreground, None), (self.background, "transparent")):
            if colour != other and not re.fullmatch("#[0-9a-fA-F]{6}", colour):
                raise ValueError(f"'{colour}' is no colour; write #rrggbb")


@dataclass(frozen=True)
class ParticleFilm:
    """Positions of particles, and the order and the times in which they are shown.

    Attributes:
        width, height: size of the frame, pixels; a viewer may show it in any size with this ratio.
        positions: (frames, n, 2), (column, row) in pixels of the frame. The first pixel's centre is at (0, 0).
            Positions may be outside the frame.
        radii: radius of the particles in each shown frame, pixels of the frame.
        delays: the time for which each shown frame is shown, ticks.
        order: the index into ``positions`` of each shown frame.
        moves: whether particles move from each shown frame to the next; otherwise the picture cuts. The first frame
            follows the last.
        still: index of the shown frame for readers who prefer no motion.
        colours: colour of each particle in each picture, (pictures, n, 3) uint8; None for the theme's foreground.
        paints: the paint of each shown frame; None if there is one picture.
        captions: the caption of each shown frame; None for no captions.
        loops: number of times that the film is shown; 0 for ever.
        light, dark: colours for readers whose system prefers a light or a dark theme.
        comment: any text; it is in the file but not shown.
        ticks: ticks per second.
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
    light: ThemeColours = ThemeColours("#181c3e", "#ffffff")
    dark: ThemeColours = ThemeColours("#e4e7f5", "#13151f")
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

    @property
    def caption_height(self) -> int:
        """The height of the strip for captions below the frame, pixels; 0 if there are none."""
        return 0 if self.captions is None else round(CAPTION_HEIGHT * self.width)

    def with_particles(self, number: int) -> Self:
        """Returns the film of the first ``number`` particles, which are larger, so that the ink stays."""
        n = self.positions.shape[1]
        if number >= n:
            return self
        return replace(
            self,
            positions=self.positions[:, :number],
            radii=tuple(radius * (n / number) ** 0.5 for radius in self.radii),
            colours=None if self.colours is None else self.colours[:, :number],
        )
