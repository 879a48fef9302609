"""Finds the terminal behind stderr, and asks it how it can show pictures.

A terminal that knows the kitty graphics protocol, iTerm2's inline images or sixels says so when it is asked. All others
show half blocks: a character whose upper half has one colour and whose lower half has another.
"""

from __future__ import annotations

import os
import re
import select
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

from flowgif.errors import UnusableInput

if sys.platform != "win32":
    import termios

__all__ = ["CELL", "QUESTIONS", "Abilities", "Protocol", "Terminal", "find_terminal", "has_all_answers", "read_answers"]

Protocol = Literal["kitty", "iterm2", "sixel", "blocks"]

# Whether it shows a picture of one pixel by kitty's protocol, the size of a cell by iTerm2's, the size of a cell by
# xterm's, and what the terminal is. Every terminal answers the last question, so no answer comes after that one.
QUESTIONS = b"\x1b_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\\x1b]1337;ReportCellSize\x1b\\\x1b[16t\x1b[c"
# A terminal that does not know a question may show some of it.
ERASE_LINE = b"\r\x1b[2K"
PATIENCE = 1.0  # longest wait for the answers, seconds; they travel to another continent and back in a third of it
CELL = (10, 20)  # width and height of a cell if the terminal does not say, pixels

_KITTY = re.compile(rb"\x1b_Gi=31;OK\x1b\\")
_ITERM2 = re.compile(rb"\x1b\]1337;ReportCellSize=([\d.]+);([\d.]+)(?:;([\d.]+))?(?:\x07|\x1b\\)")
_CELL = re.compile(rb"\x1b\[6;(\d+);(\d+)t")
_KIND = re.compile(rb"\x1b\[\?([\d;]*)c")
_SIXEL = b"4"  # the number for sixels in the answer of what a terminal is


@dataclass(frozen=True)
class Abilities:
    """How a terminal shows pictures.

    Attributes:
        protocol: the best protocol that it knows.
        cell: width and height of a character's cell, pixels.
    """

    protocol: Protocol
    cell: tuple[float, float] = CELL


def has_all_answers(data: bytes) -> bool:
    """Returns whether a terminal has answered the last of QUESTIONS."""
    return _KIND.search(data) is not None


def read_answers(data: bytes) -> Abilities:
    """Reads a terminal's answers to QUESTIONS; anything else in between, such as typed keys, is ignored."""
    cell, iterm2, kind = _CELL.search(data), _ITERM2.search(data), _KIND.search(data)
    size = CELL
    if cell is not None:
        size = (float(cell[2]), float(cell[1]))
    elif iterm2 is not None:  # in points, with the number of pixels per point
        scale = float(iterm2[3] or 1)
        size = (scale * float(iterm2[2]), scale * float(iterm2[1]))
    if min(size) <= 0:
        size = CELL
    if _KITTY.search(data):
        return Abilities("kitty", size)
    if iterm2 is not None:
        return Abilities("iterm2", size)
    if kind is not None and _SIXEL in kind[1].split(b";"):
        return Abilities("sixel", size)
    return Abilities("blocks", size)


@dataclass(frozen=True)
class Terminal:
    """The terminal behind stderr.

    Attributes:
        abilities: how it shows pictures.
    """

    abilities: Abilities

    def size(self) -> tuple[int, int]:
        """Returns the number of columns and of rows of the window, as it is now."""
        return os.get_terminal_size(sys.stderr.fileno())

    @contextmanager
    def silent(self) -> Generator[None]:
        """Shows no typed keys inside the block, and no cursor, however the block ends; Ctrl-C still interrupts."""
        with _open() as file, _without_echo(file):
            self.write(b"\x1b[?25l")
            try:
                yield
            finally:
                self.write(b"\x1b[0m\x1b[?25h")

    def write(self, data: bytes) -> None:
        """Sends bytes to the terminal, and waits until it has taken them."""
        while data:
            data = data[os.write(sys.stderr.fileno(), data) :]


def find_terminal() -> Terminal:
    """Finds the terminal behind stderr, and asks it what it can show.

    Raises:
        UnusableInput: stderr is no terminal, or one that can only print lines.
    """
    if not sys.stderr.isatty():
        raise UnusableInput("--show plays in a terminal, and stderr is none; leave it out, and open the file")
    if os.environ.get("TERM") == "dumb":
        raise UnusableInput("--show: this terminal shows no pictures (TERM is dumb); leave it out, and open the file")
    sys.stderr.flush()
    return Terminal(read_answers(_ask()))


def _ask() -> bytes:
    """Returns what the terminal answers to QUESTIONS until its last answer, or within PATIENCE."""
    if sys.platform == "win32":  # its terminals draw half blocks
        return b""
    data, end = b"", time.monotonic() + PATIENCE
    with _open() as file, _without_echo(file):
        os.write(file, QUESTIONS)
        while not has_all_answers(data) and select.select([file], [], [], max(0.0, end - time.monotonic()))[0]:
            data += os.read(file, 4096)
        os.write(file, ERASE_LINE)
    return data


@contextmanager
def _open() -> Generator[int]:
    """Opens the terminal for reading too, which stderr itself may not be, and which stdin may not be."""
    if sys.platform == "win32":
        yield sys.stderr.fileno()
        return
    file = os.open(os.ttyname(sys.stderr.fileno()), os.O_RDWR | os.O_NOCTTY)
    try:
        yield file
    finally:
        os.close(file)


@contextmanager
def _without_echo(file: int) -> Generator[None]:
    """Makes the terminal hand over what is typed, or answered, at once and without showing it."""
    if sys.platform == "win32":
        yield
        return
    before = termios.tcgetattr(file)
    changed = termios.tcgetattr(file)
    changed[3] &= ~(termios.ICANON | termios.ECHO)
    termios.tcsetattr(file, termios.TCSADRAIN, changed)
    try:
        yield
    finally:
        # Answers that come too late, and keys that were typed meanwhile, are not for the shell.
        termios.tcsetattr(file, termios.TCSAFLUSH, before)
