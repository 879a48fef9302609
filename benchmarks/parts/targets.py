"""What a user gets within a given time, on a busy machine, and from Python."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from typing import Any

from common.measure import ROOT
from common.pictures import find_picture
from common.plan import Plan, Row

from parts.commands import STYLES, evaluate

__all__ = ["targets", "time_log_prob", "train_within"]

# Picture, options, and seconds of the whole command.
WITHIN: tuple[tuple[str, tuple[str, ...], float], ...] = (
    ("cat", (), 6),
    ("cat", (), 20),
    ("star", (), 6),
    ("star", (), 20),
    ("bicycle", (), 12),
    ("bicycle", (), 40),
    ("wordmark", (), 12),
    ("wordmark", (), 30),
    ("rings", (), 12),
    ("cat", ("--objective", "likelihood"), 30),
    ("cat", ("--objective", "likelihood"), 90),
    ("cat", ("--model", "spline"), 60),
    ("cat", ("--model", "realnvp"), 60),
    ("cat", ("--model", "glow"), 60),
)
LONG = 30  # seconds from which a row is repeated less often
BUSY = "import os; os.sched_setaffinity(0, {{{core}}})\nwhile True: pass"
LOG_PROBS, QUICK_LOG_PROBS = 100_000, 100


@cache
def _overhead(plan: Plan, what: tuple[object, ...]) -> float:
    """Returns the seconds that ``train`` takes beside its training: start-up, reading, the closing gap, writing."""
    budget = 1.0
    return (
        plan.flowgif("train", *what, "--time-budget", f"{budget}s", "--out", "runs/overhead", "--force").seconds
        - budget
    )


def train_within(plan: Plan, what: tuple[object, ...], seconds: float, repeat: int) -> dict[str, Any]:
    """Trains so that the whole command takes about so many seconds, and measures the gap.

    Args:
        plan: how to measure.
        what: options of ``train`` that say what is fitted and how.
        seconds: of the whole command.
        repeat: the seed.

    Returns:
        The cost of the command, the steps, and what ``eval`` found.
    """
    if plan.quick:
        options: tuple[object, ...] = ()  # the few steps of a quick plan replace the budget
    else:
        options = ("--time-budget", f"{max(1.0, seconds - _overhead(plan, what)):.2f}s")
    trained = plan.flowgif("train", *what, *options, "--out", "runs/within", "--force", "--seed", repeat, "--json")
    return {
        **trained.cost,
        "steps": json.loads(trained.out)["steps"],
        "eval": evaluate(plan.flowgif("eval", "runs/within", "--json")),
    }


def _demo(plan: Plan, repeat: int) -> dict[str, Any]:
    """Runs the commands of ``make demo``, which stand in the Makefile."""
    recipe = re.search(r"^demo:.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    assert recipe is not None
    if not Path("imgs").exists():
        Path("imgs").symlink_to(ROOT / "imgs")
    parts = {
        words[0]: plan.flowgif(*words).cost
        for words in (shlex.split(line) for line in re.findall(r"flowgif (.*)", recipe[1]))
    }
    return {"seconds": round(sum(cost["seconds"] for cost in parts.values()), 3), **parts}


@contextmanager
def _busy_core() -> Generator[None]:
    """Keeps one core of this process's busy by a program that is pinned to it."""
    program = subprocess.Popen([sys.executable, "-c", BUSY.format(core=min(os.sched_getaffinity(0)))])
    try:
        yield
    finally:
        program.kill()
        program.wait()


def _beside(plan: Plan, words: tuple[object, ...], repeat: int) -> dict[str, Any]:
    free = plan.flowgif(*words)
    with _busy_core():
        busy = plan.flowgif(*words)
    return {"free": free.cost, "busy": busy.cost, "ratio": round(busy.seconds / free.seconds, 3)}


def time_log_prob(folder: str, points: int, threads: int | None) -> dict[str, Any]:
    """Times log_prob of the flow's own points, with its default accuracy, in this process."""

    import torch

    import flowgif

    if threads is not None:
        torch.set_num_threads(threads)
    flow = flowgif.load(folder).flow
    x = flow.sample(points, generator=torch.Generator().manual_seed(0))
    start = time.perf_counter()
    with torch.no_grad():
        flow.log_prob(x)
    return {"log_prob_seconds": time.perf_counter() - start}


def _log_prob(plan: Plan, threads: int | None, repeat: int) -> dict[str, Any]:
    points = QUICK_LOG_PROBS if plan.quick else LOG_PROBS
    timed, found = plan.call("parts.targets:time_log_prob", folder=plan.trained("cat"), points=points, threads=threads)
    return {**timed.cost, **found}


def targets(plan: Plan) -> Iterator[Row]:
    """Yields rows of the kinds within, demo, busy and log_prob."""
    for picture, options, seconds in WITHIN[:1] if plan.quick else WITHIN:
        what = ("--img", find_picture(picture), *options)
        key = plan.key(kind="within", picture=picture, options=" ".join(options), within=seconds)
        yield Row(key, partial(train_within, plan, what, seconds), plan.few if seconds >= LONG else plan.repeats)
    yield Row(plan.key(kind="demo"), partial(_demo, plan), plan.repeats)
    if hasattr(os, "sched_setaffinity") and len(os.sched_getaffinity(0)) > 1:
        folder = plan.trained("cat")
        commands: dict[str, tuple[object, ...]] = {
            "train": ("train", "--img", find_picture("cat"), "--out", "runs/busy", "--force"),
            "eval": ("eval", folder),
            **{style: ("animate", folder, "--style", style, "-o", f"{style}.gif") for style in STYLES},
        }
        for name, words in commands.items():
            yield Row(plan.key(kind="busy", command=name), partial(_beside, plan, words), plan.repeats)
    for threads in (1, None):
        key = plan.key(kind="log_prob", threads=threads or "default")
        yield Row(key, partial(_log_prob, plan, threads), plan.few)
