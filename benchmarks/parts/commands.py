"""The three commands with default settings, on every picture."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from common.measure import Timed
from common.pictures import PICTURES, find_picture
from common.plan import Plan, Row

__all__ = ["commands", "evaluate"]

STYLES = ("points", "density")


def evaluate(timed: Timed) -> dict[str, Any]:
    """Returns the cost and the gap of ``flowgif eval --json``."""
    report = json.loads(timed.out)
    return {**timed.cost, **{key: report[key] for key in ("gap", "gap_se", "inversion_error")}}


def _measure(plan: Plan, picture: str, repeat: int) -> dict[str, Any]:
    """Trains with another seed in each repeat, so that the gap's median is one over seeds too."""
    folder = f"runs/{picture}"
    trained = plan.flowgif(
        "train", "--img", find_picture(picture), "--out", folder, "--force", "--seed", repeat, "--json"
    )
    measured: dict[str, Any] = {"train": {**trained.cost, "steps": json.loads(trained.out)["steps"]}}
    measured["eval"] = evaluate(plan.flowgif("eval", folder, "--json"))
    for style in STYLES:
        out = Path(f"{style}.gif")
        drawn = plan.flowgif("animate", folder, "--style", style, "-o", out)
        measured[style] = {**drawn.cost, "megabytes_of_file": out.stat().st_size / 1e6}
    return measured


def commands(plan: Plan) -> Iterator[Row]:
    """Yields a row for each picture."""
    for picture in PICTURES[:1] if plan.quick else PICTURES:
        yield Row(plan.key(picture=picture), partial(_measure, plan, picture), plan.repeats)
