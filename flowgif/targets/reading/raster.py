"""Reads pictures that are made of pixels with Pillow."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from flowgif.errors import FlowgifError, UnusableInput
from flowgif.targets.reading.picture import Picture, PictureFile, shrink

__all__ = ["read_raster"]

# A JPEG is decoded at a fraction of its size. Others take four or five bytes a pixel.
MOST_PIXELS, MOST_DECODED = 100_000_000, 64_000_000
# Pillow opens others too, and for one of them, EPS, it starts another program.
FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "AVIF", "BMP", "DIB", "TIFF", "ICO", "ICNS", "PPM", "TGA", "XPM", "JPEG2000")
STRIP = 1 << 20  # pixels whose values are looked at together
ORIENTATION = 0x0112  # the EXIF tag, and below what undoes each of its values
UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
BITS_PER_SAMPLE, SAMPLE_FORMAT, PHOTOMETRIC = 258, 339, 262  # tags of TIFF, and one value of each of the last two
UNSIGNED, WHITE_IS_ZERO = 1, 0
BIT_DEPTH = 24  # where a PNG states it, bytes from its beginning


def read_raster(file: PictureFile) -> Picture:
    """Reads any picture that Pillow can read: one frame of it, turned upright, in colour.

    Of an icon with several sizes, that is the largest, which Pillow takes by itself.

    Raises:
        UnusableInput: Pillow cannot read the picture, it has too many pixels, or it has no such frame.
    """
    try:
        # Decoders warn about damage that they repair. The size is checked before anything is decoded.
        with warnings.catch_warnings(action="ignore"), Image.open(file.stream, formats=FORMATS) as image:
            return _read(image, file)
    except (MemoryError, FlowgifError):
        raise
    except UnidentifiedImageError:
        raise UnusableInput(
            f"{file.name} is not a picture that can be read; give a PNG, JPEG, WebP, GIF, BMP, TIFF or SVG"
        ) from None
    except Image.DecompressionBombError:
        raise UnusableInput(
            f"{file.name} has too many pixels; shrink it to under {MOST_PIXELS // 10**6} million"
        ) from None
    except Exception as error:  # decoders raise all kinds of errors about damaged files
        reason = str(error) or type(error).__name__
        raise UnusableInput(f"{file.name} cannot be decoded ({reason}); save the picture anew") from None


def _read(image: Image.Image, file: PictureFile) -> Picture:
    size = image.size
    if size[0] * size[1] > MOST_PIXELS:
        raise UnusableInput(
            f"{file.name} has {size[0]}x{size[1]} pixels, more than {MOST_PIXELS // 10**6} million; "
            f"shrink it first (the fit uses {file.max_side} on the longer side)"
        )
    remarks: tuple[str, ...] = ()
    count: int = getattr(image, "n_frames", 1)
    place = file.find_frame(count)
    if count > 1:
        remarks = (f"frame {place + 1} of the picture's {count} is taken (--frame N takes another)",)
        if file.frame is not None:
            image.seek(place)
    # JPEG can be decoded at a fraction of its size. The size of other pictures is known for sure only when they are
    # decoded: an icon may hold a larger picture than it says, and Pillow turns a TIFF by itself.
    drafted = image.draft("RGB", (file.max_side, file.max_side)) is not None
    if image.width * image.height > MOST_DECODED:
        raise UnusableInput(
            f"{file.name} has {size[0]}x{size[1]} pixels, more than {MOST_DECODED // 10**6} million; "
            f"shrink it first (the fit uses {file.max_side} on the longer side)"
        )
    image.load()
    width, height = size if drafted else image.size
    orientation = _orientation(image)
    image = _in_eight_bits(image, file)
    if orientation in UPRIGHT:
        image = image.transpose(UPRIGHT[orientation])
    if orientation >= 5:  # a quarter turn
        width, height = height, width
    if image.mode in {"L", "RGB", "RGBA"}:  # pixels of the other modes cannot be averaged as they are
        shrink(image, file.max_side)
    return Picture(image.convert("RGBA"), (width, height), remarks)


def _orientation(image: Image.Image) -> int:
    """Returns the orientation that a picture states, 1 to 8; 1, which is upright, if it states no such number."""
    try:
        stated = image.getexif().get(ORIENTATION)
    except Exception:  # whatever is wrong with it, it states no orientation
        return 1
    return stated if isinstance(stated, int) and stated in UPRIGHT else 1


def _in_eight_bits(image: Image.Image, file: PictureFile) -> Image.Image:
    """Returns an image whose greys have eight bits, and whose see-through colour, if it states one, is see-through.

    Greys of more bits and of floating point are scaled by the picture's own range, since few use that of their type.
    """
    key = image.info.get("transparency")
    if image.mode.startswith("I") or image.mode == "F":
        return _stretched(image, key)
    if key is None or image.mode not in {"1", "L", "RGB"}:
        return image
    if image.format == "PNG":
        # The file states the colour in its own bits; Pillow gives the pixels eight.
        image.info["transparency"] = _key_in_eight_bits(key, file)
    return image.convert("RGBA")


def _stretched(image: Image.Image, key: float | None) -> Image.Image:
    """Maps greys of more than eight bits to 0 to 255, by the range of the finite ones that are seen.

    A large picture is looked at in strips, of which each is a copy of that part alone.

    Args:
        image: the greys.
        key: the see-through grey; None if there is none.
    """
    low, high, samples = math.inf, -math.inf, list[npt.NDArray[np.float64]]()
    every = max(1, image.width * image.height // STRIP)
    for _, grey in _strips(image):
        known = grey[np.isfinite(grey) & (grey != (np.nan if key is None else key))]
        if known.size:
            low, high = min(low, float(known.min())), max(high, float(known.max()))
            samples.append(known[::every])
    if not samples:
        low = high = 0.0
    # A pixel without a value is neither ink nor paper.
    middle = float(np.median(np.concatenate(samples))) if samples else 0.0
    scaled = Image.new("L", image.size)
    opacity = None if key is None else Image.new("L", image.size)
    for top, grey in _strips(image):
        filled = np.nan_to_num(grey, nan=middle, posinf=high, neginf=low)
        share = (np.clip(filled, low, high) - low) / (high - low or 1.0)
        scaled.paste(Image.fromarray((255 * share).round().astype(np.uint8)), (0, top))
        if opacity is not None:
            opacity.paste(Image.fromarray(np.where(grey != key, 255, 0).astype(np.uint8)), (0, top))
    if opacity is not None:
        scaled.putalpha(opacity)
    return scaled


def _strips(image: Image.Image) -> Iterator[tuple[int, npt.NDArray[np.float64]]]:
    """Yields the first row and the values (rows, columns) of each strip of an image of more than eight bits a pixel."""
    tags: Any = getattr(image, "tag_v2", {})
    # Pillow has no mode for unsigned numbers of 32 bits, and reads them as signed.
    is_unsigned = tags.get(BITS_PER_SAMPLE) == (32,) and tags.get(SAMPLE_FORMAT, (UNSIGNED,)) == (UNSIGNED,)
    sign = -1 if tags.get(PHOTOMETRIC) == WHITE_IS_ZERO else 1
    height = max(1, STRIP // image.width)
    for top in range(0, image.height, height):
        values: npt.NDArray[Any] = np.asarray(image.crop((0, top, image.width, min(top + height, image.height))))
        yield top, (values.view(np.uint32) if is_unsigned else values).astype(np.float64) * sign


def _key_in_eight_bits(key: Any, file: PictureFile) -> Any:
    """Returns a PNG's see-through grey, or (red, green, blue), as values of eight bits."""
    file.stream.seek(BIT_DEPTH)
    most = 2 ** file.stream.read(1)[0] - 1
    return tuple(value * 255 // most for value in key) if isinstance(key, tuple) else key * 255 // most
