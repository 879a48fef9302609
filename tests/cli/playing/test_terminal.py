"""A terminal is asked what it can show. The answers below are those that terminals are known to give."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import sys
import termios
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from flowgif.cli.playing import terminal
from flowgif.cli.playing.terminal import CELL, QUESTIONS, Abilities, find_terminal, has_all_answers, read_answers
from flowgif.errors import UnusableInput

ITERM2 = b"\x1b]1337;ReportCellSize=17.0;8.0;2.0\x1b\\\x1b[?62;4c"
ANSWERS = {
    "kitty": (b"\x1b_Gi=31;OK\x1b\\\x1b[6;20;9t\x1b[?62;52;c", Abilities("kitty", (9, 20))),
    "ghostty": (b"\x1b_Gi=31;OK\x1b\\\x1b[6;34;16t\x1b[?62;22;52c", Abilities("kitty", (16, 34))),
    "kitty behind a proxy that sends no size": (b"\x1b_Gi=31;OK\x1b\\\x1b[?62c", Abilities("kitty", CELL)),
    "pictures switched off": (b"\x1b_Gi=31;ENOTSUPPORTED:no\x1b\\\x1b[6;20;9t\x1b[?62c", Abilities("blocks", (9, 20))),
    "iterm2": (ITERM2, Abilities("iterm2", (16, 34))),
    "iterm2 before retina": (b"\x1b]1337;ReportCellSize=17.0;8.0\x07\x1b[?1;2c", Abilities("iterm2", (8, 17))),
    "wezterm": (
        b"\x1b]1337;ReportCellSize=24.0;11.0;1.0\x1b\\\x1b[6;24;11t\x1b[?65;4;6;18;22c", Abilities("iterm2", (11, 24))
    ),
    "foot": (b"\x1b[6;21;10t\x1b[?62;4;22c", Abilities("sixel", (10, 21))),
    "xterm as a vt340": (b"\x1b[6;13;6t\x1b[?63;1;2;4;6;9;15;16;22c", Abilities("sixel", (6, 13))),
    "xterm": (b"\x1b[6;13;6t\x1b[?64;1;2;6;9;15;16;17;18;21;22;28c", Abilities("blocks", (6, 13))),
    "a vt640 has no sixels": (b"\x1b[?64;44;14c", Abilities("blocks", CELL)),
    "the linux console": (b"\x1b[?6c", Abilities("blocks", CELL)),
    "no size at all": (b"\x1b[6;0;0t\x1b[?62;4c", Abilities("sixel", CELL)),
    "someone types meanwhile": (b"ls\r\x1b[A\x1b_Gi=31;OK\x1b\\q\x1b[6;20;9t4\x1b[?62c\r", Abilities("kitty", (9, 20))),
    "silence": (b"", Abilities("blocks", CELL)),
}  # fmt: skip


@pytest.mark.parametrize("name", ANSWERS)
def test_answers_say_what_a_terminal_can_show(name: str) -> None:
    data, abilities = ANSWERS[name]
    assert read_answers(data) == abilities
    assert has_all_answers(data) == (name != "silence")
    if data:
        last = data.rindex(b"c")
        assert not has_all_answers(data[:last])


@contextmanager
def terminal_behind_stderr() -> Iterator[int]:
    """What is written to the yielded descriptor is typed, and what the screen gets is read from it."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    with pytest.MonkeyPatch.context() as patch, open(theirs, "w") as stderr:  # noqa: PTH123 (a descriptor)
        patch.setenv("TERM", "xterm-256color")
        patch.setattr(sys, "stderr", stderr)
        yield ours
    os.close(ours)


def _echoes(file: int) -> bool:
    return bool(termios.tcgetattr(file)[3] & termios.ECHO)


def test_a_terminal_is_asked_and_left_as_it_was() -> None:
    with terminal_behind_stderr() as keyboard:

        def answer() -> None:
            asked = b""
            while not asked.endswith(QUESTIONS):
                asked += os.read(keyboard, 4096)
            assert not _echoes(keyboard)
            for part in (ITERM2[:9], ITERM2[9:]):  # answers may come in pieces
                os.write(keyboard, part)

        thread = threading.Thread(target=answer)
        thread.start()
        found = find_terminal()
        thread.join()
        assert found.abilities == ANSWERS["iterm2"][1]
        assert found.size() == (80, 24)
        assert _echoes(keyboard)
        assert os.read(keyboard, 4096) == b"\r\x1b[2K"  # nothing that the terminal did not understand is left


def test_a_silent_terminal_is_not_waited_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal, "PATIENCE", 0.05)
    with terminal_behind_stderr() as keyboard:
        assert find_terminal().abilities == Abilities("blocks", CELL)
        assert _echoes(keyboard)


def test_the_cursor_comes_back_however_it_ends() -> None:
    with terminal_behind_stderr() as keyboard:

        def be_interrupted() -> None:
            with terminal.Terminal(Abilities("blocks")).silent():
                assert not _echoes(keyboard)
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            be_interrupted()
        assert _echoes(keyboard)
        assert os.read(keyboard, 4096) == b"\x1b[?25l\x1b[0m\x1b[?25h"


def test_where_no_picture_can_be_shown_a_line_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UnusableInput, match=r"^--show plays in a terminal, and stderr is none; leave it out"):
        find_terminal()
    with terminal_behind_stderr():
        monkeypatch.setenv("TERM", "dumb")
        with pytest.raises(UnusableInput, match=r"TERM is dumb.; leave it out, and open the file$"):
            find_terminal()
