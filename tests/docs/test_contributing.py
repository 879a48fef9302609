"""CONTRIBUTING.md: its changes apply to the code and do what they say, and rows from outside the package work."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT

TEXT = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
DIFFS = re.findall(r"^```diff\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
COMMANDS = re.findall(r"^(?:flowgif|python mine\.py) .+$", TEXT, re.MULTILINE)
(CONFIG,) = re.findall(r"^```toml\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
(PROGRAM,) = re.findall(r"^```python\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
KINDS = 9
# Trainings and animations are cut short: what is tested is that they run.
SHORT = {"train": ("--steps", "2", "--batch-size", "64"), "animate": ("--frames", "3", "--size", "64")}


def run(command: str, folder: Path, package: Path) -> None:
    program, *words = shlex.split(command)
    start = [sys.executable, "-m", "flowgif"] if program == "flowgif" else [sys.executable, words.pop(0)]
    short = SHORT[words[0]] if "--preset" not in words else SHORT["animate"][:2]
    done = subprocess.run(
        [*start, *words, *short],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(package)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{command}: {done.stderr}"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with the files that the commands name."""
    import numpy as np

    grey = np.ones((24, 24))
    grey[6:18, 10:14] = grey[10:14, 6:18] = 0
    np.save(tmp_path / "logo.npy", grey)
    (tmp_path / "cross.letters").write_text("\n".join("".join(" " if pixel else "x" for pixel in row) for row in grey))
    (tmp_path / "momentum.toml").write_text(CONFIG)
    (tmp_path / "mine.py").write_text(PROGRAM)
    return tmp_path


def test_every_kind_has_its_whole_change() -> None:
    assert len(DIFFS) == KINDS
    assert len(COMMANDS) >= KINDS


def test_the_changes_apply_and_do_what_they_say(place: Path) -> None:
    package = place / "copy"
    shutil.copytree(ROOT / "flowgif", package / "flowgif", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "tests" / "flows", package / "tests" / "flows", ignore=shutil.ignore_patterns("__pycache__"))
    for diff in DIFFS:
        done = subprocess.run(
            ["git", "apply", "-C1", "-"], cwd=package, input=diff, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, diff + done.stderr
    run("flowgif train --data moons", place, package)
    for command in COMMANDS:
        if command.startswith("flowgif"):
            run(command, place, package)
    assert (place / "moons.npz").exists()


def test_rows_from_outside_the_package_work(place: Path) -> None:
    for command in COMMANDS:
        if command.startswith("python"):
            run(command, place, ROOT)
    assert len((place / "corners.sums").read_text().splitlines()) == 3
    assert '"title": "corners"' in (place / "corners.places").read_text()
