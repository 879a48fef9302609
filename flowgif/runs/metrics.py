"""Reads the metrics of a run. It needs no torch."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import TypeGuard

from flowgif.files.reading import read_regular
from flowgif.runs.layout import METRICS

__all__ = ["read_metrics"]

MOST_BYTES = 2**30
LARGEST = 1e300  # what a line may hold


def read_metrics(folder: Path) -> list[dict[str, float]]:
    """Returns all readable lines of a run's metrics.

    Raises:
        UnusableInput: they are no regular file, or too large.
    """
    try:
        content = read_regular(folder / METRICS, MOST_BYTES)
    except FileNotFoundError:
        return []
    rows: list[dict[str, float]] = []
    for line in content.splitlines():
        # Earlier versions wrote line by line, and a line that was cut short cannot be read.
        with suppress(ValueError, RecursionError):
            row = json.loads(line)
            if _is_row(row):
                rows.append(row)
    return rows


def _is_row(row: object) -> TypeGuard[dict[str, float]]:
    """Whether a value is a line of the metrics: finite numbers by name, a whole number of steps among them."""
    if not isinstance(row, dict) or type(row.get("step")) is not int:  # pyright: ignore[reportUnknownMemberType]
        return False
    values: list[object] = list(row.values())  # pyright: ignore[reportUnknownArgumentType]
    return all(type(value) in {int, float} and abs(value) < LARGEST for value in values)  # pyright: ignore[reportArgumentType]
