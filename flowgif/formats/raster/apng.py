"""Writes animated PNGs frame by frame. (Pillow's writer collects all frames before it writes the first.)"""

from __future__ import annotations

import itertools
import struct
import zlib
from pathlib import Path

import numpy as np
import numpy.typing as npt

from flowgif.colour.opacity import OPAQUE
from flowgif.formats.film import Film
from flowgif.formats.raster.changes import find_changes, find_spare_index, pack_smaller
from flowgif.machine.parallel import ordered_map

__all__ = ["write_apng"]

KEEP = 0  # disposal: a frame stays when its time is over
SOURCE, OVER = 0, 1  # blending: a frame's pixels replace the earlier ones, or are drawn over them
# Bits of an index. With fewer, files are up to 5 % smaller, but ffmpeg and programs that use it misplace rectangles.
DEPTH = 8
# Settings of zlib. The next effort makes files 1 % smaller and takes twice the time. Z_FILTERED ignores short matches,
# which cost more than they save along edges of ink.
EFFORT, STRATEGY = 8, zlib.Z_FILTERED


def write_apng(path: Path, film: Film) -> None:
    """Writes an animated PNG of palette indices; each frame is the rectangle that changes.

    If little of the rectangle changes, its other pixels are transparent, provided that the result is smaller, the film
    is opaque and the palette has room.
    """
    spare = find_spare_index(film)
    colours, opacity = film.colours[:, :3].tobytes(), film.colours[:, 3:].tobytes()
    if spare is not None:
        colours, opacity = colours + bytes(3), bytes([OPAQUE]) * spare + b"\0"
    # One sequence numbers the frames, and the data of all but the first.
    numbers = itertools.count()
    with path.open("wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n")
        file.write(_chunk(b"IHDR", struct.pack(">IIBBBBB", film.width, film.height, DEPTH, 3, 0, 0, 0)))
        file.write(_chunk(b"acTL", struct.pack(">II", len(film), film.loops)))
        file.write(_chunk(b"PLTE", colours))
        if opacity:
            file.write(_chunk(b"tRNS", opacity))
        if film.comment:
            file.write(_comment(film.comment))
        packed_changes = ordered_map(
            lambda change: (change, pack_smaller(change, spare, _deflated)), find_changes(film, film.ticks)
        )
        for index, (change, (data, has_holes)) in enumerate(packed_changes):
            height, width = change.pixels.shape
            place = struct.pack(">IIIII", next(numbers), width, height, change.left, change.top)
            blend = OVER if has_holes else SOURCE
            file.write(_chunk(b"fcTL", place + struct.pack(">HHBB", change.delay, film.ticks, KEEP, blend)))
            # A program that knows no animation shows the first frame.
            file.write(_chunk(b"fdAT", struct.pack(">I", next(numbers)) + data) if index else _chunk(b"IDAT", data))
        file.write(_chunk(b"IEND", b""))


def _deflated(pixels: npt.NDArray[np.uint8], _has_holes: bool) -> bytes:
    # Each row begins with its filter's number: 0, as filters do not help indices.
    rows = np.pad(pixels, ((0, 0), (1, 0)))
    packer = zlib.compressobj(EFFORT, strategy=STRATEGY)
    return packer.compress(rows.tobytes()) + packer.flush()


def _comment(text: str) -> bytes:
    try:
        return _chunk(b"tEXt", b"Comment\0" + text.encode("latin-1"))
    except UnicodeEncodeError:
        return _chunk(b"iTXt", b"Comment\0\0\0\0\0" + text.encode())


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
