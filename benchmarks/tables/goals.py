"""The table ``goals``: what the project aims at on two cores without an accelerator, and what was measured."""

from __future__ import annotations

from collections.abc import Callable

from common.results import find, median

from tables.markdown import Missing, as_gap, as_seconds, caption, figure, load, table

__all__ = ["goals"]


def _trained(picture: str) -> str:
    content = load("commands")
    seconds = figure(content, ("train", "seconds"), picture=picture)
    return f"{as_seconds(seconds)} s, gap {as_gap(figure(content, ('eval', 'gap'), picture=picture))}"


def _gaps(picture: str, *seconds: int, options: str = "") -> str:
    content = load("targets")
    key = {"kind": "within", "picture": picture, "options": options}
    return ", ".join(as_gap(figure(content, ("eval", "gap"), **key, within=within)) for within in seconds)


def _command(*names: str) -> str:
    content = load("commands")
    return ", ".join(f"{as_seconds(figure(content, (name, 'seconds'), picture='cat'))} s" for name in names)


def _busy() -> str:
    ratios = [median(row, "ratio") for row in find(load("targets"), kind="busy")]
    return f"{max(ratios):.1f} times"


def _log_prob() -> str:
    return f"{as_seconds(figure(load('targets'), ('log_prob_seconds',), kind='log_prob', threads='default'))} s"


def _without_bfloat16() -> str:
    rows = load("other-machine/commands")["rows"]
    larger, smaller = (median(row, "train", "seconds") for row in rows[:2])
    return f"{smaller / larger:.2f} times"


def _layered() -> str:
    return ", ".join(_gaps("cat", 60, options=f"--model {model}") for model in ("spline", "realnvp", "glow"))


# What is measured, the aim, and the figure.
GOALS: tuple[tuple[str, str, Callable[[], str]], ...] = (
    ("`train` with defaults, the cat", "10 s, gap .0015", lambda: _trained("cat")),
    ("the same, the star", "10 s, gap .0015", lambda: _trained("star")),
    (
        "the same with AVX2 alone beside all instructions, on a newer processor",
        "1.2 times the seconds",
        _without_bfloat16,
    ),
    ("the cat within 6 and 20 s of the whole command", "gap .005, .0005", lambda: _gaps("cat", 6, 20)),
    ("the bicycle within 12 and 40 s", "gap .010, .004", lambda: _gaps("bicycle", 12, 40)),
    ("the wordmark within 12 and 30 s", "gap .004, .0015", lambda: _gaps("wordmark", 12, 30)),
    ("three thin rings within 12 s", "gap .003", lambda: _gaps("rings", 12)),
    ("`eval` of the cat", "3 s", lambda: _command("eval")),
    ("`animate` of the cat, points and density", "2.5 s, 4 s", lambda: _command("points", "density")),
    (
        "the three commands of `make demo`",
        "16 s",
        lambda: f"{as_seconds(figure(load('targets'), ('seconds',), kind='demo'))} s",
    ),
    (
        "likelihood from scratch within 30 and 90 s, the cat",
        "gap .03, .005",
        lambda: _gaps("cat", 30, 90, options="--objective likelihood"),
    ),
    ("a command beside a program that keeps one core busy", "at most 1.8 times its free time", _busy),
    ("`log_prob` of 100 000 points, default accuracy", "20 s", _log_prob),
    ("splines, RealNVP and Glow within 60 s, the cat", "gap .0010, .006, .006", _layered),
)


def goals() -> str:
    """Returns the table; a line without results is left out."""
    lines: list[list[str]] = []
    for what, aim, measured in GOALS:
        try:
            lines.append([what, aim, measured()])
        except Missing:
            continue
    return f"{table(['what', 'aim', 'measured'], lines)}\n\n{caption(load('targets'))}"
