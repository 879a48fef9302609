"""Reads pictures from files with Pillow, as upright RGBA pixels."""

from __future__ import annotations

import struct
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from flowgif.errors import UnusableInput

__all__ = ["Picture", "read_raster", "refuse_svg", "shrink"]

# Decoded in colour, this many pixels take 300 to 400 MB.
MOST_PIXELS = 100_000_000
ORIENTATION = 0x0112  # the EXIF tag


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


def read_raster(path: Path, max_side: int) -> Picture:
    """Reads any picture that Pillow can read: the first frame, turned upright, in colour.

    Raises:
        UnusableInput: Pillow cannot read the picture, or the picture has too many pixels.
    """
    remarks: list[str] = []
    try:
        # Decoders warn about damage that they repair. The size is checked before anything is decoded.
        with warnings.catch_warnings(action="ignore"), Image.open(path) as image:
            width, height = image.size
            if width * height > MOST_PIXELS:
                raise UnusableInput(
                    f"{path} has {width}x{height} pixels, more than {MOST_PIXELS // 10**6} million; "
                    f"shrink it first (the fit uses {max_side} on the longer side)"
                )
            if getattr(image, "n_frames", 1) > 1:
                remarks.append("the picture is animated or has several pages; its first frame is taken")
            if image.getexif().get(ORIENTATION, 1) >= 5:  # a quarter turn
                width, height = height, width
            image.draft("RGB", (max_side, max_side))  # JPEG can be decoded at a fraction of its size
            ImageOps.exif_transpose(image, in_place=True)
            if image.mode in {"L", "RGB", "RGBA"}:  # pixels of the other modes cannot be averaged as they are
                shrink(image, max_side)
            return Picture(_to_rgba(image), (width, height), tuple(remarks))
    except UnidentifiedImageError:
        raise UnusableInput(
            f"{path} is not a picture that can be read; give a PNG, JPEG, WebP, GIF, BMP or TIFF"
        ) from None
    except Image.DecompressionBombError:
        raise UnusableInput(f"{path} has too many pixels; shrink it to under {MOST_PIXELS // 10**6} million") from None
    except (OSError, SyntaxError, ValueError, EOFError, TypeError, NotImplementedError, struct.error) as error:
        reason = str(error) or type(error).__name__
        raise UnusableInput(f"{path} cannot be decoded ({reason}); save the picture anew") from None


def shrink(image: Image.Image, max_side: int) -> None:
    """Shrinks an image in place, in proportion, if its longer side is over ``max_side`` pixels."""
    if max(image.size) > max_side:
        image.thumbnail((max_side, max_side), Image.Resampling.LANCZOS, reducing_gap=3.0)


def _to_rgba(image: Image.Image) -> Image.Image:
    """Returns the image in RGBA with eight bits; greys of 16 bits or floating point are scaled, not clipped."""
    if image.mode.startswith("I") or image.mode == "F":
        grey = np.nan_to_num(np.asarray(image, dtype=np.float64))
        # A 16-bit grey picture arrives as I;16, or as I from a decoder that has no 16-bit mode.
        full = 65535.0 if image.mode.startswith("I") and grey.max() > 255 else (1.0 if grey.max() <= 1 else 255.0)
        image = Image.fromarray(np.clip(grey / full * 255, 0, 255).round().astype(np.uint8))
    return image.convert("RGBA")


def refuse_svg(path: Path, max_side: int) -> Picture:
    """Refuses an SVG.

    Raises:
        UnusableInput: always.
    """
    raise UnusableInput(f"{path} is an SVG, which Pillow cannot read; export it as a PNG of about 1000 pixels")
