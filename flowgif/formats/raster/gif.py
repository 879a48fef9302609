"""Writes GIFs frame by frame. (Pillow's writer collects all frames before it writes the first.)"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import IO

import numpy as np
import numpy.typing as npt
from PIL import Image

from flowgif.colour.opacity import OPAQUE
from flowgif.formats.film import Film
from flowgif.formats.raster.changes import FrameChange, find_box, find_changes, find_spare_index, pack_smaller
from flowgif.machine.parallel import ordered_map

__all__ = ["write_gif"]

Pixels = npt.NDArray[np.uint8]

TRANSPARENT = 0  # the index of the transparent colour, if there is one
LEAST_OPACITY = 0.5  # a pixel that is at least this opaque is drawn; ink then covers about the area that it should
KEEP, CLEAR = 1, 2  # disposal: a frame stays when its time is over, or its rectangle is cleared
TICKS = 100  # ticks per second: the units of a GIF's delays


def write_gif(path: Path, film: Film) -> None:
    """Writes a GIF89a with one palette; each frame is the rectangle that changes.

    Frames of an opaque film are drawn over each other, and unchanged pixels are transparent if the result is smaller.
    For this the palette has one more colour, if there is room for it. Delays are rounded to hundredths of a second.

    A GIF's pixel is transparent or opaque. A see-through colour becomes the one or the other, and if it is opaque, it
    has no background in it, which would be a rim on a page of another colour. Such a film is cleared between frames,
    because drawing over a pixel cannot make it transparent again.
    """
    colours, index = _one_bit(film.colours)
    levels, spare = len(colours), find_spare_index(film)
    with path.open("wb") as file:
        _write_head(file, film, colours, levels + (spare is not None))
        if film.is_opaque:
            for blocks in ordered_map(partial(_over, levels=levels, spare=spare), find_changes(film, TICKS)):
                file.write(blocks)
        else:
            last = len(film) - 1
            frames = (index[frame] for frame in film.frames())
            for number, (frame, delay) in enumerate(zip(frames, film.delays_in(TICKS), strict=True)):
                # Some programs take the picture's size from the first frame, so that one is whole.
                rows, columns = find_box(frame != TRANSPARENT) if number else (slice(None), slice(None))
                # A film that ends must not vanish at its end.
                disposal = KEEP if number == last and film.loops == 1 else CLEAR
                file.write(_control(disposal, delay, TRANSPARENT))
                file.write(_image(columns.start or 0, rows.start or 0, frame[rows, columns], _bits(levels)))
        file.write(b";")


def _one_bit(colours: Pixels) -> tuple[Pixels, Pixels]:
    """Returns the palette of a film's colours, (m, 3), and the index in it of each of them, (levels,)."""
    if colours.shape[1] == 3:
        return colours, np.arange(len(colours), dtype=np.uint8)
    drawn = colours[:, 3] >= LEAST_OPACITY * OPAQUE
    index = np.where(drawn, np.cumsum(drawn), TRANSPARENT).astype(np.uint8)
    return np.concatenate((colours[:1], colours[drawn]))[:, :3], index


def _bits(colours: int) -> int:
    """Returns the bits of an index to one of ``colours`` colours; at least 2, which GIF's codes need."""
    return max(2, (colours - 1).bit_length())


def _write_head(file: IO[bytes], film: Film, colours: Pixels, size: int) -> None:
    """Writes what comes before the frames; the palette has room for ``size`` colours."""
    bits = max(1, (size - 1).bit_length())
    palette = np.zeros((1 << bits, 3), np.uint8)
    palette[: len(colours)] = colours
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

    def pack(pixels: Pixels, has_holes: bool) -> bytes:
        return _image(change.left, change.top, pixels, _bits(levels + has_holes))

    # Packing is fast, so holes are tried whenever a pixel does not change.
    packed = pack_smaller(change, spare, pack, max_changed=1.0)
    return _control(KEEP, change.delay, spare if packed.has_holes else None) + packed.data


def _control(disposal: int, delay: int, clear: int | None) -> bytes:
    flags = disposal << 2 | (clear is not None)
    return bytes([0x21, 0xF9, 4, flags]) + _words(delay) + bytes([clear or 0, 0])


def _image(left: int, top: int, pixels: Pixels, bits: int) -> bytes:
    height, width = pixels.shape
    # This encoder is Pillow's. Its GIF writer always gives it 8 bits, which makes data of few levels longer.
    packed = Image.fromarray(np.ascontiguousarray(pixels)).tobytes("gif", "L", bits, 0)
    return b"," + _words(left, top, width, height) + bytes([0, bits]) + packed + b"\0"


def _words(*numbers: int) -> bytes:
    return b"".join(number.to_bytes(2, "little") for number in numbers)
