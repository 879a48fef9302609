"""Every config to its end: ``make experiments`` (about half an hour, twenty minutes of it FFJORD's own settings).

It also makes the pictures of docs/experiments.md anew, by the commands that stand there. The runs stay in runs/, each
with its plots.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from common.measure import ROOT
from common.plan import Plan, Row

from parts.commands import evaluate

__all__ = ["experiments"]

# This experiment also shows one of its plots, as the book does.
STILLS = {"realnvp-moons-book": "before-after.png"}


def _measure(plan: Plan, name: str, repeat: int) -> dict[str, Any]:
    place = Path.cwd() if plan.quick else ROOT
    gallery = place / "docs" / "gallery"
    gallery.mkdir(parents=True, exist_ok=True)
    folder = place / "runs" / name
    trained = plan.flowgif("train", "--config", ROOT / "configs" / f"{name}.toml", "--out", folder, "--force", "--json")
    told = json.loads(trained.out)
    measured = {
        **trained.cost,
        "steps": told["steps"],
        "training_seconds": told["seconds"],
        "eval": evaluate(plan.flowgif("eval", folder, "--json", "--plots", folder / "plots")),
    }
    plan.flowgif("animate", folder, "-o", gallery / f"{name}.gif", "--size", 320, "--caption")
    if name in STILLS:
        shutil.copy(folder / "plots" / STILLS[name], gallery / f"{name}.png")
    return measured


def experiments(plan: Plan) -> Iterator[Row]:
    """Yields a row for each config, which is trained once."""
    for name in sorted(path.stem for path in (ROOT / "configs").glob("*.toml")):
        yield Row(plan.key(config=name), partial(_measure, plan, name), 1)
