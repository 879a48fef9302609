"""The tables of ``frames``, ``animation`` and ``scaling``."""

from __future__ import annotations

from typing import Any

from common.results import find, median

from tables.growth import fit_growth
from tables.markdown import arithmetics, as_megabytes, as_seconds, caption, load, table

__all__ = ["faithful", "frames", "scaling", "written"]

WAYS = {
    "flowgif": "flowgif",
    "matplotlib, moved": "matplotlib, the points of one scatter moved",
    "matplotlib, anew": "matplotlib, drawn anew for each frame",
}
TIMES = ("0", "0.25", "0.5", "0.75", "1")


def _of_first(content: dict[str, Any]) -> dict[str, Any]:
    """Returns the results of the first arithmetic alone; these tables differ little between them."""
    first = arithmetics(content)[0]
    return {**content, "rows": find(content, arithmetic=first)}


def frames() -> str:
    """Returns the table of writers."""
    content = _of_first(load("frames"))
    files = [*dict.fromkeys(row["key"]["file"] for row in find(content, kind="file"))]
    lines = [
        [
            label,
            *(
                f"{as_seconds(median(row, 'seconds'))} s, {as_megabytes(median(row, 'megabytes_of_file'))}"
                for file in files
                for row in find(content, kind="file", file=file, by=by)
            ),
        ]
        for by, label in WAYS.items()
    ]
    text = table(["60 frames, start-up included", *(f".{file}" for file in files)], lines)
    for row in find(content, kind="alone"):
        ours, moved, anew = (median(row, name) for name in ("flowgif", "moved", "anew"))
        text += (
            f"\n\nDrawing the 60 frames alone, without a file, takes {as_seconds(ours)} s. matplotlib takes "
            f"{moved / ours:.0f} times as long if it moves the points of one scatter. It takes {anew / ours:.0f} times "
            "as long if it makes a figure and a PNG for each frame."
        )
    return f"{text}\n\n{caption(content)}"


def written() -> str:
    """Returns the table of styles and formats."""
    content = _of_first(load("animation"))
    lines = [
        [
            f"`--style {name}`" if name.isalpha() else name if name[0].isdigit() else f"`{name}`",
            as_seconds(median(row, "seconds")),
            as_megabytes(median(row, "megabytes_of_file")),
            as_megabytes(median(row, "megabytes")),
        ]
        for row in find(content, kind="written")
        for name in [row["key"]["what"]]
    ]
    return f"{table(['the cat', 'seconds', 'file', 'peak memory'], lines)}\n\n{caption(content)}"


def faithful() -> str:
    """Returns the table of how faithful density frames are."""
    content = _of_first(load("animation"))
    lines = [
        [
            row["key"]["picture"],
            *(f"{median(row, 'variation', time):.4f}".lstrip("0") for time in TIMES),
            f"{median(row, 'ink'):.3f}".lstrip("0"),
        ]
        for row in find(content, kind="faithful")
    ]
    return f"{table(['', 't = 0', '.25', '.5', '.75', '1', 'ink'], lines)}\n\n{caption(content)}"


def scaling() -> str:
    """Returns the table of growth, with the fitted exponents."""
    content = _of_first(load("scaling"))
    lines: list[list[str]] = []
    for what, unit in dict.fromkeys((row["key"]["what"], row["key"]["unit"]) for row in content["rows"]):
        rows = sorted(find(content, what=what, unit=unit), key=lambda row: row["key"]["size"])
        if len(rows) < 3:
            continue
        sizes = [row["key"]["size"] for row in rows]
        work = [float(size) ** 2 if unit == "side" else float(size) for size in sizes]
        seconds = [median(row, "seconds") for row in rows]
        megabytes = [median(row, "megabytes") for row in rows]
        exponents: list[str] = []
        for costs in (seconds, megabytes):
            exponent = fit_growth(work, costs).exponent
            exponents.append("none" if exponent is None else f"{exponent:.2f}")
        lines.append(
            [
                what,
                f"{'pixels' if unit == 'side' else unit}",
                f"{sizes[0]} to {sizes[-1]}" + (" a side" if unit == "side" else ""),
                f"{as_seconds(seconds[0])} to {as_seconds(seconds[-1])} s",
                exponents[0],
                f"{as_megabytes(megabytes[0])} to {as_megabytes(megabytes[-1])}",
                exponents[1],
            ]
        )
    head = ["what", "work", "from, to", "time", "exponent", "peak memory", "exponent"]
    return f"{table(head, lines)}\n\n{caption(content)}"
