"""Training on an accelerator beside training on the processor, where the machine has an accelerator."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from typing import Any

from common.pictures import find_picture
from common.plan import Plan, Row

from parts.commands import evaluate

__all__ = ["accelerator", "find_accelerators"]

# Name, picture and options of what is trained.
TRAININGS: dict[str, tuple[str, tuple[object, ...]]] = {
    "cat, defaults": ("cat", ()),
    "bicycle, defaults": ("bicycle", ()),
    "cat, 100 steps of 32768 points": ("cat", ("--steps", 100, "--batch-size", 32768)),
    "cat, `--objective likelihood`, 50 steps": ("cat", ("--objective", "likelihood", "--steps", 50)),
    "cat, `--objective likelihood`, 3 steps of 32768 points": (
        "cat",
        ("--objective", "likelihood", "--steps", 3, "--batch-size", 32768),
    ),
    "cat, `--model spline`, 500 steps": ("cat", ("--model", "spline", "--steps", 500)),
}


def find_accelerators() -> dict[str, str]:
    """Returns the devices beside the processor, and what torch calls them."""
    import torch

    found: dict[str, str] = {}
    if torch.cuda.is_available():
        found["cuda"] = torch.cuda.get_device_name()
    if torch.backends.mps.is_available():
        found["mps"] = "Apple's graphics processor"
    return found


def _measure(plan: Plan, picture: str, words: tuple[object, ...], device: str, repeat: int) -> dict[str, Any]:
    out = ("--out", "runs/accelerator", "--force", "--seed", repeat, "--json")
    trained = plan.flowgif("train", "--img", find_picture(picture), *words, "--device", device, *out)
    report = json.loads(trained.out)
    return {
        **trained.cost,
        "steps": report["steps"],
        "training_seconds": report["seconds"],
        "eval": evaluate(plan.flowgif("eval", "runs/accelerator", "--json")),
    }


def accelerator(plan: Plan) -> Iterator[Row]:
    """Yields a row for each training and device, the processor first; none without an accelerator."""
    if plan.arithmetic.environment:
        return  # the device is what is compared, not the processor's instructions
    devices = plan.call("parts.accelerator:find_accelerators")[1]
    for name, (picture, words) in TRAININGS.items():
        for device, title in {"cpu": "processor", **devices}.items() if devices else ():
            key = plan.key(training=name, device=device, title=title)
            yield Row(key, partial(_measure, plan, picture, words, device), plan.few)
