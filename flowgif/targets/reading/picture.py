"""What readers of pictures are given, and the upright RGBA pixels that they make of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import BinaryIO

from PIL import Image

from flowgif.errors import UnusableInput

__all__ = ["DRAWN_SIDE", "MAX_SIDE", "Picture", "PictureFile", "shrink"]

# Pixels, unless the user sets another limit. A drawing has sharp outlines at any size, so that more pixels would only
# make its training longer; at 512 an outline is as sharp as the frames of an animation.
MAX_SIDE, DRAWN_SIDE = 1024, 512


@dataclass(frozen=True)
class PictureFile:
    """A picture to read.

    Attributes:
        name: what messages call it: its path, or stdin.
        suffix: the suffix of its name, in lower case; nothing for stdin.
        stream: its bytes, at their beginning; seekable.
        max_side: the longest side that will be used, in pixels. A reader may shrink the picture to it, which can save
            time.
        drawn_side: the longer side of a drawing without pixels, in pixels.
        frame: which frame or page of the picture is wanted, from 1; None stands for the first.
    """

    name: str
    suffix: str
    stream: BinaryIO
    max_side: int
    drawn_side: int
    frame: int | None = None

    def find_frame(self, count: int) -> int:
        """Returns the place, from 0, of the wanted frame among ``count`` frames.

        Raises:
            UnusableInput: there are fewer frames.
        """
        wanted = self.frame or 1
        if wanted > count:
            remedy = f"give one from 1 to {count}" if count > 1 else "leave --frame out"
            raise UnusableInput(f"{self.name} has {count} frame{'s' * (count > 1)}, no frame {wanted}; {remedy}")
        return wanted - 1


@dataclass(frozen=True)
class Picture:
    """A picture as upright pixels, shrunk if necessary.

    Attributes:
        image: the pixels, RGBA, upright; the longer side is at most the requested limit.
        size_as_given: the size before any shrinking, (width, height) in pixels.
        remarks: sentences that say how the picture was changed.
    """

    image: Image.Image
    size_as_given: tuple[int, int]
    remarks: tuple[str, ...] = ()


def shrink(image: Image.Image, max_side: int) -> None:
    """Shrinks an image in place, in proportion, if its longer side is over ``max_side`` pixels."""
    if max(image.size) > max_side:
        image.thumbnail((max_side, max_side), Image.Resampling.LANCZOS, reducing_gap=3.0)
