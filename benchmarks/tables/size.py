"""The table of what the default installation takes on disk."""

from __future__ import annotations

from tables.markdown import caption, figure, load, table

__all__ = ["installed", "size"]

LEAST = 10  # MB of a package with a line of its own


def installed() -> str:
    """Returns the size of the default installation, and torch's share of it."""
    content = load("size")
    everything, torch = figure(content, ("all",)), figure(content, ("packages", "torch"))
    return f"{everything:.0f} MB, {100 * torch / everything:.0f} % of it torch"


def size() -> str:
    """Returns the table: a line for each large package, and what would be saved without it."""
    content = load("size")
    measured = content["rows"][0]["repeats"][-1]
    packages, saved, everything = measured["packages"], measured["saved"], measured["all"]
    large = sorted((name for name in packages if packages[name] >= LEAST), key=packages.__getitem__, reverse=True)
    lines: list[list[str]] = []
    for name in large:
        gone = f"{saved[name]:.0f} MB" if saved.get(name) else ""
        lines.append([name, f"{packages[name]:.0f} MB", _share(packages[name], everything), gone])
    others = everything - sum(packages[name] for name in large)
    lines += [
        [f"{len(packages) - len(large)} others", f"{others:.0f} MB", _share(others, everything), ""],
        ["**all**", f"{everything:.0f} MB", "", ""],
    ]
    head = ["package", "size", "share", "saved without it"]
    return f"{table(head, lines)}\n\n{caption(content)}"


def _share(part: float, everything: float) -> str:
    return f"{100 * part / everything:.0f} %"
