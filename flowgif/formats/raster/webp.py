"""Writes animated WebPs frame by frame.

Pillow uses libwebp's animation encoder, which joins frames that are alike, keeps the whole file in memory, and makes it
a quarter larger.
"""

from __future__ import annotations

import io
from pathlib import Path
from xml.sax.saxutils import escape

import numpy as np
import numpy.typing as npt
from PIL import Image

from flowgif.colour.opacity import OPAQUE
from flowgif.formats.film import Film
from flowgif.formats.raster.changes import FrameChange, Packed, find_changes, find_spare_index, pack_smaller
from flowgif.machine.parallel import ordered_map

__all__ = ["write_webp"]

ANIMATED, DESCRIBED, TRANSPARENT = 0x02, 0x04, 0x10  # flags of the file: it has frames, XMP, an alpha channel
OVER, REPLACE = 0x00, 0x02  # blending: a frame's pixels are drawn over the earlier ones, or replace them
TICKS = 1000  # ticks per second: the units of a WebP's delays
# Settings of libwebp's lossless encoder, 0 to 6 and 0 to 100. Higher ones make files 0.1 % smaller, lower ones 20 %
# larger.
METHOD, EFFORT = 4, 50

_XMP = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:description><rdf:Alt>'
    '<rdf:li xml:lang="x-default">{}</rdf:li></rdf:Alt></dc:description></rdf:Description></rdf:RDF></x:xmpmeta>'
)


def write_webp(path: Path, film: Film) -> None:
    """Writes a lossless WebP; each frame is the rectangle that changes.

    If little of the rectangle changes, its other pixels are transparent, provided that the result is smaller and the
    film is opaque. Delays are rounded to milliseconds.
    """
    table = np.zeros((len(film.colours) + 1, 4), np.uint8)
    table[:-1, 3] = OPAQUE
    table[:-1, : film.colours.shape[1]] = film.colours
    # Beyond 256 colours libwebp has no palette, so there is no room for holes.
    spare = find_spare_index(film)
    traits = ANIMATED | TRANSPARENT * (spare is not None or not film.is_opaque) | DESCRIBED * bool(film.comment)
    with path.open("wb") as file:
        file.write(b"RIFF\0\0\0\0WEBP")
        file.write(_chunk(b"VP8X", bytes([traits, 0, 0, 0]) + _number(film.width - 1, 3) + _number(film.height - 1, 3)))
        # The background is only a hint, which browsers ignore; the first frame covers everything.
        file.write(_chunk(b"ANIM", bytes(4) + _number(min(film.loops, 65535), 2)))

        def pack(change: FrameChange) -> tuple[FrameChange, Packed]:
            return change, pack_smaller(change, spare, lambda pixels, _: _lossless(table[pixels]))

        for change, (data, has_holes) in ordered_map(pack, find_changes(film, TICKS, even=True)):
            height, width = change.pixels.shape
            numbers = (change.left // 2, change.top // 2, width - 1, height - 1, change.delay)
            place = b"".join(_number(number, 3) for number in numbers)
            file.write(_chunk(b"ANMF", place + bytes([OVER if has_holes else REPLACE]) + _chunk(b"VP8L", data)))
        if film.comment:
            file.write(_chunk(b"XMP ", _XMP.format(escape(film.comment)).encode()))
        size = file.tell()
        file.seek(4)
        file.write(_number(size - 8, 4))


def _lossless(pixels: npt.NDArray[np.uint8]) -> bytes:
    """Returns the bitstream in the file that Pillow makes of one picture, (height, width, 4)."""
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
