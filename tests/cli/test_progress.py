"""What is shown while a command works: a bar on a terminal, lines elsewhere, nothing when quiet."""

from __future__ import annotations

import functools
import re
import signal
import sys
import time
from pathlib import Path
from typing import NamedTuple

import pytest
from terminal import Screen, in_terminal

from flowgif.cli.progress import Progress

SENTENCE = "a sentence that stays and is longer than a narrow window, which wraps it"
# A command in small: two checkpoints of a training, and an evaluation with a long name; no torch is loaded.
WORK = """
import sys, time
from types import SimpleNamespace
from flowgif.cli.progress import Progress

def steps(first, last):
    for i in range(first, last):
        record = SimpleNamespace(step=i, loss=0.5, seconds=i / 50, done=i / 100)
        progress.step(record, SimpleNamespace(gap=0.0123) if i > 40 else None)
        time.sleep(0.01)

with Progress(quiet="quiet" in sys.argv) as progress:
    progress.begin("loading PyTorch ...")
    time.sleep(0.3)
    steps(1, 60)
    progress.begin("measuring the gap ...")
    time.sleep(0.3)
    steps(60, 95)
    progress.say("SENTENCE")
    progress.begin("evaluating runs/a-name-that-is-far-too-long-for-a-window ...")
    for i in range(30):
        progress.advance(i / 30, f"frame {i} of 30")
        time.sleep(0.01)
    if "fail" in sys.argv:
        raise SystemExit("what went wrong")
    if "wait" in sys.argv:
        progress.begin("waiting ...")
        time.sleep(60)
print("the answer")
""".replace("SENTENCE", SENTENCE)


@functools.cache
def _work(width: int, *args: str) -> Screen:
    with in_terminal([sys.executable, "-c", WORK, *args], width) as terminal:
        screen, out = terminal.finish()
    assert out == ("" if "fail" in args else "the answer\n")
    return screen


@pytest.mark.parametrize("width", [12, 80, *(pytest.param(w, marks=pytest.mark.slow) for w in (40, 60, 120))])
def test_a_line_fits_into_any_window(width: int) -> None:
    screen = _work(width)
    rows = [SENTENCE[i : i + width].rstrip() for i in range(0, len(SENTENCE), width)]
    assert screen.most_rows <= 1 + len(rows)
    bars = [line for line in screen.seen if "%" in line]
    assert len(bars) > 5
    assert all(len(line) <= width for line in bars)
    assert screen.text.splitlines() == rows
    assert screen.has_cursor


@pytest.mark.parametrize(
    ("width", "shown"),
    [
        (40, r"training [━╸╺ ]{8}  \d\d%  \d s left"),
        (60, r"training [━╸╺ ]{12}  \d\d%  \d s left  gap 0.0123  step \d\d"),
        (80, r"training [━╸╺ ]{16}  \d\d%  \d s left  gap 0.0123  step \d\d  loss 0.5000"),
        (120, r"training [━╸╺ ]{24}  \d\d%  \d s left  gap 0.0123  step \d\d  loss 0.5000  50.0 steps/s"),
    ],
)
def test_the_most_important_figures_stay(width: int, shown: str) -> None:
    lines = _work(width).seen
    assert any(re.fullmatch(shown, line) for line in lines), lines
    names = {re.split(" [━╸╺]", line)[0] for line in lines if "evaluating" in line and "%" in line}
    (name,) = names
    full = "evaluating runs/a-name-that-is-far-too-long-for-a-window ..."
    assert name == full or (name.endswith("…") and full.startswith(name[:-1]) and len(name) > 12)


def test_a_task_whose_share_is_unknown_has_a_spinner() -> None:
    lines = [line for line in _work(40).seen if "loading" in line]
    assert len({line[0] for line in lines}) > 1
    assert {line[1:] for line in lines} == {" loading PyTorch ..."}


def test_a_training_goes_on_after_a_checkpoint() -> None:
    lines = _work(60).seen
    first = max(i for i, line in enumerate(lines) if "measuring the gap" in line)
    after = [line for line in lines[first + 1 :] if "training" in line]
    assert after
    assert all(int(re.findall(r"(\d+)%", line)[0]) >= 60 for line in after)
    assert all("s left" in line for line in after)


def test_an_error_leaves_no_line_and_shows_the_cursor() -> None:
    screen = _work(100, "fail")
    assert screen.has_cursor
    assert screen.text.splitlines()[1:] == ["what went wrong"]


