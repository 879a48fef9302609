"""Makes the tables and the plot of the documents from the results: ``make bench-report``.

A block of a document between ``<!-- bench:NAME -->`` and ``<!-- /bench -->`` is what ``BLOCKS[NAME]`` returns; a figure
in a sentence is a row of ``tables.readme.SENTENCES``. With ``--check`` nothing is written; the differences are printed,
and the exit code is 1 if there are any.
"""

from __future__ import annotations

import difflib
import re
import sys
from collections.abc import Callable, Iterator

from common.measure import ROOT
from tables import batches, budget, commands, drawing, goals, peers, plot, size
from tables.markdown import Missing
from tables.readme import SENTENCES, summary

__all__ = ["BLOCKS", "DOCUMENTS", "find_differences", "render", "write"]

DOCUMENTS = (
    "README.md",
    "docs/figures.md",
    "docs/performance.md",
    "docs/guide.md",
    "docs/reliability.md",
    "docs/scale.md",
    "docs/experiments.md",
    "docs/install.md",
)
BLOCKS: dict[str, Callable[[], str]] = {
    "summary": summary,
    "commands": commands.commands,
    "other-machine": commands.other_machine,
    "targets": commands.targets,
    "goals": goals.goals,
    "budget": budget.budget,
    "accelerator": commands.accelerator,
    "startup": commands.startup,
    "memory": commands.memory,
    "limits": commands.limits,
    "batch": batches.batch,
    "scale": batches.scale,
    "size": size.size,
    "frames": drawing.frames,
    "written": drawing.written,
    "faithful": drawing.faithful,
    "scaling": drawing.scaling,
    "peers": peers.peers,
    "tuning": peers.tuning,
    "experiments": commands.experiments,
}
BLOCK = re.compile(r"(<!-- bench:(\S+) -->\n).*?(<!-- /bench -->)", re.DOTALL)


def _render_block(found: re.Match[str]) -> str:
    try:
        return f"{found[1]}{BLOCKS[found[2]]()}\n{found[3]}"
    except Missing:
        return found[0]


def render(document: str) -> str:
    """Returns a document's text with its blocks and figures made anew; what has no results stays.

    Raises:
        ValueError: a sentence with a figure does not stand in its document exactly once.
    """
    text = BLOCK.sub(_render_block, (ROOT / document).read_text("utf-8"))
    for sentence in SENTENCES:
        if sentence.document == document:
            matches = [*sentence.pattern.finditer(text)]
            if len(matches) != 1:
                raise ValueError(f"{document} has {len(matches)} sentences like {sentence.pattern.pattern}")
            try:
                figure = sentence.figure()
            except Missing:
                continue
            start, end = matches[0].span(1)
            text = text[:start] + figure + text[end:]
    return text


def find_differences() -> Iterator[str]:
    """Yields what differs between the documents and the results, as lines."""
    for document in DOCUMENTS:
        before = (ROOT / document).read_text("utf-8").splitlines()
        yield from difflib.unified_diff(before, render(document).splitlines(), document, "results", lineterm="")
    try:
        if not plot.is_current():
            yield f"{plot.PLOT.relative_to(ROOT)} does not show the results"
    except Missing:
        pass


def write() -> None:
    """Writes the documents and the plot."""
    for document in DOCUMENTS:
        text = render(document)
        if text != (ROOT / document).read_text("utf-8"):
            (ROOT / document).write_text(text, "utf-8")
            print(f"{document} changed")
    try:
        if not plot.is_current():
            plot.draw()
            print(f"{plot.PLOT.relative_to(ROOT)} changed")
    except Missing as missing:
        print(f"no plot: {missing}")


def main() -> None:
    if "--check" in sys.argv[1:]:
        differences = [*find_differences()]
        print("\n".join(differences) or "the documents show the results")
        sys.exit(1 if differences else 0)
    write()


if __name__ == "__main__":
    main()
