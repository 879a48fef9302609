"""Peak memory of the commands, as they come and with large inputs."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from common.pictures import find_picture, resized
from common.plan import Plan, Row

__all__ = ["memory"]

LARGE = 4000  # pixels of the large picture's side


def _measure(plan: Plan, words: tuple[object, ...], repeat: int) -> dict[str, Any]:
    return plan.flowgif(*words).cost


def memory(plan: Plan) -> Iterator[Row]:
    """Yields a row for each command. Memory hardly varies, so each is measured once or a few times."""
    folder = plan.trained("cat")
    train = ("--steps", 200, "--out", "runs/memory", "--force")
    rows: dict[str, tuple[object, ...]] = {
        "train": ("train", "--img", find_picture("cat"), *train),
        "eval": ("eval", folder),
        "animate": ("animate", folder, "-o", "memory.gif"),
        "animate --style density": ("animate", folder, "--style", "density", "-o", "memory.gif"),
    }
    if not plan.quick:
        big = resized("cat", LARGE)
        rows |= {
            f"train, {LARGE}x{LARGE}": ("train", "--img", big, *train),
            f"train, {LARGE}x{LARGE}, --max-side {LARGE}": ("train", "--img", big, "--max-side", LARGE, *train),
            "animate --frames 600": ("animate", folder, "--frames", 600, "-o", "memory.gif"),
            "animate --size 2000": ("animate", folder, "--size", 2000, "-o", "memory.gif"),
            "animate --points 100000": ("animate", folder, "--points", 100_000, "-o", "memory.gif"),
        }
    for name, words in rows.items():
        yield Row(plan.key(command=name), partial(_measure, plan, words), plan.few)
