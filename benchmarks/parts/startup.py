"""Start-up: the help, the version, imports, and the least that ``train`` can take."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import partial
from typing import Any

from common.measure import run_program
from common.pictures import find_picture
from common.plan import Plan, Row

__all__ = ["startup"]

IMPORTS = ("flowgif", "torch", "flowgif.session", "flowgif.training.trainer", "flowgif.animation.animate")
LEAST = 5  # repeats at least: these rows take a second each


def _import(plan: Plan, module: str | None, repeat: int) -> dict[str, Any]:
    code = "pass" if module is None else f"import {module}"
    return run_program([sys.executable, "-c", code], plan.arithmetic.environment).cost


def _command(plan: Plan, words: tuple[object, ...], repeat: int) -> dict[str, Any]:
    return plan.flowgif(*words).cost


def startup(plan: Plan) -> Iterator[Row]:
    """Yields rows of the kinds command and import."""
    repeats = 1 if plan.quick else max(LEAST, plan.repeats)
    for option in ("--help", "--version"):
        yield Row(plan.key(kind="command", what=option), partial(_command, plan, (option,)), repeats)
    yield Row(plan.key(kind="import", what="nothing"), partial(_import, plan, None), repeats)
    for module in IMPORTS[:1] if plan.quick else IMPORTS:
        yield Row(plan.key(kind="import", what=module), partial(_import, plan, module), repeats)
    if not plan.quick:
        words = ("train", "--img", find_picture("cat"), "--steps", 1, "--out", "runs/one-step", "--force")
        yield Row(plan.key(kind="command", what="train --steps 1"), partial(_command, plan, words), plan.repeats)
