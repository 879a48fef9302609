"""Kills a command before each of its operations on files: ``python tests/killing.py SCENARIO FOLDER``

It prints a JSON object: the number of operations, and what went wrong. Python has an audit event for every operation
that makes, opens for writing, renames or removes something. Each trial is a fork of this process, in which everything
is imported already, and is killed with SIGKILL.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from forks import import_what_is_used, in_child

import flowgif
from flowgif import session
from flowgif.animation import animate  # noqa: F401
from flowgif.cli.main import main as run_command
from flowgif.errors import FlowgifError
from flowgif.evaluation import gap, plots
from flowgif.files.writing import settle

NAMED = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.chmod", "os.link", "os.symlink", "os.truncate"}
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
SMALL = '[model]\nfeatures = 8\nwidth = 8\ndepth = 1\nnetwork = "fourier"\n'
TRAIN = ("train", "--data", "moons", "--config", "small.toml", "--batch-size", "16", "--out", "run")
ANIMATE = ("animate", "run", "--size", "64", "--points", "50", "--frames")


@dataclass(frozen=True)
class Scenario:
    """A command that is killed.

    Attributes:
        prepare: commands that are run before, each in a process of its own.
        command: the command.
        again: the command that must succeed afterwards; by default the same.
        look: returns what a reader finds, which is what was there before or what the command makes.
    """

    prepare: tuple[tuple[str, ...], ...]
    command: tuple[str, ...]
    again: tuple[str, ...]
    look: Callable[[], Any]


def look_at_run() -> Any:
    """Returns what belongs together in a run: its seed and end, its weights, and the steps of its metrics."""
    try:
        loaded = flowgif.load("run")
    except FlowgifError as error:
        return f"none: {error}".split(";")[0]
    weights = hashlib.sha256(b"".join(p.detach().numpy().tobytes() for p in loaded.flow.parameters())).hexdigest()
    training = loaded.run.config.training
    losses = [row["step"] for row in loaded.metrics if "loss" in row]
    state = hashlib.sha256((Path("run") / "resume.safetensors").read_bytes()).hexdigest() if training.steps else ""
    return [training.seed, training.steps, losses, weights, len(state)]


def look_at_files(pattern: str) -> Callable[[], Any]:
    def look() -> Any:
        for folder in (Path(), *(path for path in Path().glob("*/"))):
            settle(folder)
        return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(Path().glob(pattern))}

    return look


NEW, LONGER = (*TRAIN, "--steps", "3"), (*TRAIN, "--steps", "3", "--seed", "1", "--force")
SCENARIOS = {
    "new": Scenario((), NEW, (*NEW, "--force"), look_at_run),
    "force": Scenario((NEW,), LONGER, LONGER, look_at_run),
    "resume": Scenario(
        (NEW,),
        ("train", "--resume", "--out", "run", "--steps", "5"),
        ("train", "--resume", "--out", "run", "--steps", "5"),
        look_at_run,
    ),
    "animate": Scenario(
        (NEW, (*ANIMATE, "3", "-o", "out.gif", "--seed", "3")),
        (*ANIMATE, "3", "-o", "out.gif", "--max-size", "20KB"),
        (*ANIMATE, "3", "-o", "out.gif", "--max-size", "20KB"),
        look_at_files("*.gif"),
    ),
    "frames": Scenario(
        (NEW, (*ANIMATE, "4", "-o", "frames/", "--seed", "3")),
        (*ANIMATE, "3", "-o", "frames/"),
        (*ANIMATE, "3", "-o", "frames/"),
        look_at_files("frames/*.png"),
    ),
    "plots": Scenario(
        (NEW, ("eval", "run", "--plots", "plots"), (*NEW, "--force", "--seed", "1")),
        ("eval", "run", "--plots", "plots"),
        ("eval", "run", "--plots", "plots"),
        look_at_files("plots/*.png"),
    ),
}


def command(words: Sequence[str]) -> int:
    sys.argv = ["flowgif", *words, "--quiet"]
    sys.stdout = sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 (open to the end)
    plots.PLOTS = plots.PLOTS[:2]  # the others take seconds and are written in the same way
    session.FINAL_POINTS = gap.POINTS = gap.INVERTED = 64
    try:
        run_command()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0
    return 0


def kill_before(number: int, place: Path) -> None:
    """Kills this process before its operation of this number within a folder."""
    left = number

    def hook(event: str, args: tuple[Any, ...]) -> None:
        nonlocal left
        if event == "open":
            path, mode, flags = args
            writes = bool(flags & WRITING) or (isinstance(mode, str) and any(letter in mode for letter in "wax+"))
            if not writes:
                return
        elif event in NAMED:
            path = args[0]
        else:
            return
        if not isinstance(path, (str, os.PathLike)):
            return
        if place in Path(path).absolute().parents:
            left -= 1
            if not left:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)


def enter(place: Path) -> None:
    os.chdir(place)
    (place / "tmp").mkdir(exist_ok=True)
    tempfile.tempdir = str(place / "tmp")


def try_all(scenario: Scenario, folder: Path) -> dict[str, Any]:
    """Kills the scenario's command before each of its operations, and returns what went wrong."""
    base, wrong = folder / "base", list[str]()
    base.mkdir(parents=True)
    (base / "small.toml").write_text(SMALL)

    def do(place: Path, words: Sequence[str], number: int = 0) -> Callable[[], int]:
        def work() -> int:
            enter(place)
            if number:
                kill_before(number, place)
            return command(words)

        return work

    def look(place: Path) -> Any:
        def work() -> Any:
            enter(place)
            return scenario.look()

        return in_child(work)[1]

    # What commands import when they need it, this process imports once for all its forks.
    rehearsal = folder / "rehearsal"
    shutil.copytree(base, rehearsal)
    for words in (*scenario.prepare, scenario.command):
        import_what_is_used(lambda words=words: (do(rehearsal, words)(), scenario.look()))
    for words in scenario.prepare:
        code = in_child(do(base, words))
        if code != (0, 0):
            raise SystemExit(f"{words} ended with {code}")
    whole = folder / "whole"
    shutil.copytree(base, whole)
    assert in_child(do(whole, scenario.command)) == (0, 0), "the command fails"
    before, after = look(base), look(whole)
    number = 0
    while True:
        number += 1
        place = folder / "trial"
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(base, place)
        code, _ = in_child(do(place, scenario.command, number))
        if code != -signal.SIGKILL:
            break
        found = look(place)
        if found not in (before, after):
            wrong.append(f"{number}: a reader finds {found}, neither {before} nor {after}")
        code = in_child(do(place, scenario.again))
        if code != (0, 0):
            wrong.append(f"{number}: afterwards {scenario.again} ended with {code}")
        elif look(place) != after:
            wrong.append(f"{number}: afterwards a reader finds {look(place)}, not {after}")
        stray = [str(path.relative_to(place)) for path in place.rglob("*") if ".flowgif" in path.name]
        if stray:
            wrong.append(f"{number}: {stray} is left")
    return {"operations": number - 1, "wrong": wrong}


if __name__ == "__main__":
    print(json.dumps(try_all(SCENARIOS[sys.argv[1]], Path(sys.argv[2]).absolute())))
