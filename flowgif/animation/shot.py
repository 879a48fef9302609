"""What an animation shows, and how, as it was asked for."""

from __future__ import annotations

from dataclasses import dataclass, field

from flowgif.drawing.colours import Look, make_look
from flowgif.drawing.styles.table import STYLES
from flowgif.errors import UnusableInput, did_you_mean
from flowgif.formats.fit import PRESETS
from flowgif.timeline import Pace

__all__ = ["Shot"]


@dataclass(frozen=True)
class Shot:
    """What is drawn, and how.

    Attributes:
        style: a key of STYLES.
        look: the colours.
        pace: how time passes.
        size: of the frame's longer side, pixels.
        points: particles; None for the style's own number.
        seed: of the base draws; the same seed gives the same bytes.
        caption: whether the layer's number stands below the picture, or the time where there are no layers.
        loops: how many times it plays, 0 for ever.
        most_bytes: of each file; levels, frames and size are given up for it in this order.
        preset: a key of PRESETS, whose limits the files must keep.
        comment: goes into the files.

    Raises:
        UnusableInput: one is out of its range, or unknown.
    """

    style: str = "points"
    look: Look = field(default_factory=make_look)
    pace: Pace = field(default_factory=Pace)
    size: int = 480
    points: int | None = None
    seed: int = 0
    caption: bool = False
    loops: int = 0
    most_bytes: int | None = None
    preset: str | None = None
    comment: str = ""

    def __post_init__(self) -> None:
        if self.style not in STYLES:
            raise UnusableInput(f"unknown --style '{self.style}'; {did_you_mean(self.style, STYLES)}")
        if self.preset is not None and self.preset not in PRESETS:
            raise UnusableInput(f"unknown --preset '{self.preset}'; {did_you_mean(self.preset, PRESETS)}")
        if not 16 <= self.size <= 4096:
            raise UnusableInput(f"--size {self.size} is out of range; give 16 to 4096 pixels")
        if self.points is not None and not 1 <= self.points <= 1_000_000:
            raise UnusableInput(f"--points {self.points} is out of range; give 1 to 1000000")
        if not 0 <= self.loops <= 65535:
            raise UnusableInput(f"--loops {self.loops} is out of range; give 0 (for ever) to 65535")
