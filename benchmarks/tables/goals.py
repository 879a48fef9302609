"""The table ``goals``: what the project aims at on two cores without an accelerator, and what was measured."""

from __future__ import annotations

from collections.abc import Callable

from tables.markdown import Missing, arithmetics, as_seconds, caption, figure, load, table
from tables.readme import animated, busy, gaps_within, seconds, trained

__all__ = ["goals"]


def _log_prob() -> str:
    return f"{as_seconds(figure(load('targets'), ('log_prob_seconds',), kind='log_prob', threads='default'))} s"


def _without_bfloat16() -> str:
    content = load("other-machine/commands")
    larger, smaller = (
        figure(content, ("train", "seconds"), picture="cat", arithmetic=name) for name in arithmetics(content)
    )
    return f"{smaller / larger:.2f} times"


def _layered() -> str:
    return ", ".join(gaps_within("cat", f"--model {model}", 60) for model in ("spline", "realnvp", "glow"))


# What is measured, the aim, and the figure.
GOALS: tuple[tuple[str, str, Callable[[], str]], ...] = (
    ("`train` with defaults, the cat", "10 s, gap .0015", lambda: trained("cat")),
    ("the same, the star", "10 s, gap .0015", lambda: trained("star")),
    (
        "the same with AVX2 alone beside all instructions, on a newer processor",
        "1.2 times the seconds",
        _without_bfloat16,
    ),
    ("the cat within 6 and 20 s of the whole command", "gap .005, .0005", lambda: gaps_within("cat", "", 6, 20)),
    ("the bicycle within 12 and 40 s", "gap .010, .004", lambda: gaps_within("bicycle", "", 12, 40)),
    ("the wordmark within 12 and 30 s", "gap .004, .0015", lambda: gaps_within("wordmark", "", 12, 30)),
    ("three thin rings within 12 s", "gap .003", lambda: gaps_within("rings", "", 12)),
    ("`eval` of the cat", "3 s", lambda: seconds("commands", "eval", picture="cat")),
    ("`animate` of the cat, points and density", "2.5 s, 4 s", animated),
    (
        "the three commands of `make demo`",
        "16 s",
        lambda: seconds("targets", kind="demo"),
    ),
    (
        "likelihood from scratch within 30 and 90 s, the cat",
        "gap .03, .005",
        lambda: gaps_within("cat", "--objective likelihood", 30, 90),
    ),
    ("a command beside a program that keeps one core busy", "at most 1.8 times its free time", busy),
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
