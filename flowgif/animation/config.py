"""The settings of an animation."""

from __future__ import annotations

from dataclasses import dataclass, field

from flowgif.drawing.colours import Look, make_look
from flowgif.drawing.styles.table import STYLES
from flowgif.errors import UnusableInput
from flowgif.formats.presets import PRESETS, Limits
from flowgif.timeline import Pace

__all__ = ["AnimationConfig"]


@dataclass(frozen=True)
class AnimationConfig:
    """The settings of an animation, checked against their ranges.

    Attributes:
        style: a name in STYLES.
        look: the colours.
        pace: speed and order of the frames.
        size: longer side of the frame, pixels; None for the preset's, or without a preset the style's default.
        points: number of particles; None for the style's default.
        seed: seed of the base points; the same seed gives the same bytes.
        caption: whether the layer's number is shown below the picture, or the time if there are no layers.
        loops: number of times that the animation is shown; 0 for ever.
        max_bytes: the largest size of each file; levels, frames and pixels are given up for it in this order.
        preset: a name in PRESETS, whose limits the files must keep.
        comment: text for the files' metadata.

    Raises:
        UnusableInput: a value is out of its range or unknown, or a size is given beside a preset.
    """

    style: str = "points"
    look: Look = field(default_factory=make_look)
    pace: Pace = field(default_factory=Pace)
    size: int | None = None
    points: int | None = None
    seed: int = 0
    caption: bool = False
    loops: int = 0
    max_bytes: int | None = None
    preset: str | None = None
    comment: str = ""

    def __post_init__(self) -> None:
        STYLES.find(self.style)
        if self.preset is not None:
            PRESETS.find(self.preset)
            if self.size is not None:
                raise UnusableInput(f"--preset {self.preset} sets the size; leave --size out")
        if not 16 <= self.side <= 4096:
            raise UnusableInput(f"--size {self.side} is out of range; give 16 to 4096 pixels")
        if self.points is not None and not 1 <= self.points <= 1_000_000:
            raise UnusableInput(f"--points {self.points} is out of range; give 1 to 1000000")
        if not 0 <= self.loops <= 65535:
            raise UnusableInput(f"--loops {self.loops} is out of range; give 0 (for ever) to 65535")

    @property
    def limits(self) -> Limits:
        """The limits that each file must keep."""
        return Limits(self.max_bytes, None if self.preset is None else PRESETS[self.preset])

    @property
    def side(self) -> int:
        """The longer side of a frame, pixels: the preset's, else ``size``, else the style's default."""
        if self.preset is not None:
            return PRESETS[self.preset].side
        return self.size if self.size is not None else STYLES[self.style].default_side
