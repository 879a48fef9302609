"""Prints what an animation costs: ``make bench-animation`` (about ten minutes on two cores).

Whole commands on a trained FFJORD, start-up included; then the drawing alone beside matplotlib's, and how faithful the
frames are. None of it is a test.
"""

from __future__ import annotations

import io
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
from figures import PICTURES, ROOT, machine, run
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

import flowgif
from flowgif import names
from flowgif.drawing.colours import make_look
from flowgif.drawing.placing import place_runs
from flowgif.drawing.styles.points import PointsStyle
from flowgif.drawing.trajectories import Trajectories
from flowgif.timeline import Moment

sys.path.append(str(ROOT / "tests"))
from measures import compare_density, correlation, placed_ink

SIZE, FRAMES = 480, 60
TIMES = (0.0, 0.25, 0.5, 0.75, 1.0)


def command(label: str, folder: str, out: str, *options: object) -> None:
    timed = run("animate", folder, "-o", out, *options)
    size = Path(out).stat().st_size / 1e6
    print(f"{label:<34} {timed.seconds:5.1f} s  {size:5.2f} MB  peak {timed.megabytes:4.0f} MB", flush=True)


def seconds(frames: Callable[[], Iterable[object]]) -> float:
    """Returns how long it takes to draw all frames, the best of three."""
    best = float("inf")
    for _ in range(3):
        start = time.perf_counter()
        for _ in frames():
            pass
        best = min(best, time.perf_counter() - start)
    return best


def beside_matplotlib(folder: str) -> None:
    loaded = flowgif.load(folder)
    runs = place_runs([(loaded.flow, loaded.target)], SIZE)
    look = make_look()
    moments = [Moment(0, i / (FRAMES - 1)) for i in range(FRAMES)]
    height, width = runs[0].view.height, runs[0].view.width
    style = PointsStyle(runs, look)
    z = style.base_points(None, 0)
    with Trajectories.record(runs, moments, z) as motion:
        # A marker's size is its area in points; a figure of 72 dots per inch has a point in a pixel.
        area = (2 * style.radius(len(z), Moment(0, 1.0))) ** 2

        def figure() -> tuple[Figure, FigureCanvasAgg]:
            made = Figure((width / 72, height / 72), dpi=72)
            axes = made.add_axes((0, 0, 1, 1))
            axes.set(xlim=(-0.5, width - 0.5), ylim=(height - 0.5, -0.5))
            axes.axis("off")
            return made, FigureCanvasAgg(made)

        def one_figure() -> Iterable[object]:
            """Moves the points of one scatter, which is the fast way."""
            made, canvas = figure()
            scatter = made.axes[0].scatter([], [], s=area, linewidths=0)
            for moment in moments:
                scatter.set_offsets(motion.at(moment))
                canvas.draw()
                yield canvas.buffer_rgba()

        def figure_each() -> Iterable[object]:
            """Makes a figure for each frame and saves it as a PNG, as most tutorials do."""
            for moment in moments:
                made, _ = figure()
                made.axes[0].scatter(*motion.at(moment).T, s=area, linewidths=0)
                made.savefig(io.BytesIO(), format="png")
                yield made

        ours = seconds(lambda: style.frames(motion, moments))
        kept, anew = seconds(one_figure), seconds(figure_each)
    print(f"drawing {FRAMES} frames of {len(z)} points, {width}x{height}: {ours:.2f} s")
    print(f"matplotlib, one scatter moved on            {kept:.2f} s, {kept / ours:.0f} times as long")
    print(f"matplotlib, a figure and a PNG for each     {anew:.2f} s, {anew / ours:.0f} times as long")


def faithful(name: str, folder: str) -> None:
    """Compares density frames with exact densities, and the last one with the ink."""
    loaded = flowgif.load(folder)
    run("animate", folder, "-o", f"{name}.png", "--style", "density", "--frames", 2, "--first-frame", "logo")
    with Image.open(f"{name}.png") as image:  # shows its first frame
        last = 255 - np.asarray(image.convert("RGB"), dtype=float).mean(2)
    ink = correlation(last, placed_ink(loaded.target, last.shape))
    found = [compare_density(loaded, time, 5) for time in TIMES]
    away = "  ".join(f"{each.variation:.4f}" for each in found)
    print(f"{name:<12} {away}  beside middles {found[-1].beside_middles:.4f}  ink {ink:.3f}", flush=True)


def main() -> None:
    print(f"machine: {machine()}\n", flush=True)
    with tempfile.TemporaryDirectory() as name:
        os.chdir(name)
        folder = run("train", "--img", ROOT / "imgs" / "cat.png").out.strip()
        print(f"animate, {FRAMES} frames and more, {SIZE} px, start-up included")
        command("points (the default)", folder, "points.gif")
        for style in [*names.STYLES][1:]:
            command(style, folder, f"{style}.gif", "--style", style)
        for suffix in ("apng", "webp", "mp4", "html"):
            command(f"points, .{suffix}", folder, f"points.{suffix}")
        command("--preset readme", folder, "readme.gif", "--preset", "readme")
        command("--max-size 256KB", folder, "small.gif", "--max-size", "256KB")
        command("points, 600 frames", folder, "long.gif", "--frames", 600)
        print(flush=True)
        beside_matplotlib(folder)
        print(f"\ntotal variation of density frames from the exact density at t = {TIMES}; correlation with the ink")
        for picture in PICTURES:
            out = f"runs/{picture}"
            run("train", "--img", ROOT / "imgs" / f"{picture}.png", "--out", out, "--force")
            faithful(picture, out)


if __name__ == "__main__":
    main()
