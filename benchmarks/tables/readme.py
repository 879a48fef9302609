"""The README's table, and figures that stand in sentences of the documents."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import NamedTuple

from common.machine import short_name

from tables.markdown import Missing, arithmetics, as_gap, as_megabytes, as_seconds, figure, load, table
from tables.size import installed

__all__ = ["SENTENCES", "Sentence", "animated", "busy", "gaps_within", "seconds", "summary", "trained"]


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


def seconds(part: str, *path: str, **key: object) -> str:
    """Returns the median seconds of a row."""
    return _joined([as_seconds(value) for value in _of(part, *path, "seconds", **key)], " s")


def _joined(values: list[str], unit: str = "") -> str:
    """Returns the figure, or the one with all instructions and the one with AVX2 alone."""
    first, *rest = values
    return f"{first}{unit}" + "".join(f" ({value}{unit} with AVX2 alone)" for value in rest)


def _gap(part: str, *path: str, **key: object) -> str:
    return "gap " + _joined([as_gap(value) for value in _of(part, *path, "gap", **key)])


def trained(picture: str) -> str:
    """Returns the seconds and the gap of a training with default settings."""
    return f"{seconds('commands', 'train', picture=picture)}, {_gap('commands', 'eval', picture=picture)}"


def animated() -> str:
    """Returns the seconds of animations of the cat."""
    return ", ".join(
        f"{seconds('commands', style, picture='cat')} {words}"
        for style, words in (("points", "as points"), ("density", "as a density"))
    )


def gaps_within(picture: str, options: str, *limits: int) -> str:
    """Returns the gaps of a training that was stopped after so many seconds of the whole command."""
    return ", ".join(
        f"{_gap('targets', 'eval', kind='within', picture=picture, options=options, within=within)} after {within} s"
        for within in limits
    )


def _layered() -> str:
    ours = _gap("peers", "eval", library="flowgif", flow="spline", target="cat", seconds=60)
    theirs = as_gap(_of("peers", "gap", library="zuko", flow="NSF", target="cat", seconds=60)[0])
    return f"{ours}; a neural spline flow of zuko: {theirs}"


def busy() -> str:
    """Returns how much longer commands take beside a program that keeps one core busy."""
    content = load("targets")
    ratios = [
        figure(content, ("ratio",), kind="busy", command=command) for command in ("train", "eval", "points", "density")
    ]
    return f"{min(ratios):.1f} to {max(ratios):.1f} times its free time"


def _memory() -> str:
    return f"{as_megabytes(_of('memory', 'megabytes', command='train, 4000x4000')[0])} at the peak"


LINES: dict[str, Callable[[], str]] = {
    "train on the cat, a silhouette of 400x400 pixels": lambda: trained("cat"),
    "train on the bicycle, thin line art": lambda: trained("bicycle"),
    "the same command on the cat, stopped earlier or later": lambda: gaps_within("cat", "", 6, 20),
    "animate the cat, 60 frames of 480 pixels": animated,
    "evaluate the cat": lambda: seconds("commands", "eval", picture="cat"),
    "`make demo` after the installation": lambda: seconds("targets", kind="demo"),
    "FFJORD's own objective, from scratch, on the cat": lambda: gaps_within("cat", "--objective likelihood", 30, 90),
    "`--model spline`, 60 s, the cat": _layered,
    "a command beside a program that keeps one core busy": busy,
    "memory for a picture of 4000x4000 pixels": _memory,
    "the default installation on disk": installed,
    "`flowgif --help`": lambda: seconds("startup", kind="command", what="--help"),
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
