"""The drawing and writing of frames, beside matplotlib's.

Both sides load the same run, carry the same number of points through it, and write the same number of frames of the
same size, each in a process of its own.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from common.plan import Plan, Row

__all__ = ["draw_alone", "frames", "matplotlib_film"]

SIZE, FRAMES, POINTS = 480, 60, 4000
QUICK = {"size": 64, "frames": 3, "points": 100}
FPS = 25
RADIUS = 1.3  # of a point, pixels
FILES = ("gif", "mp4", "png")
# How matplotlib draws the next frame: by moving the points of one scatter, or by a new figure.
WAYS = ("moved", "anew")


def _carry(folder: str, frames: int, points: int) -> list[Any]:
    """Returns the points of every frame, (points, 2) each, data units."""

    import torch

    import flowgif

    flow = flowgif.load(folder).flow
    z = torch.randn(points, 2, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        return [*flow.trajectory(z, torch.linspace(0, 1, frames)).numpy()]


def _figure(size: int) -> Any:
    from matplotlib.figure import Figure

    # A figure of 72 dots per inch has a point in a pixel.
    made = Figure((size / 72, size / 72), dpi=72)
    axes = made.add_axes((0, 0, 1, 1))
    axes.set(xlim=(-3, 3), ylim=(3, -3))
    axes.axis("off")
    return made


def matplotlib_film(folder: str, file: str, way: str, size: int, frames: int, points: int) -> dict[str, Any]:
    """Writes a film with matplotlib as its documentation shows: FuncAnimation's writers, or a PNG of each frame."""
    import imageio_ffmpeg
    import matplotlib
    from matplotlib.animation import FFMpegWriter, PillowWriter
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    matplotlib.rcParams["animation.ffmpeg_path"] = imageio_ffmpeg.get_ffmpeg_exe()
    places = _carry(folder, frames, points)
    # A marker's size is its area in points.
    style: dict[str, Any] = {"s": (2 * RADIUS) ** 2, "linewidths": 0}
    if file == "png":
        made = _figure(size)
        scatter = made.axes[0].scatter(*places[0].T, **style)
        for i, place in enumerate(places):
            if way == "anew":
                made = _figure(size)
                made.axes[0].scatter(*place.T, **style)
            else:
                scatter.set_offsets(place)
            made.savefig(f"matplotlib-{i:04d}.png", dpi=72)
        return {"megabytes_of_file": sum(path.stat().st_size for path in Path().glob("matplotlib-*.png")) / 1e6}
    made = _figure(size)
    FigureCanvasAgg(made)
    scatter = made.axes[0].scatter(*places[0].T, **style)
    out = f"matplotlib.{file}"
    writer = PillowWriter(FPS) if file == "gif" else FFMpegWriter(FPS)
    with writer.saving(made, out, dpi=72):
        for place in places:
            if way == "anew":
                made.axes[0].clear()
                made.axes[0].set(xlim=(-3, 3), ylim=(3, -3))
                made.axes[0].axis("off")
                made.axes[0].scatter(*place.T, **style)
            else:
                scatter.set_offsets(place)
            writer.grab_frame()
    return {"megabytes_of_file": Path(out).stat().st_size / 1e6}


def _best(draw: Callable[[], Iterable[object]]) -> float:
    """Returns how long it takes to draw all frames, the best of three."""
    best = float("inf")
    for _ in range(3):
        start = time.perf_counter()
        for _ in draw():
            pass
        best = min(best, time.perf_counter() - start)
    return best


def draw_alone(folder: str, size: int, frames: int, points: int) -> dict[str, Any]:
    """Times the drawing alone, without carrying points and without a file, of flowgif and of matplotlib both ways."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    import flowgif
    from flowgif.drawing.colours import make_look
    from flowgif.drawing.placing import place_runs
    from flowgif.drawing.styles.points import PointsStyle
    from flowgif.drawing.trajectories import Trajectories
    from flowgif.timeline import Moment

    loaded = flowgif.load(folder)
    runs = place_runs([(loaded.flow, loaded.target)], size)
    moments = [Moment(0, i / (frames - 1)) for i in range(frames)]
    style = PointsStyle(runs, make_look())
    z = style.base_points(points, 0)
    with Trajectories.record(runs, moments, z) as motion:
        height, width = runs[0].view.height, runs[0].view.width
        area = (2 * style.radius(len(z), Moment(0, 1.0))) ** 2

        def figure() -> Any:
            made = _figure(max(width, height))
            made.axes[0].set(xlim=(-0.5, width - 0.5), ylim=(height - 0.5, -0.5))
            return made, FigureCanvasAgg(made)

        def moved() -> Iterable[object]:
            made, canvas = figure()
            scatter = made.axes[0].scatter([], [], s=area, linewidths=0)
            for moment in moments:
                scatter.set_offsets(motion.at(moment))
                canvas.draw()
                yield canvas.buffer_rgba()

        def anew() -> Iterable[object]:
            for moment in moments:
                made, _ = figure()
                made.axes[0].scatter(*motion.at(moment).T, s=area, linewidths=0)
                made.savefig(io.BytesIO(), format="png")
                yield made

        return {"flowgif": _best(lambda: style.frames(motion, moments)), "moved": _best(moved), "anew": _best(anew)}


def _written(plan: Plan, folder: str, sizes: dict[str, int], file: str, repeat: int) -> dict[str, Any]:
    out = "frames-%04d.png" if file == "png" else f"flowgif.{file}"
    options = [word for name, value in sizes.items() for word in (f"--{name}", value)]
    # Every frame is drawn once and the picture stays no longer than the others.
    timed = plan.flowgif("animate", folder, *options, "--easing", "linear", "--hold", 1 / FPS, "-o", out)
    written = [*Path().glob("frames-*.png")] if file == "png" else [Path(out)]
    return {**timed.cost, "megabytes_of_file": sum(path.stat().st_size for path in written) / 1e6}


def _by_matplotlib(plan: Plan, folder: str, sizes: dict[str, int], file: str, way: str, repeat: int) -> dict[str, Any]:
    timed, found = plan.call("parts.frames:matplotlib_film", folder=folder, file=file, way=way, **sizes)
    return {**timed.cost, **found}


def _alone(plan: Plan, folder: str, sizes: dict[str, int], repeat: int) -> dict[str, Any]:
    return plan.call("parts.frames:draw_alone", folder=folder, **sizes)[1]


def frames(plan: Plan) -> Iterator[Row]:
    """Yields rows of the kinds file (whole processes) and alone (the drawing)."""
    folder = plan.trained("cat")
    sizes = QUICK if plan.quick else {"size": SIZE, "frames": FRAMES, "points": POINTS}
    for file in FILES[:1] if plan.quick else FILES:
        key = plan.key(kind="file", file=file, by="flowgif")
        yield Row(key, partial(_written, plan, folder, sizes, file), plan.repeats)
        for way in WAYS:
            key = plan.key(kind="file", file=file, by=f"matplotlib, {way}")
            yield Row(key, partial(_by_matplotlib, plan, folder, sizes, file, way), plan.repeats)
    yield Row(plan.key(kind="alone", points=sizes["points"]), partial(_alone, plan, folder, sizes), plan.repeats)
