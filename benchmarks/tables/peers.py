"""The tables of ``peers`` and ``tuning``."""

from __future__ import annotations

from typing import Any

from common.results import find, median
from peers.table import PEERS

from tables.markdown import as_gap, as_seconds, caption, load, table

__all__ = ["peers", "tuning"]

TARGETS = {"cat": "the cat", "moons": "two moons, noise 0.05"}


def label(key: dict[str, Any]) -> str:
    """Returns the name of a flow in tables and in the plot."""
    return f"{key['library']} {key['flow']}"


def peers() -> str:
    """Returns a table with a line for each flow; each cell has the gap and the seconds of the whole command."""
    content = load("peers")
    columns = [*dict.fromkeys((row["key"]["target"], row["key"]["seconds"]) for row in content["rows"])]
    flows = dict.fromkeys((label(row["key"]), row["key"]["arithmetic"]) for row in content["rows"])
    several = len({arithmetic for _, arithmetic in flows}) > 1
    lines: list[list[str]] = []
    for name, arithmetic in flows:
        cells: list[str] = []
        for target, seconds in columns:
            rows = [
                row
                for row in find(content, target=target, seconds=seconds, arithmetic=arithmetic)
                if label(row["key"]) == name
            ]
            cells.append(_cell(rows[0]) if rows else "")
        lines.append([name + (f", {arithmetic}" if several else ""), *cells])
    head = ["flow", *(f"{TARGETS[target]}, {seconds:g} s" for target, seconds in columns)]
    return f"{table(head, lines)}\n\n{caption(content)}"


def _cell(row: dict[str, Any]) -> str:
    report = row["repeats"][0]
    seconds = as_seconds(median(row, "seconds"))
    if "error" in report:
        return f"failed, {seconds} s"
    return f"{as_gap(median(row, *(('eval', 'gap') if 'eval' in report else ('gap',))))} in {seconds} s"


def tuning() -> str:
    """Returns the tried settings of each peer with their gaps, the best one in bold."""
    content = load("tuning")
    lines: list[list[str]] = []
    for name, kind in PEERS.items():
        tried = {row["key"]["setting"]: row["repeats"][0].get("gap", float("inf")) for row in find(content, peer=name)}
        for setting, gap in tried.items():
            shown = "failed" if gap == float("inf") else as_gap(gap)
            lines.append(
                [f"{kind.title} {kind.flow}", setting, f"**{shown}**" if gap == min(tried.values()) else shown]
            )
    return f"{table(['flow', 'setting', 'gap, nats'], lines)}\n\n{caption(content)}"
