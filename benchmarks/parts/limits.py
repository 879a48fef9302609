"""Memory, time and silence of the commands at the limits of what they take."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from common.plan import Plan, Row

__all__ = ["draw", "limits"]

SIDE = 4096  # pixels; the limit of --max-side
LAYERS = "[model]\nname = '{}'\nlayers = 200\n"


def draw(side: int) -> None:
    """Draws a square picture that is full of ink, as a PNG of 16 bits and as a TIFF of floats."""
    import numpy as np
    from PIL import Image

    y, x = np.mgrid[0:side, 0:side] / side
    grey = 0.5 + 0.4 * np.sin(7 * x + 5 * y) * np.cos(9 * y)
    grey += np.random.default_rng(0).normal(0, 0.05, grey.shape)
    grey = grey.clip(0, 1)
    Image.fromarray((65535 * grey).astype(np.uint16)).save("full.png", compress_level=1)
    Image.fromarray(grey.astype(np.float32)).save("full.tif")


def _measure(plan: Plan, words: tuple[object, ...], repeat: int) -> dict[str, Any]:
    timed, silence = plan.flowgif_in_terminal(*words)
    return {**timed.cost, "silence": round(silence, 2)}


def limits(plan: Plan) -> Iterator[Row]:
    """Yields a row for each command at a limit. The later ones need the runs of the earlier ones."""
    folder = plan.trained("cat")
    plan.call("parts.limits:draw", side=64 if plan.quick else SIDE)
    for name in ("realnvp", "spline"):
        Path(f"{name}.toml").write_text(LAYERS.format(name))
    full, sharp, layers = "runs/full", "runs/sharp", "runs/layers"
    many = 100 if plan.quick else 1_000_000
    rows: dict[str, tuple[object, ...]] = {
        "train, a PNG of 16 bits, 4096x4096, full of ink": ("train", "--img", "full.png", "--out", full),
        "train, the same as a TIFF of floats": ("train", "--img", "full.tif", "--out", "runs/tiff"),
        "eval of that run": ("eval", full),
        "animate of that run": ("animate", full, "-o", "x.gif"),
        "train --max-side 4096 --steps 200, that picture": (
            *("train", "--img", "full.png", "--max-side", SIDE, "--steps", 200, "--out", sharp),
        ),
        "eval of a run with a picture of 4096x4096": ("eval", sharp),
        "animate of a run with a picture of 4096x4096": ("animate", sharp, "-o", "x.gif"),
        "animate --style density, the same": ("animate", sharp, "--style", "density", "-o", "x.gif"),
        "animate --points 1000000, the cat": ("animate", folder, "--points", many, "-o", "x.gif"),
        "animate --frames 600, the cat": ("animate", folder, "--frames", 600, "-o", "x.gif"),
        "animate --frames 600 --style density, the cat": (
            *("animate", folder, "--frames", 600, "--style", "density", "-o", "x.gif"),
        ),
        "eval --save-samples 1000000, the cat": ("eval", folder, "--save-samples", many, "x.npy"),
        "train --steps 20, a RealNVP of 200 layers": (
            *("train", "--data", "moons", "--config", "realnvp.toml", "--steps", 20, "--out", layers),
        ),
        "eval, the same": ("eval", layers),
        "animate, the same": ("animate", layers, "-o", "x.gif"),
        "train --steps 20, a spline flow of 200 layers": (
            *("train", "--data", "moons", "--config", "spline.toml", "--steps", 20, "--out", "runs/splines"),
        ),
        "animate, the same splines": ("animate", "runs/splines", "-o", "x.gif"),
    }
    for name, words in rows.items():
        yield Row(plan.key(command=name), partial(_measure, plan, (*words, *_again(words))), 1)


def _again(words: tuple[object, ...]) -> tuple[object, ...]:
    return ("--force",) if words[0] == "train" else ()
