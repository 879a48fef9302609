"""Animated WebP, a frame at a time.

libwebp's animation encoder, which Pillow calls, makes one frame of two that are alike, keeps the whole file in memory,
and makes it a quarter larger.
"""

from __future__ import annotations

import io
from functools import partial
from pathlib import Path
from xml.sax.saxutils import escape

import numpy as np
import numpy.typing as npt
from PIL import Image

from flowgif.formats.raster.changes import Patch, find_changes, packed
from flowgif.formats.raster.film import Film

__all__ = ["write_webp"]

ANIMATED, DESCRIBED, SEE_THROUGH = 0x02, 0x04, 0x10  # what the file has: frames, XMP, an alpha channel
REPLACE = 0x02  # a frame's pixels take the place of what was there, instead of being laid over it
# Of libwebp's lossless encoder, 0 to 6 and 0 to 100: more wins a thousandth, less loses a fifth.
METHOD, EFFORT = 4, 50

_XMP = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:description><rdf:Alt>'
    '<rdf:li xml:lang="x-default">{}</rdf:li></rdf:Alt></dc:description></rdf:Description></rdf:RDF></x:xmpmeta>'
)


def write_webp(path: Path, film: Film) -> None:
    """Writes a lossless WebP; each frame is the rectangle that changes.

    Where little of it changes, the rest is see-through if that is smaller and the film opaque.
    """
    alpha = np.full((len(film.colours) + 1, 1), 255, np.uint8)
    alpha[[-1, *([] if film.transparent is None else [film.transparent])]] = 0
    table = np.hstack([np.vstack([film.colours, np.zeros((1, 3), np.uint8)]), alpha])
    # Beyond 256 colours libwebp has no palette any more.
    spare = len(film.colours) if film.transparent is None and len(film.colours) < 256 else None
    traits = (
        ANIMATED | SEE_THROUGH * (spare is not None or film.transparent is not None) | DESCRIBED * bool(film.comment)
    )
    with path.open("wb") as file:
        file.write(b"RIFF\0\0\0\0WEBP")
        file.write(_chunk(b"VP8X", bytes([traits, 0, 0, 0]) + _number(film.width - 1, 3) + _number(film.height - 1, 3)))
        # The background is a hint that browsers do not take; the first frame covers everything.
        file.write(_chunk(b"ANIM", bytes(4) + _number(min(film.loops, 65535), 2)))
        pack = partial(_image, table=table, spare=spare)
        for patch, (flags, data) in packed(pack, find_changes(film, even=True)):
            height, width = patch.pixels.shape
            numbers = (patch.left // 2, patch.top // 2, width - 1, height - 1, 10 * patch.delay)
            place = b"".join(_number(number, 3) for number in numbers)
            file.write(_chunk(b"ANMF", place + bytes([flags]) + _chunk(b"VP8L", data)))
        if film.comment:
            file.write(_chunk(b"XMP ", _XMP.format(escape(film.comment)).encode()))
        size = file.tell()
        file.seek(4)
        file.write(_number(size - 8, 4))


def _image(patch: Patch, table: npt.NDArray[np.uint8], spare: int | None) -> tuple[int, bytes]:
    """How a frame's rectangle is laid over the one before, and its data."""
    plain = _lossless(table[patch.pixels])
    if spare is None or not patch.sparse:
        return REPLACE, plain
    holes = _lossless(table[np.where(patch.changed, patch.pixels, spare)])
    return (0, holes) if len(holes) < len(plain) else (REPLACE, plain)


def _lossless(pixels: npt.NDArray[np.uint8]) -> bytes:
    """The bitstream within the file that Pillow makes of one picture, (height, width, 4)."""
    memory = io.BytesIO()
    image = Image.fromarray(pixels if (pixels[..., 3] < 255).any() else np.ascontiguousarray(pixels[..., :3]))
    image.save(memory, "WEBP", lossless=True, method=METHOD, quality=EFFORT, exact=True)
    data, at = memory.getvalue(), 12
    while data[at : at + 4] != b"VP8L":
        at += 8 + _even(int.from_bytes(data[at + 4 : at + 8], "little"))
    return data[at + 8 : at + 8 + int.from_bytes(data[at + 4 : at + 8], "little")]


def _chunk(name: bytes, data: bytes) -> bytes:
    return name + _number(len(data), 4) + data + bytes(_even(len(data)) - len(data))


def _even(length: int) -> int:
    return length + length % 2


def _number(number: int, length: int) -> bytes:
    return number.to_bytes(length, "little")
