"""A signal that ends a command ends it with its own exit code, and what was being written is saved or removed."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import FLOWGIF, run_flowgif, start_with_signal

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")

CODES = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}
TRAIN = ("train", "--data", "moons", "--model", "spline", "--batch-size", 16, "--out", "run", "--steps")


@pytest.mark.slow
@pytest.mark.parametrize("number", CODES)
def test_a_training_is_saved_and_goes_on(number: signal.Signals, tmp_path: Path) -> None:
    process = start_with_signal(number, 20, *TRAIN, 100_000, cwd=tmp_path)
    out, err = process.communicate(timeout=120)
    assert (process.returncode, out) == (CODES[number], "")
    last = err.splitlines()[-1]
    found = re.fullmatch(r"flowgif: (.*) at step 20; go on with: flowgif (train --resume --out run)", last)
    assert found is not None, last
    done = run_flowgif(*found[2].split(), "--steps", 25, cwd=tmp_path)
    assert (done.code, done.out) == (0, "run\n")
    assert "going on from step 20" in done.err


def test_a_second_signal_ends_it_at_once(tmp_path: Path) -> None:
    process = start_with_signal(signal.SIGTERM, 20, *TRAIN, 100_000, cwd=tmp_path, times=2)
    out, err = process.communicate(timeout=120)
    assert (process.returncode, out) == (143, "")
    assert err.splitlines()[-1] == "flowgif: terminated"
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_a_signal_that_is_ignored_stays_ignored(tmp_path: Path) -> None:
    ignored = "signal.signal(signal.SIGHUP, signal.SIG_IGN)"
    process = start_with_signal(signal.SIGHUP, 20, *TRAIN, 30, cwd=tmp_path, before=ignored)
    out, _ = process.communicate(timeout=120)
    assert (process.returncode, out) == (0, "run\n")


_WHILE_WRITING = """
import os, signal
signal.signal(signal.SIGINT, signal.default_int_handler)
import flowgif.formats.base as base
write = base.write_atomically
def interrupted(path, fill):
    def fill_and_stop(beside):
        fill(beside)
        os.kill(os.getpid(), {number})
    return write(path, fill_and_stop)
base.write_atomically = interrupted
from flowgif.__main__ import main
main()
"""


@pytest.mark.slow
@pytest.mark.parametrize("number", CODES)
def test_what_an_animation_was_writing_is_removed(number: signal.Signals, moons: Path, tmp_path: Path) -> None:
    words = ("animate", moons, "--frames", "3", "--size", "64", "-o", "x.gif")
    done = subprocess.run(
        [sys.executable, "-c", _WHILE_WRITING.format(number=int(number)), *words],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (CODES[number], "")
    assert done.stderr.splitlines()[-1].startswith("flowgif: ")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_signal_at_the_start_is_one_line(tmp_path: Path) -> None:
    """While modules are imported, at any moment."""
    for wait in (0.05, 0.3, 1.0):
        process = subprocess.Popen(
            [FLOWGIF, "train", "--data", "moons"],
            cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        time.sleep(wait)
        process.terminate()
        out, err = process.communicate(timeout=120)
        assert out == ""
        # A signal before Python runs any of our code ends the process in Python's own way.
        assert (process.returncode, err.splitlines()[-1:]) in [(143, ["flowgif: terminated"]), (-signal.SIGTERM, [])]
