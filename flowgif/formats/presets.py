"""The limits of services that show animations, and the check of a file against them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from flowgif import names
from flowgif.errors import CheckFailed, UnusableInput
from flowgif.units import describe

__all__ = ["PRESETS", "Limits", "Preset", "register_preset", "verify"]


@dataclass(frozen=True)
class Preset:
    """The limits of a service that shows animations.

    Attributes:
        name: the value of --preset.
        purpose: the use of the files, such as 'emoji in Slack'.
        side: largest longer side, pixels; the exact side if the picture must be square.
        square: whether both sides must be the same.
        max_bytes: largest size of the file, or None for any size.
        max_frames: largest number of frames, or None for any number.
    """

    name: str
    purpose: str
    side: int
    square: bool = False
    max_bytes: int | None = None
    max_frames: int | None = None


_PRESETS = (
    Preset("readme", "pictures in a README", 480, max_bytes=1024**2),
    Preset("slack", "emoji in Slack", 128, square=True, max_bytes=128 * 1024, max_frames=50),
    Preset("discord", "emoji in Discord", 128, square=True, max_bytes=256 * 1024),
    Preset("square", "square profile pictures", 512, square=True),
)
PRESETS: names.Table[Preset] = names.Table(names.PRESETS, {preset.name: preset for preset in _PRESETS})


def register_preset(preset: Preset) -> None:
    """Adds a preset, also from outside the package.

    Raises:
        ValueError: its name is taken.
    """
    PRESETS.register(preset.name, preset)


@dataclass(frozen=True)
class Limits:
    """The limits that a file must keep.

    Attributes:
        max_bytes: largest size of the file, or None for any size.
        preset: limits of the service that the file is for, or None.
    """

    max_bytes: int | None = None
    preset: Preset | None = None

    @property
    def smallest_max_bytes(self) -> int | None:
        """The lower one of ``max_bytes`` and the preset's; None if there is neither."""
        limits = (self.max_bytes, self.preset.max_bytes if self.preset is not None else None)
        return min((limit for limit in limits if limit is not None), default=None)


def verify(path: Path, preset: Preset, name: Path | None = None) -> None:
    """Opens a written file and checks it against a preset.

    Args:
        path: the file.
        preset: the limits that it must keep.
        name: the file's name in messages; its path if None.

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
    elif preset.max_frames is not None and frames > preset.max_frames:
        missed = f"{frames} frames, more than {preset.max_frames}"
    elif preset.max_bytes is not None and size > preset.max_bytes:
        missed = f"{describe(size)}, more than {describe(preset.max_bytes)}"
    else:
        return
    raise CheckFailed(f"{name or path} has {missed}; leave out what sets its size, or choose another --preset")
