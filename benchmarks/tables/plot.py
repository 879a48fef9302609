"""The README's plot: gap against wall-clock seconds."""

from __future__ import annotations

import hashlib
import json
import math
from pathlib import Path
from typing import Any

from common.measure import ROOT
from common.results import find, median
from PIL import Image

from tables.markdown import load
from tables.peers import label

__all__ = ["PLOT", "draw", "is_current"]

PLOT = ROOT / "docs" / "gallery" / "bench.png"
TARGET = "cat"
STAMP = "Source"  # the PNG's text with the digest of the figures that it shows
OURS = {"ffjord": "#b8321a", "spline": "#d9822b", "realnvp": "#7a4aa8", "glow": "#1f7a4d"}
THEIRS = {"zuko": "#3c6ea8", "normflows": "#5d8f9e", "torchcfm": "#8a8a3a"}
OTHERS = "#7d7d7d"
LABEL_GAP = 0.052  # least distance of two labels, as a share of the plot's height


def _curves() -> dict[tuple[str, str], dict[str, Any]]:
    """Returns the points (seconds, gap) of each flow and arithmetic, by seconds."""
    content = load("peers")
    first = content["rows"][0]["key"]["arithmetic"]
    curves: dict[tuple[str, str], dict[str, Any]] = {}
    for row in find(content, target=TARGET):
        key, report = row["key"], row["repeats"][0]
        # Another library's arithmetic is shown once: its flows have no bfloat16 of their own.
        if "error" in report or (key["library"] != "flowgif" and key["arithmetic"] != first):
            continue
        path = ("eval", "gap") if "eval" in report else ("gap",)
        point = (median(row, "seconds"), median(row, *path))
        if point[1] > 0:
            curve = curves.setdefault((label(key), key["arithmetic"]), {"key": key, "first": first, "points": []})
            curve["points"] = sorted([*curve["points"], point])
    return curves


def _digest(curves: dict[tuple[str, str], dict[str, Any]]) -> str:
    return hashlib.sha256(json.dumps([*curves.values()], sort_keys=True).encode()).hexdigest()[:16]


def is_current() -> bool:
    """Returns whether the plot shows the results as they are.

    Raises:
        Missing: there are no results.
    """
    digest = _digest(_curves())
    return PLOT.exists() and _stamp(PLOT) == digest


def _stamp(path: Path) -> str | None:
    with Image.open(path) as image:
        return image.info.get(STAMP)


def _colour(key: dict[str, Any]) -> str:
    return OURS[key["flow"]] if key["library"] == "flowgif" else THEIRS.get(key["library"], OTHERS)


def _spread(wanted: list[float]) -> list[float]:
    """Moves heights (shares of the plot's height) apart by at least LABEL_GAP, in their order."""
    order = sorted(range(len(wanted)), key=lambda i: wanted[i])
    placed = [0.0] * len(wanted)
    for _ in range(200):
        heights = [placed[i] or wanted[i] for i in order]
        moved = False
        for a in range(len(order) - 1):
            overlap = LABEL_GAP - (heights[a + 1] - heights[a])
            if overlap > 1e-6:
                heights[a] -= overlap / 2
                heights[a + 1] += overlap / 2
                moved = True
        for i, height in zip(order, heights, strict=True):
            placed[i] = height
        if not moved:
            break
    return placed


def draw() -> None:
    """Draws the plot, 1600 pixels wide.

    Raises:
        Missing: there are no results.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    curves = _curves()
    figure = Figure((8, 5), dpi=200, facecolor="white")
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0.085, 0.11, 0.63, 0.86))
    axes.set(xscale="log", yscale="log")
    gaps = [gap for curve in curves.values() for _, gap in curve["points"]]
    times = [seconds for curve in curves.values() for seconds, _ in curve["points"]]
    low, high = math.log10(min(gaps)) - 0.15, math.log10(max(gaps)) + 0.15
    axes.set(ylim=(10**low, 10**high), xlim=(min(times) * 0.85, max(times) * 1.12))
    left, right = axes.get_xlim()
    labelled = [curve for curve in curves.values() if curve["key"]["arithmetic"] == curve["first"]]
    for curve in curves.values():
        ours = curve["key"]["library"] == "flowgif"
        style: dict[str, Any] = {"linewidth": 2.4 if ours else 1.3, "markersize": 5 if ours else 3.5}
        style["linestyle"] = "-" if curve in labelled else "--"
        axes.plot(*zip(*curve["points"], strict=True), marker="o", color=_colour(curve["key"]), **style)
    ends = [(math.log10(curve["points"][-1][1]) - low) / (high - low) for curve in labelled]
    for curve, end, height in zip(labelled, ends, _spread(ends), strict=True):
        key, colour = curve["key"], _colour(curve["key"])
        axes.annotate(
            label(key),
            xy=(math.log10(curve["points"][-1][0] / left) / math.log10(right / left), end),
            xytext=(1.07, height),
            xycoords="axes fraction",
            textcoords="axes fraction",
            va="center",
            fontsize=10,
            color=colour,
            fontweight="bold" if key["library"] == "flowgif" else "normal",
            arrowprops={"arrowstyle": "-", "color": colour, "linewidth": 0.5, "relpos": (0, 0.5), "shrinkA": 1},
            annotation_clip=False,
        )
    if len(labelled) < len(curves):
        axes.text(0.02, 0.02, "dashed: AVX2 alone", transform=axes.transAxes, fontsize=9, color="#555555")
    ticks = [tick for tick in (5, 10, 20, 30, 60, 120, 300) if axes.get_xlim()[0] <= tick <= axes.get_xlim()[1]]
    axes.set_xticks(ticks, [f"{tick} s" for tick in ticks], minor=False)
    axes.set_xticks([], minor=True)
    axes.grid(True, which="major", color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_xlabel("the whole training command, wall-clock seconds")
    axes.set_ylabel("gap, nats (lower is better)")
    figure.savefig(PLOT, metadata={STAMP: _digest(curves)})
