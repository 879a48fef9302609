"""How time and memory grow with the work: the picture's side, points, frames and layers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from common.pictures import resized
from common.plan import Plan, Row

__all__ = ["scaling"]

SIDES = (128, 256, 512, 1024, 2048, 4096)
POINTS = (1000, 4000, 16_000, 64_000, 256_000)
FRAMES = (30, 60, 120, 240, 480, 960)
LAYERS = (2, 4, 8, 16, 32)
LOG_PROBS = (1000, 3000, 9000, 27_000)
STEPS = 100
Measure = Callable[[int], dict[str, Any]]


def _flowgif(plan: Plan, words: tuple[object, ...], repeat: int) -> dict[str, Any]:
    return plan.flowgif(*words).cost


def _train_side(plan: Plan, side: int, repeat: int) -> dict[str, Any]:
    picture = resized("cat", side)
    words = ("--steps", STEPS, "--max-side", side, "--out", f"runs/side-{side}", "--force")
    return plan.flowgif("train", "--img", picture, *words).cost


def _animate_side(plan: Plan, side: int, style: str, repeat: int) -> dict[str, Any]:
    words = ("--size", side, "--frames", 10, "--style", style, "-o", "scaling.gif")
    return plan.flowgif("animate", plan.trained("cat"), *words).cost


def _train_layers(plan: Plan, model: str, layers: int, repeat: int) -> dict[str, Any]:
    config = Path(f"{model}-{layers}.toml")
    config.write_text(f'[target]\ndata = "moons"\n[model]\nname = "{model}"\nlayers = {layers}\n')
    words = ("--steps", STEPS, "--out", "runs/layers", "--force")
    return plan.flowgif("train", "--config", config, *words).cost


def _log_prob(plan: Plan, points: int, repeat: int) -> dict[str, Any]:
    timed, found = plan.call("parts.targets:time_log_prob", folder=plan.trained("cat"), points=points, threads=None)
    return {"seconds": found["log_prob_seconds"], "megabytes": timed.cost["megabytes"]}


def _axes(plan: Plan) -> Iterator[tuple[str, str, tuple[int, ...], Callable[[int], Measure]]]:
    """Yields what is measured, the unit that its work is counted in, the sizes, and what measures a size."""
    yield "train", "side", SIDES, lambda side: partial(_train_side, plan, side)
    for style in ("points", "density"):
        yield f"animate {style}", "side", SIDES, lambda side, style=style: partial(_animate_side, plan, side, style)
    folder = plan.trained("cat")

    def animate(option: str) -> Callable[[int], Measure]:
        return lambda n: partial(_flowgif, plan, ("animate", folder, option, n, "-o", "scaling.gif"))

    yield "animate points", "points", POINTS, animate("--points")
    yield "log_prob", "points", LOG_PROBS, lambda n: partial(_log_prob, plan, n)
    yield "animate points", "frames", FRAMES, animate("--frames")
    for model in ("realnvp", "glow", "spline"):
        yield f"train {model}", "layers", LAYERS, lambda n, model=model: partial(_train_layers, plan, model, n)


def scaling(plan: Plan) -> Iterator[Row]:
    """Yields a row for each size of each axis."""
    for what, unit, sizes, measure in _axes(plan):
        for size in sizes[:2] if plan.quick else sizes:
            yield Row(plan.key(what=what, unit=unit, size=size), measure(size), plan.few)
