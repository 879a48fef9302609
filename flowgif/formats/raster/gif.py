"""Writes GIFs frame by frame. (Pillow's writer collects all frames before it writes the first.)"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import IO

import numpy as np
import numpy.typing as npt
from PIL import Image

from flowgif.formats.film import Film
from flowgif.formats.raster.changes import FrameChange, find_box, find_changes, find_spare_index, pack_smaller
from flowgif.parallel import ordered_map

__all__ = ["write_gif"]

KEEP, CLEAR = 1, 2  # disposal: a frame stays when its time is over, or its rectangle is cleared
TICKS = 100  # ticks per second: the units of a GIF's delays


def write_gif(path: Path, film: Film) -> None:
    """Writes a GIF89a with one palette; each frame is the rectangle that changes.

    Frames of an opaque film are drawn over each other, and unchanged pixels are transparent if the result is smaller.
    For this the palette has one more colour, if there is room for it. A film with transparent pixels is cleared between
    frames, because drawing over a pixel cannot make it transparent again. Delays are rounded to hundredths of a second.
    """
    levels, clear, spare = len(film.colours), film.transparent, find_spare_index(film)
    with path.open("wb") as file:
        _write_head(file, film, levels + (spare is not None))
        if clear is None:
            for blocks in ordered_map(partial(_over, levels=levels, spare=spare), find_changes(film, TICKS)):
                file.write(blocks)
        else:
            last = len(film) - 1
            for index, (frame, delay) in enumerate(zip(film.frames(), film.delays_in(TICKS), strict=True)):
                # Some programs take the picture's size from the first frame, so that one is whole.
                rows, columns = find_box(frame != clear) if index else (slice(None), slice(None))
                # A film that ends must not vanish at its end.
                disposal = KEEP if index == last and film.loops == 1 else CLEAR
                file.write(_control(disposal, delay, clear))
                file.write(_image(columns.start or 0, rows.start or 0, frame[rows, columns], _bits(levels)))
        file.write(b";")


def _bits(colours: int) -> int:
    """Returns the bits of an index to one of ``colours`` colours; at least 2, which GIF's codes need."""
    return max(2, (colours - 1).bit_length())


def _write_head(file: IO[bytes], film: Film, colours: int) -> None:
    bits = max(1, (colours - 1).bit_length())
    palette = np.zeros((1 << bits, 3), np.uint8)
    palette[: len(film.colours)] = film.colours
    file.write(b"GIF89a" + _words(film.width, film.height) + bytes([0xF0 | (bits - 1), 0, 0]) + palette.tobytes())
    if film.loops != 1:
        # A file without the extension is shown once; its number counts the times after the first.
        more = min(max(0, film.loops - 1), 65535)
        file.write(b"\x21\xff\x0bNETSCAPE2.0\x03\x01" + _words(more) + b"\0")
    if film.comment:
        text = film.comment.encode()
        file.write(b"\x21\xfe")
        for start in range(0, len(text), 255):
            part = text[start : start + 255]
            file.write(bytes([len(part)]) + part)
        file.write(b"\0")


def _over(change: FrameChange, levels: int, spare: int | None) -> bytes:
    """Returns the blocks of a frame: its rectangle, whose unchanged pixels are transparent if the result is smaller."""

    def pack(pixels: npt.NDArray[np.uint8], has_holes: bool) -> bytes:
        return _image(change.left, change.top, pixels, _bits(levels + has_holes))

    # Packing is fast, so holes are tried whenever a pixel does not change.
    packed = pack_smaller(change, spare, pack, max_changed=1.0)
    return _control(KEEP, change.delay, spare if packed.has_holes else None) + packed.data


def _control(disposal: int, delay: int, clear: int | None) -> bytes:
    flags = disposal << 2 | (clear is not None)
    return bytes([0x21, 0xF9, 4, flags]) + _words(delay) + bytes([clear or 0, 0])


def _image(left: int, top: int, pixels: npt.NDArray[np.uint8], bits: int) -> bytes:
    height, width = pixels.shape
    # This encoder is Pillow's. Its GIF writer always gives it 8 bits, which makes data of few levels longer.
    packed = Image.fromarray(np.ascontiguousarray(pixels)).tobytes("gif", "L", bits, 0)
    return b"," + _words(left, top, width, height) + bytes([0, bits]) + packed + b"\0"


def _words(*numbers: int) -> bytes:
    return b"".join(number.to_bytes(2, "little") for number in numbers)
