"""Styles and formats of an animation, and how faithful the frames of a density are."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from common.measure import ROOT
from common.pictures import IMGS
from common.plan import Plan, Row

from flowgif import names

__all__ = ["animation", "compare"]

SUFFIXES = ("apng", "webp", "mp4", "html")
TIMES = (0.0, 0.25, 0.5, 0.75, 1.0)
EVERY, QUICK_EVERY = 5, 60  # one pixel in so many along each side is compared


def compare(folder: str, still: str, every: int) -> dict[str, Any]:
    """Compares frames of a density with exact densities, and the last one with the ink.

    Args:
        folder: the run's.
        still: the path of the last frame in style density, a PNG.
        every: one pixel in so many along each side is compared.

    Returns:
        The total variation at TIMES, beside the density at the middles of the pixels at the end, and the correlation
        with the ink.
    """

    import numpy as np
    from PIL import Image

    import flowgif
    from flowgif.targets.image import ImageTarget

    sys.path.append(str(ROOT / "tests"))
    from measures import compare_density, correlation, placed_ink

    loaded = flowgif.load(folder)
    assert isinstance(loaded.target, ImageTarget)
    with Image.open(still) as image:  # shows its first frame
        last = 255 - np.asarray(image.convert("RGB"), dtype=float).mean(2)
    found = [compare_density(loaded, time, every) for time in TIMES]
    return {
        "variation": {f"{time:g}": each.variation for time, each in zip(TIMES, found, strict=True)},
        "beside_middles": found[-1].beside_middles,
        "ink": correlation(last, placed_ink(loaded.target, last.shape)),
    }


def _write(plan: Plan, folder: str, out: str, options: tuple[object, ...], repeat: int) -> dict[str, Any]:
    timed = plan.flowgif("animate", folder, "-o", out, *options)
    return {**timed.cost, "megabytes_of_file": Path(out).stat().st_size / 1e6}


def _faithful(plan: Plan, picture: str, repeat: int) -> dict[str, Any]:
    folder, still = plan.trained(picture), f"{picture}-last.png"
    plan.flowgif("animate", folder, "-o", still, "--style", "density", "--frames", 2, "--first-frame", "logo")
    every = QUICK_EVERY if plan.quick else EVERY
    return plan.call("parts.animation:compare", folder=folder, still=still, every=every)[1]


def animation(plan: Plan) -> Iterator[Row]:
    """Yields rows of the kinds written and faithful."""
    folder = plan.trained("cat")
    rows: dict[str, tuple[str, tuple[object, ...]]] = {
        **{style: (f"{style}.gif", ("--style", style)) for style in names.STYLES},
        **{f".{suffix}": (f"points.{suffix}", ()) for suffix in SUFFIXES},
        "--preset readme": ("readme.gif", ("--preset", "readme")),
        "--max-size 256KB": ("small.gif", ("--max-size", "256KB")),
        "600 frames": ("long.gif", ("--frames", 600)),
    }
    for name, (out, options) in [*rows.items()][: 1 if plan.quick else None]:
        yield Row(plan.key(kind="written", what=name), partial(_write, plan, folder, out, options), plan.few)
    for picture in IMGS[: 1 if plan.quick else None]:
        yield Row(plan.key(kind="faithful", picture=picture), partial(_faithful, plan, picture), 1)