def test_an_interrupt_leaves_no_line_and_shows_the_cursor() -> None:
    code = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)" + WORK
    with in_terminal([sys.executable, "-c", code, "wait"], 100) as terminal:
        while "waiting" not in terminal.stream:
            assert terminal.process.poll() is None
            time.sleep(0.01)
        terminal.process.send_signal(signal.SIGINT)
        screen, out = terminal.finish()
    assert out == ""
    assert screen.has_cursor
    assert screen.text.splitlines()[-1] == "KeyboardInterrupt"
    assert not any("waiting" in row for row in screen.rows if "progress.begin" not in row)


def test_a_terminal_without_unicode_gets_ascii() -> None:
    with in_terminal([sys.executable, "-c", WORK], 40, PYTHONIOENCODING="ascii") as terminal:
        screen, _ = terminal.finish()
        assert terminal.stream.isascii()
    assert "\\u" not in terminal.stream
    assert any(re.match(r"training [- ]{8}  \d\d%", line) for line in screen.seen), screen.seen


@pytest.mark.parametrize("env", [{"TERM": "dumb"}, {"NO_COLOR": "1"}])
def test_a_terminal_that_wants_no_control_gets_none(env: dict[str, str]) -> None:
    with in_terminal([sys.executable, "-c", WORK], 100, **env) as terminal:
        screen, out = terminal.finish()
    assert out == "the answer\n"
    assert "\x1b" not in terminal.stream
    assert screen.text == SENTENCE


def test_quiet_is_quiet() -> None:
    with in_terminal([sys.executable, "-c", WORK, "quiet"], 80) as terminal:
        terminal.finish()
    assert terminal.stream == ""


class Record(NamedTuple):
    step: int
    loss: float
    seconds: float
    done: float


class Gap(NamedTuple):
    gap: float


def test_without_a_terminal_there_is_a_line_now_and_then(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Progress, "PLAIN_SECONDS", 0.0)
    with Progress(quiet=False) as progress:
        progress.begin("evaluating runs/cat ...")
        progress.advance(0.25)
        progress.advance(0.5, "frame 3 of 6")
        progress.step(Record(20, 0.5, 10.0, 0.25), None)  # type: ignore[arg-type]
        progress.step(Record(30, 0.25, 10.0, 0.75), Gap(0.5))  # type: ignore[arg-type]
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        "evaluating runs/cat ...  25%",
        "frame 3 of 6",
        "step 20  loss 0.5000  30 s left  2.0 steps/s",
        "step 30  loss 0.2500  gap 0.5000  3 s left  3.0 steps/s",
    ]


def test_lines_are_seconds_apart(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    with Progress(quiet=False) as progress:
        progress.begin("drawing frames")
        for now in (1.0, 4.0, 5.0, 6.0, 9.9, 10.0):
            progress.advance(now / 20, f"frame {now:g} of 20")
    assert capsys.readouterr().err.splitlines() == ["frame 5 of 20", "frame 10 of 20"]


@pytest.mark.slow
def test_a_training_that_is_interrupted_leaves_its_message_alone(tmp_path: Path) -> None:
    command = [
        sys.executable, "-c",
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from flowgif.__main__ import main; main()",
        "train", "--data", "moons", "--steps", "100000", "--batch-size", "64",
    ]  # fmt: skip
    with in_terminal(command, 100, tmp_path) as terminal:
        while " s left" not in terminal.stream and " min left" not in terminal.stream:
            assert terminal.process.poll() is None
            time.sleep(0.01)
        terminal.process.send_signal(signal.SIGINT)
        screen, out = terminal.finish()
    assert (terminal.process.returncode, out) == (130, "")
    assert screen.has_cursor
    chosen, *message = screen.text.splitlines()
    assert re.fullmatch(r"chosen for it: \d+ nodes near the outline, down to [\d.]+ pixels apart", chosen), screen.text
    assert re.match(r"flowgif: interrupted at step \d+", message[0]), screen.text
    assert len(message) == 1, screen.text
    assert any(re.match(r"training [━╸╺]{20}  +\d+%", line) for line in screen.seen)


def test_without_a_terminal_a_task_that_takes_long_is_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Progress, "PATIENCE", 0.02)
    with Progress(quiet=False) as progress:
        progress.begin("a short task ...")
        progress.begin("a long task ...")
        time.sleep(0.5)
        progress.begin("another short task ...")
    time.sleep(0.1)
    assert capsys.readouterr().err == "a long task ...\n"
