"""Writes figures and tables as the documents show them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from common.machine import short_name
from common.results import median, read_results

__all__ = ["Missing", "arithmetics", "as_gap", "as_megabytes", "as_seconds", "caption", "figure", "load", "table"]


WORST = 10  # nats; above it a flow has diverged, and how far means nothing


class Missing(Exception):
    """There are no results for a figure; the message says which."""


def load(part: str) -> dict[str, Any]:
    """Returns the results of a part, without the repeats that failed and the rows that are left with none.

    Args:
        part: its name, or that of a folder of results and its name, as ``other-machine/commands``.

    Raises:
        Missing: there are none.
    """
    content = read_results(part)
    if content is None:
        raise Missing(f"no results of the part {part}")
    rows = [
        {"key": row["key"], "repeats": [repeat for repeat in row["repeats"] if "failed" not in repeat]}
        for row in content["rows"]
    ]
    return {**content, "file": f"{part}.json", "rows": [row for row in rows if row["repeats"]]}


def arithmetics(content: dict[str, Any]) -> list[str]:
    """Returns the arithmetics of a part's rows, in the order in which they were measured."""
    return [*dict.fromkeys(row["key"]["arithmetic"] for row in content["rows"])]


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Returns a Markdown table."""
    lines = ["|" + "|".join(f" {cell} " if cell else " " for cell in line) + "|" for line in (head, *rows)]
    return "\n".join([lines[0], "|" + "---|" * len(head), *lines[1:]])


def as_seconds(value: float) -> str:
    """Returns seconds with two digits or one decimal, whichever is more."""
    return f"{value:.2f}" if value < 1 else f"{value:.1f}" if value < 100 else f"{value:.0f}"


def as_gap(value: float) -> str:
    """Returns a gap as the documents write it, such as .0012; in nats."""
    if value > WORST:
        return f"above {WORST}"
    text = f"{value:.4f}" if abs(value) < 0.1 else f"{value:.3f}"
    return text.replace("0.", ".", 1)


def as_megabytes(value: float) -> str:
    """Returns megabytes of memory or of a file."""
    return f"{value:.2f} MB" if value < 10 else f"{value:.0f} MB"


def caption(content: dict[str, Any]) -> str:
    """Returns the lines that say where a table's figures come from."""
    used = {repeat["call"] for row in content["rows"] for repeat in row["repeats"]}
    calls = [call for i, call in enumerate(content["calls"]) if i in used]
    machines = [*dict.fromkeys(short_name(call) for call in calls)]
    commits = [*dict.fromkeys(call["commit"] for call in calls if call["commit"])]  # none outside a repository
    flowgif = f"flowgif at {', '.join(commits)}; " if commits else ""
    repeats = {len(row["repeats"]) for row in content["rows"]}
    most, least = max(repeats), min(repeats)
    times = "one repeat" if most == 1 else f"medians of {most}" if most == least else f"medians of {least} to {most}"
    return (
        f"{' and '.join(machines)}; {times}; {flowgif}{calls[-1]['date'][:10]}. "
        f"Raw: [{content['file']}](../benchmarks/results/{content['file']})."
    )


def figure(content: dict[str, Any], path: tuple[str, ...], **key: object) -> float:
    """Returns the median of a figure of the first row whose key holds these values.

    Raises:
        Missing: there is no such row.
    """
    for row in content["rows"]:
        if key.items() <= row["key"].items():
            return median(row, *path)
    raise Missing(f"no row {key} in the part {content['part']}")
