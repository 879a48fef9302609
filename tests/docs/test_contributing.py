"""CONTRIBUTING.md: its changes apply to the code and do what they say, and rows from outside the package work."""

from __future__ import annotations

import json
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
CONFIGS = dict(re.findall(r"^with `(\S+)`:\n\n```toml\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL))
(PROGRAM,) = re.findall(r"^```python\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
KINDS = 10
# Trainings and animations are cut short: what is tested is that they run.
SHORT = {
    "train": ("--steps", "2", "--batch-size", "64"),
    "animate": ("--frames", "3", "--size", "64", "--points", "200"),
}
SMALL = ("--config", "small.toml")
# Runs command lines in one process, which imports torch once. Its argument is a JSON list of them, each a list of a
# program and its words. The registrations of mine.py are executed once, with its first command line.
DRIVER = """
import json, runpy, shlex, sys
from flowgif.cli.main import main

executed = set()
for program, *words in json.loads(sys.argv[1]):
    sys.argv = [program, *words]
    print(shlex.join(sys.argv), file=sys.stderr)
    try:
        if program == "flowgif" or program in executed:
            main()
        else:
            executed.add(program)
            runpy.run_path(program, run_name="__main__")
    except SystemExit as end:
        if end.code:
            raise
    else:
        sys.exit("the command line returned without an exit code")
"""


def _shorten(command: str) -> list[str]:
    """The words of a command after ``python``, if it has that, with the options that cut it short."""
    program, *words = shlex.split(command)
    if program == "python":
        program, *words = words
    kind = words[0]
    short = SHORT[kind][:2] if "--preset" in words else SHORT[kind]
    network = SMALL if kind == "train" and not {"--model", "--config"} & {*words} else ()
    return [program, *words, *short, *network]


def run(commands: list[str], folder: Path, package: Path) -> None:
    """Runs commands one after another."""
    done = subprocess.run(
        [sys.executable, "-c", DRIVER, json.dumps([_shorten(command) for command in commands])],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(package)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture
def place(tmp_path: Path, small: Path) -> Path:
    """A folder with the files that the commands name."""
    import numpy as np

    grey = np.ones((24, 24))
    grey[6:18, 10:14] = grey[10:14, 6:18] = 0
    np.save(tmp_path / "logo.npy", grey)
    (tmp_path / "cross.letters").write_text("\n".join("".join(" " if pixel else "x" for pixel in row) for row in grey))
    for name, text in CONFIGS.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "mine.py").write_text(PROGRAM)
    shutil.copy(small, tmp_path / "small.toml")
    return tmp_path


def test_every_kind_has_its_whole_change() -> None:
    assert len(DIFFS) == KINDS
    assert len(COMMANDS) >= KINDS


@pytest.mark.slow
def test_the_changes_apply_and_do_what_they_say(place: Path) -> None:
    package = place / "copy"
    shutil.copytree(ROOT / "flowgif", package / "flowgif", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "tests" / "flows", package / "tests" / "flows", ignore=shutil.ignore_patterns("__pycache__"))
    for diff in DIFFS:
        done = subprocess.run(
            ["git", "apply", "-C1", "-"], cwd=package, input=diff, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, diff + done.stderr
    commands = [command for command in COMMANDS if command.startswith("flowgif")]
    run(["flowgif train --data moons", *commands], place, package)
    assert (place / "moons.npz").exists()


@pytest.mark.slow
def test_rows_from_outside_the_package_work(place: Path) -> None:
    run([command for command in COMMANDS if command.startswith("python")], place, ROOT)
    assert len((place / "corners.sums").read_text().splitlines()) == 3
    assert '"title": "corners"' in (place / "corners.places").read_text()
