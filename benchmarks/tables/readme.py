"""The README's table, and figures that stand in sentences of the documents."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import NamedTuple

from common.machine import short_name

from tables.markdown import Missing, arithmetics, as_gap, as_megabytes, as_seconds, figure, load, table

__all__ = ["SENTENCES", "Sentence", "summary"]


class Sentence(NamedTuple):
    """A figure in a sentence that a command makes anew.

    Attributes:
        document: the path of the document, from the repository's root.
        pattern: matches the sentence once; its only group is the figure.
        figure: returns the figure's text.
    """

    document: str
    pattern: re.Pattern[str]
    figure: Callable[[], str]


def _of(part: str, *path: str, **key: object) -> list[float]:
    """Returns a figure for each arithmetic."""
    content = load(part)
    return [figure(content, path, arithmetic=name, **key) for name in arithmetics(content)]


def _seconds(part: str, *path: str, **key: object) -> str:
    return _joined([as_seconds(value) for value in _of(part, *path, "seconds", **key)], " s")


def _joined(values: list[str], unit: str = "") -> str:
    """Returns the figure, or the one with all instructions and the one with AVX2 alone."""
    first, *rest = values
    return f"{first}{unit}" + "".join(f" ({value}{unit} with AVX2 alone)" for value in rest)


def _gap(part: str, *path: str, **key: object) -> str:
    return "gap " + _joined([as_gap(value) for value in _of(part, *path, "gap", **key)])


def _trained(picture: str) -> str:
    return f"{_seconds('commands', 'train', picture=picture)}, {_gap('commands', 'eval', picture=picture)}"


def _animated() -> str:
    return ", ".join(
        f"{_seconds('commands', style, picture='cat')} {words}"
        for style, words in (("points", "as points"), ("density", "as a density"))
    )


def _within(options: str, *seconds: int) -> str:
    return ", ".join(
        f"{_gap('targets', 'eval', kind='within', picture='cat', options=options, within=within)} after {within} s"
        for within in seconds
    )


def _layered() -> str:
    ours = _gap("peers", "eval", library="flowgif", flow="spline", target="cat", seconds=60)
    theirs = as_gap(_of("peers", "gap", library="zuko", flow="NSF", target="cat", seconds=60)[0])
    return f"{ours}; a neural spline flow of zuko: {theirs}"


def _busy() -> str:
    content = load("targets")
    ratios = [
        figure(content, ("ratio",), kind="busy", command=command) for command in ("train", "eval", "points", "density")
    ]
    return f"{min(ratios):.1f} to {max(ratios):.1f} times its free time"


def _memory() -> str:
    return f"{as_megabytes(_of('memory', 'megabytes', command='train, 4000x4000')[0])} at the peak"


LINES: dict[str, Callable[[], str]] = {
    "train on the cat, a silhouette of 400x400 pixels": lambda: _trained("cat"),
    "train on the bicycle, thin line art": lambda: _trained("bicycle"),
    "the same command on the cat, stopped earlier or later": lambda: _within("", 6, 20),
    "animate the cat, 60 frames of 480 pixels": _animated,
    "evaluate the cat": lambda: _seconds("commands", "eval", picture="cat"),
    "`make demo` after the installation": lambda: _seconds("targets", kind="demo"),
    "FFJORD's own objective, from scratch, on the cat": lambda: _within("--objective likelihood", 30, 90),
    "`--model spline`, 60 s, the cat": _layered,
    "a command beside a program that keeps one core busy": _busy,
    "memory for a picture of 4000x4000 pixels": _memory,
    "`flowgif --help`": lambda: _seconds("startup", kind="command", what="--help"),
}


def summary() -> str:
    """Returns the README's table; a line without results is left out."""
    lines: list[list[str]] = []
    for name, line in LINES.items():
        try:
            lines.append([name, line()])
        except Missing:
            continue
    content = load("commands")
    return (
        f"Measured on an {short_name(content['calls'][-1])}, whole commands with start-up:\n\n{table(['', ''], lines)}"
    )


def _rounded_training() -> str:
    """Returns the seconds of a default training of the cat, rounded up, of the slowest arithmetic."""
    return f"{math.ceil(max(_of('commands', 'train', 'seconds', picture='cat')))}"


SENTENCES = (
    Sentence("README.md", re.compile(r"fits a flow: about (\d+) s on"), _rounded_training),
    Sentence("docs/guide.md", re.compile(r"# about (\d+) s on two CPU cores"), _rounded_training),
)
