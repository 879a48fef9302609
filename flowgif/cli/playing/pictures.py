"""Writes frames as text that a terminal shows as pictures, in each of the protocols that terminals know.

Each function takes a film in the size in which it is shown, and returns a function from a frame's index and the frame
to the bytes that draw it at the cursor and leave the cursor where it was.
"""

from __future__ import annotations

import base64
import io
import math
import os
import re
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from flowgif.cli.playing.terminal import Abilities, Protocol
from flowgif.colour.opacity import OPAQUE, over
from flowgif.formats.film import Film
from flowgif.formats.raster.png import write_png

__all__ = ["PAINTERS", "Box", "Painter", "fit"]

Frame = npt.NDArray[np.uint8]
Paint = Callable[[int, Frame], bytes]

SAVE, RESTORE = b"\x1b7", b"\x1b8"  # the place of the cursor
CHUNK = 4096  # most bytes of a picture that kitty's protocol allows at once
SIXEL_ROWS = 6  # a sixel is a column of this many pixels
UPPER, LOWER = "▀", "▄"  # blocks that fill half of a cell
LEAST_OPACITY = 0.5  # a half block is drawn if it is at least this opaque, as a pixel of a GIF


class Box(NamedTuple):
    """The place of the pictures.

    Attributes:
        side: longer side of a picture, pixels.
        columns, rows: cells that it takes up.
    """

    side: int
    columns: int
    rows: int


Painter = Callable[[Film, Box], Paint]


def fit(width: int, height: int, window: tuple[int, int], abilities: Abilities) -> Box:
    """Fits pictures into a window above its last row, in proportion; they are never enlarged.

    Args:
        width, height: size of the pictures, pixels.
        window: columns and rows of the window.
        abilities: what the terminal can show.
    """
    # A cell has one pixel in its upper half and one in its lower half, or those of the terminal's screen.
    across, down = (1, 2) if abilities.protocol == "blocks" else abilities.cell
    columns, rows = max(1, window[0]), max(1, window[1] - 1)
    longer = max(width, height)
    share = min(1.0, columns * across / width, rows * down / height)
    side = max(1, int(longer * share + 1e-6))  # rounding must not cost a pixel
    width, height = (max(1, round(length * side / longer)) for length in (width, height))  # as Film.with_size has them
    return Box(side, min(columns, math.ceil(width / across)), min(rows, math.ceil(height / down)))


def _kitty(film: Film, box: Box) -> Paint:
    """Sends pictures under two numbers in turn, and removes the one before only then, so that nothing flickers."""
    keys = f"a=T,f=100,q=2,C=1,c={box.columns},r={box.rows}"
    first = 2 * os.getpid()  # another program's pictures stay

    def paint(index: int, frame: Frame) -> bytes:
        data, number = base64.b64encode(_png(film, frame)), first + index % 2
        parts = [
            b"\x1b_G%sm=%d;%s\x1b\\"
            % (b"" if start else f"{keys},i={number},".encode(), start + CHUNK < len(data), data[start : start + CHUNK])
            for start in range(0, len(data), CHUNK)
        ]
        return b"".join(parts) + b"\x1b_Ga=d,d=I,q=2,i=%d\x1b\\" % (number ^ 1)

    return paint


def _iterm2(film: Film, box: Box) -> Paint:
    def paint(_: int, frame: Frame) -> bytes:
        data = _png(film, frame)
        keys = f"inline=1;size={len(data)};width={box.columns};height={box.rows};preserveAspectRatio=0"
        return SAVE + b"\x1b]1337;File=" + keys.encode() + b":" + base64.b64encode(data) + b"\x07" + RESTORE

    return paint


def _png(film: Film, frame: Frame) -> bytes:
    memory = io.BytesIO()
    write_png(memory, frame, film.colours)
    return memory.getvalue()


def _sixel(film: Film, _box: Box) -> Paint:
    """Sends sixels. What is see-through has the background's colour, as sixels cannot take pixels away again."""
    colours = film.colours if film.is_opaque else np.rint(over(film.colours, film.colours[0, :3]))
    per_cent = np.rint(colours / (OPAQUE / 100)).astype(int).tolist()
    registers = "".join(f"#{i};2;{red};{green};{blue}" for i, (red, green, blue) in enumerate(per_cent))
    head = f'\x1bP0;1;0q"1;1;{film.width};{film.height}{registers}'.encode()

    def paint(_: int, frame: Frame) -> bytes:
        bands = [_sixels(frame[top : top + SIXEL_ROWS]) for top in range(0, len(frame), SIXEL_ROWS)]
        return SAVE + head + b"-".join(bands) + b"\x1b\\" + RESTORE

    return paint


def _sixels(band: Frame) -> bytes:
    """Returns up to six rows of pixels: for each colour a row of sixels, which begins at the left again."""
    bits = (1 << np.arange(len(band)))[:, None]
    lines: list[bytes] = []
    for colour in np.unique(band).tolist():
        sixels = ((band == colour) * bits).sum(0).astype(np.uint8) + ord("?")
        # A run of four or more is shorter as its number and its sixel.
        runs = re.sub(rb"(.)\1{3,}", lambda run: b"!%d%s" % (len(run[0]), run[1]), sixels.tobytes().rstrip(b"?"))
        lines.append(b"#%d%s" % (colour, runs))
    return b"$".join(lines)


def _blocks(film: Film, box: Box) -> Paint:
    """Draws two pixels in each cell. What is see-through shows the terminal's own background."""
    clear = np.zeros(len(film.colours), bool) if film.is_opaque else film.colours[:, 3] < LEAST_OPACITY * OPAQUE
    colours = [
        None if hidden else f"2;{red};{green};{blue}"
        for (red, green, blue), hidden in zip(film.colours[:, :3].tolist(), clear.tolist(), strict=True)
    ]

    def paint(_: int, frame: Frame) -> bytes:
        # An odd last row has nothing below it.
        rows = [[colours[index] for index in row] for row in frame.tolist()]
        rows += [[None] * film.width] * (len(rows) % 2)
        lines = [_line(upper, lower) for upper, lower in zip(rows[::2], rows[1::2], strict=True)]
        return ("\r\n".join(lines) + "\r" + f"\x1b[{len(lines) - 1}A" * (len(lines) > 1)).encode()

    return paint


def _line(upper: list[str | None], lower: list[str | None]) -> str:
    """Returns a row of cells; colours are None where nothing is drawn."""
    line, now = "", ("", "")
    for above, below in zip(upper, lower, strict=True):
        block = UPPER if above is not None else LOWER if below is not None else " "
        ink, ground = (above, below) if above is not None else (below, None)
        wanted = (f";38;{ink}" if ink else "", f";48;{ground}" if ground else "")
        if wanted != now:
            line, now = f"{line}\x1b[0{wanted[0]}{wanted[1]}m", wanted
        line += block
    return f"{line}\x1b[0m"


PAINTERS: dict[Protocol, Painter] = {"kitty": _kitty, "iterm2": _iterm2, "sixel": _sixel, "blocks": _blocks}
