"""Plays a film in a terminal."""

from __future__ import annotations

import time

from flowgif.cli.playing.pictures import PAINTERS, fit
from flowgif.cli.playing.terminal import Terminal
from flowgif.formats.film import Film
from flowgif.machine.parallel import ordered_map

__all__ = ["play"]


def play(film: Film, terminal: Terminal) -> None:
    """Plays a film as often as it says, but once if it says for ever, and leaves the last frame on the screen.

    Frames that a slow terminal would show too late are left out.

    Args:
        film: the film; it is shrunk to the window.
        terminal: shows it.
    """
    box, rounds = fit(film.width, film.height, terminal.size(), terminal.abilities), max(1, film.loops)
    with film.with_size(box.side) as small, terminal.silent():
        paint = PAINTERS[terminal.abilities.protocol](small, box)
        # Room for all rows is made once, so that no frame makes the screen scroll.
        terminal.write(b"\r\n" * box.rows + b"\x1b[%dA" % box.rows)
        due = time.monotonic()
        try:
            for number in range(rounds):
                pictures = ordered_map(lambda item: paint(*item), enumerate(small.frames()))
                for index, (picture, delay) in enumerate(zip(pictures, small.delays, strict=True)):
                    start, due = due, due + delay / small.ticks
                    is_last = number == rounds - 1 and index == len(small) - 1
                    time.sleep(max(0.0, start - time.monotonic()))
                    if is_last or time.monotonic() < due:
                        terminal.write(picture)
            time.sleep(max(0.0, due - time.monotonic()))
        finally:
            # An interrupt may come in the middle of a picture, which has to end before anything else is understood.
            terminal.write(b"\x1b\\" + b"\r\n" * box.rows)
