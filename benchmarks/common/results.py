"""Keeps the raw results of a part in one JSON file, which is written after every repeat."""

from __future__ import annotations

import json
import statistics
from pathlib import Path
from typing import Any

from common.measure import ROOT

__all__ = ["QUICK_FOLDER", "RESULTS", "Key", "Results", "find", "median", "read_results"]

RESULTS = ROOT / "benchmarks" / "results"
QUICK_FOLDER = ROOT / "build" / "bench-quick"  # not kept with the code, and never shown
Key = dict[str, str | int | float]


class Results:
    """The file of a part.

    A file holds ``calls``, the circumstances of every call of the benchmark that added to it, and ``rows``: a key, the
    number of the call, and what was measured in each repeat.

    Args:
        path: of the file.
        part: the part's name.
        circumstances: date, command, machine, versions and so on of this call.
        quick: whether the sizes are too small for the figures to mean anything.
        go_on: whether rows of an earlier call are kept; repeats that failed are not, so they are measured again.
    """

    def __init__(self, path: Path, part: str, circumstances: dict[str, Any], quick: bool, go_on: bool) -> None:
        self.path = path
        before = json.loads(path.read_text("utf-8")) if go_on and path.exists() else {}
        self.content: dict[str, Any] = {
            "part": part,
            "quick": quick,
            "calls": [*before.get("calls", ()), circumstances],
            "rows": [
                {**row, "repeats": [repeat for repeat in row["repeats"] if "failed" not in repeat]}
                for row in before.get("rows", ())
            ],
        }

    def count(self, key: Key) -> int:
        """Returns how many repeats of a row there are."""
        row = self._row(key)
        return len(row["repeats"]) if row else 0

    def add(self, key: Key, measured: dict[str, Any]) -> None:
        """Appends a repeat to its row and writes the file."""
        call = len(self.content["calls"]) - 1
        row = self._row(key)
        if row is None:
            row = {"key": key, "repeats": []}
            self.content["rows"].append(row)
        row["repeats"].append({"call": call, **measured})
        self.path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self.path.with_suffix(".part")
        fresh.write_text(json.dumps(self.content, indent=1) + "\n", "utf-8")
        fresh.replace(self.path)

    def _row(self, key: Key) -> dict[str, Any] | None:
        return next((row for row in self.content["rows"] if row["key"] == key), None)


def read_results(part: str) -> dict[str, Any] | None:
    """Returns the content of a part's file; None if there is none, or if it holds only quick figures."""
    path = RESULTS / f"{part}.json"
    if not path.exists():
        return None
    content = json.loads(path.read_text("utf-8"))
    return None if content["quick"] else content


def find(content: dict[str, Any], **key: object) -> list[dict[str, Any]]:
    """Returns the rows whose keys hold these values."""
    return [row for row in content["rows"] if key.items() <= row["key"].items()]


def median(row: dict[str, Any], *path: str) -> float:
    """Returns the median over a row's repeats of the figure at a path of names."""
    figures: list[float] = []
    for repeat in row["repeats"]:
        value: Any = repeat
        for name in path:
            value = value[name]
        figures.append(value)
    return statistics.median(figures)
