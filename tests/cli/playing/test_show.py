"""``animate --show`` in a pseudo-terminal."""

from __future__ import annotations

import base64
import io
import re
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from conftest import FLOWGIF, Finished
from PIL import Image
from terminal import in_terminal

SIZE = ("--size", 64, "--points", 300, "--frames", 4, "--fps", 50, "--hold", 0)
PLAYER = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.path.insert(0, {tests!r})
from films import discs, film_of, ramp
from flowgif.cli.playing.show import play
from flowgif.cli.playing.terminal import find_terminal
terminal = find_terminal()
with film_of(discs(6), ramp(6), loops={loops}) as film:
    play(film, terminal)
"""


def _player(loops: int) -> list[str]:
    return [sys.executable, "-c", PLAYER.format(tests=str(Path(__file__).parents[2]), loops=loops)]


@pytest.mark.slow
def test_a_run_plays_once_and_is_written(workplace: Path, tmp_path: Path) -> None:
    run, out = workplace / "runs" / "cat", tmp_path / "x.gif"
    command = [FLOWGIF, "animate", run, "--show", "-o", out, *SIZE]
    with in_terminal(command, 60, answers=b"\x1b[?6c") as terminal:
        screen, printed = terminal.finish()
    assert terminal.process.returncode == 0, screen.text
    assert printed == f"{out}\n"
    assert screen.has_cursor
    # The last frame is left above the summary, in 23 of the window's 24 rows.
    rows = screen.text.splitlines()
    assert sum(set(row) <= {"▀"} and len(row) == 46 for row in rows) == 23, screen.text
    assert rows[-1].startswith("4 frames, 0.08 s: x.gif")
    # It plays once, not for ever. A machine that is busy may leave frames out.
    assert 1 <= terminal.stream.count("\x1b[22A") <= 4
    with Image.open(out) as image:
        assert image.n_frames == 4  # type: ignore[attr-defined]


def test_a_terminal_that_knows_pictures_gets_them() -> None:
    with in_terminal(_player(2), 80, answers=b"\x1b_Gi=31;OK\x1b\\\x1b[6;20;10t\x1b[?62c") as terminal:
        screen, _ = terminal.finish()
    assert terminal.process.returncode == 0, screen.text
    assert screen.text == ""
    sent = re.findall(r"\x1b_Ga=T,[^;]*,m=0;([^\x1b]*)\x1b", terminal.stream)
    assert 1 <= len(sent) <= 12  # twice six, but fewer where the machine is so busy that some come too late
    last = np.asarray(Image.open(io.BytesIO(base64.b64decode(sent[-1]))).convert("RGB"))
    assert last.shape == (30, 40, 3)
    assert (last == (20, 30, 60)).all(2).sum() > 50


def test_ctrl_c_ends_it_and_the_cursor_is_back() -> None:
    with in_terminal(_player(1000), 80, answers=b"\x1b[?6c") as terminal:
        while "▀" not in terminal.stream:
            assert terminal.process.poll() is None, terminal.stream
            time.sleep(0.01)
        assert "\x1b[?25l" in terminal.stream
        terminal.process.send_signal(signal.SIGINT)
        screen, _ = terminal.finish(30)
    assert terminal.process.returncode != 0
    assert screen.has_cursor


def test_without_a_terminal_a_line_says_so(workplace: Path, run_here: Callable[..., Finished]) -> None:
    done = run_here("animate", "runs/cat", "--show", cwd=workplace)
    assert (done.code, done.out) == (2, "")
    assert done.err == "flowgif: --show plays in a terminal, and stderr is none; leave it out, and open the file\n"


@pytest.mark.parametrize("other", ["--show"])
def test_a_row_of_frames_is_not_played(other: str, workplace: Path, run_here: Callable[..., Finished]) -> None:
    done = run_here("animate", "runs/cat", "--stills", "row.png", other, cwd=workplace)
    assert done.code == 2
    assert f"leave out {other}" in done.err
