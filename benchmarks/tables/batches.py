"""The table of batches."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from typing import Any

from tables.markdown import as_megabytes, as_seconds, caption, load, median, table

__all__ = ["batch", "scale"]

LOGOS = 100_000
DOLLARS = 0.04  # an hour of one core of a general-purpose machine, rented by the hour


def batch() -> str:
    """Returns the table of the engines."""
    content = load("batch")
    lines = [
        [
            row["key"]["engine"],
            f"{median(row, 'pictures'):.0f}",
            as_seconds(median(row, "seconds")) + " s",
            f"{median(row, 'pictures_a_minute'):.1f}",
            as_seconds(median(row, "worker_seconds") / median(row, "pictures")) + " s",
            as_megabytes(median(row, "worker_megabytes")),
            f"{median(row, 'caller_milliseconds'):.0f} ms",
        ]
        for row in content["rows"]
    ]
    head = [
        *("engine", "pictures", "time", "pictures a minute", "a picture, in its worker"),
        *("memory of a worker", "processor time of the caller a picture"),
    ]
    return f"{table(head, lines)}\n\n{_compared(content)}\n\n{caption(content)}"


def _compared(content: dict[str, Any]) -> str:
    """Returns what the engines gain and cost, compared within each turn, because the machine's speed changes."""
    rows = {row["key"]["engine"]: row["repeats"] for row in content["rows"]}

    def compare(engine: str, by: Callable[[dict[str, Any], dict[str, Any]], float], form: str) -> str:
        figures = [by(one, pool) for one, pool in zip(rows[engine], rows["two processes"], strict=True)]
        least, middle, most = min(figures), statistics.median(figures), max(figures)
        return f"{middle:{form}} ({least:{form}} to {most:{form}})"

    def ratio(one: dict[str, Any], pool: dict[str, Any]) -> float:
        return one["seconds"] / pool["seconds"]

    def milliseconds(dask: dict[str, Any], pool: dict[str, Any]) -> float:
        return 1000 * (dask["seconds"] - pool["seconds"]) / dask["pictures"]

    return (
        "Engines take turns. The medians of the turns, with the least and the most: two processes do "
        f"{compare('one process', ratio, '.2f')} times as much as one in the same time. On Dask a picture takes "
        f"{compare('Dask, two workers', milliseconds, '.0f')} ms more than on the pool of as many processes, and "
        f"{compare('Dask, two workers without its profiler', milliseconds, '.0f')} ms more without the profiler."
    )


def scale() -> str:
    """Returns the table of what very many logos cost, by the figures of the other one."""
    content = load("batch")
    rows = {row["key"]["engine"]: row for row in content["rows"]}
    usual, dask = rows["two processes, default settings"], rows["Dask, two workers"]
    seconds = median(usual, "worker_seconds") / median(usual, "pictures")
    hours = LOGOS * seconds / 3600
    milliseconds = median(dask, "caller_milliseconds")
    into, out = median(usual, "picture_kilobytes"), median(usual, "run_kilobytes")
    rate = 1000 / milliseconds
    lines = [
        ("a logo of 64x64, default settings, one core", f"{seconds:.1f} s"),
        (f"{LOGOS} of them", f"{hours:.0f} core hours"),
        (f"at {100 * DOLLARS:.0f} cents a core hour", f"{hours * DOLLARS:.0f} dollars"),
        ("on 100 cores", f"{hours / 100:.1f} hours"),
        ("the runs on the disk", f"{LOGOS * out / 1e6:.1f} GB"),
        ("what one caller can take in and store", f"{rate:.0f} logos a second"),
        ("which is the work of so many cores", f"{rate * seconds:.0f}"),
        ("and so many bytes out and in", f"{rate * into / 1000:.2f} and {rate * out / 1000:.1f} MB a second"),
    ]
    return table(["what", "figure"], lines)
