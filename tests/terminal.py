"""A command under a pseudo-terminal, and what its screen shows."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import struct
import subprocess
import termios
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

# Printed text, or one control: carriage return, line feed, an escape sequence, or a string for the terminal, which ends
# with ST or BEL.
TOKEN = re.compile(
    r"\r|\n|\x1b\[(?P<argument>[?\d;]*)(?P<name>[A-Za-z])|\x1b[_P\]][^\x1b\x07]*(?:\x1b\\|\x07)|\x1b[78\\]"
    r"|(?P<text>[^\r\n\x1b]+)"
)


WHAT_ARE_YOU = b"\x1b[c"


@dataclass
class Screen:
    """A terminal without scrolling, which knows what flowgif sends.

    Attributes:
        width: columns.
        rows: what they show.
        seen: the first row that was not empty, each time before something of the screen was erased or overwritten.
        has_cursor: whether the cursor shows.
        most_rows: how many rows were not empty at the same time, at most.
    """

    width: int
    rows: list[str] = field(default_factory=lambda: [""])
    seen: list[str] = field(default_factory=list)
    has_cursor: bool = True
    most_rows: int = 0
    _row: int = 0
    _column: int = 0

    def feed(self, stream: str) -> Screen:
        for token in TOKEN.finditer(stream):
            if token["text"] is not None:
                self._write(token["text"])
            elif token["name"] is not None:
                self._control(token["argument"], token["name"])
            elif token[0] == "\r":
                self._column = 0
            elif token[0] == "\n":
                self._row += 1
                self.rows += [""] * (self._row + 1 - len(self.rows))
        return self

    def _write(self, text: str) -> None:
        for character in text:
            if self._column == self.width:
                self._row, self._column = self._row + 1, 0
                self.rows += [""] * (self._row + 1 - len(self.rows))
            row = self.rows[self._row].ljust(self._column)
            self.rows[self._row] = row[: self._column] + character + row[self._column + 1 :]
            self._column += 1
        self.most_rows = max(self.most_rows, sum(bool(row.strip()) for row in self.rows))

    def _control(self, argument: str, name: str) -> None:
        if name == "K":
            assert argument == "2"
            self.seen.append(self.rows[self._row].rstrip())
            self.rows[self._row] = ""
        elif name == "A":
            self._row -= int(argument or 1)
            assert self._row >= 0
        elif name in "hl":
            assert argument == "?25"
            self.has_cursor = name == "h"
        else:
            assert name in "mct", name  # a colour, or a question

    @property
    def text(self) -> str:
        """What is left, without empty rows at the end."""
        return "\n".join(row.rstrip() for row in self.rows).rstrip("\n")


@dataclass
class Terminal:
    """A command whose stderr is a pseudo-terminal.

    Attributes:
        process: the command.
        width: of the terminal, columns.
        stream: what the command has sent so far.
        reader: receives it.
    """

    process: subprocess.Popen[str]
    width: int
    stream: str = ""
    reader: threading.Thread = field(default_factory=threading.Thread)

    def finish(self, timeout: float = 120) -> tuple[Screen, str]:
        """The screen at the end, and stdout."""
        out = self.process.communicate(timeout=timeout)[0]
        self.reader.join(timeout)
        return Screen(self.width).feed(self.stream), out


@contextlib.contextmanager
def in_terminal(
    command: Sequence[object], width: int, cwd: Path | None = None, answers: bytes = b"", **env: str
) -> Iterator[Terminal]:
    """Starts a command; it is killed at the end of the block where it still runs.

    The terminal sends ``answers`` when it is asked what it is.
    """
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, width, 0, 0))
    plain = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "COLUMNS", "LINES")}
    process = subprocess.Popen(
        [*map(str, command)], cwd=cwd, stdout=subprocess.PIPE, stderr=theirs, text=True,
        env={**plain, "TERM": "xterm-256color", **env},
    )  # fmt: skip
    os.close(theirs)
    terminal = Terminal(process, width)

    def read() -> None:
        data = b""
        # Linux reports the end of a pseudo-terminal as an error.
        with contextlib.suppress(OSError):
            while piece := os.read(ours, 65536):
                if answers and WHAT_ARE_YOU in data + piece and WHAT_ARE_YOU not in data:
                    os.write(ours, answers)
                data += piece
                terminal.stream = data.decode(errors="replace")

    terminal.reader = threading.Thread(target=read)
    terminal.reader.start()
    try:
        yield terminal
    finally:
        process.kill()
        process.wait()
        terminal.reader.join()
        os.close(ours)
