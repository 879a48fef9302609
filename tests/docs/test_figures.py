"""The figures of the documents are those of the results in benchmarks/results."""

from __future__ import annotations

import re
import sys

import pytest
from conftest import ROOT

sys.path.append(str(ROOT / "benchmarks"))
from report import BLOCK, BLOCKS, DOCUMENTS, render
from tables import plot
from tables.markdown import Missing
from tables.readme import SENTENCES

# Seconds, megabytes and gaps in sentences.
FIGURE = re.compile(r"\b\d+(?:\.\d+)? (?:s|MB|GB|nats)\b")
# Figures that nobody measured: a limit that a command is given.
GIVEN = ("0.05 nats",)


@pytest.mark.parametrize("name", BLOCKS)
def test_there_are_results_for_every_table(name: str) -> None:
    """Skips a table whose part was not measured yet, so that a reader of the test's output sees which those are."""
    try:
        assert BLOCKS[name]().count("\n|") >= 2
    except Missing as missing:
        pytest.skip(str(missing))


@pytest.mark.parametrize("document", DOCUMENTS)
def test_a_document_shows_the_results(document: str) -> None:
    assert (ROOT / document).read_text("utf-8") == render(document), "make bench-report"


def test_every_table_stands_in_one_document() -> None:
    found = [name for document in DOCUMENTS for _, name, _ in BLOCK.findall((ROOT / document).read_text("utf-8"))]
    assert sorted(found) == sorted(BLOCKS)


def test_every_figure_of_the_readme_comes_from_the_results() -> None:
    text = BLOCK.sub("", (ROOT / "README.md").read_text("utf-8"))
    for sentence in SENTENCES:
        text = sentence.pattern.sub("", text)
    assert [figure for figure in FIGURE.findall(text) if figure not in GIVEN] == []


def test_the_plot_shows_the_results() -> None:
    try:
        assert plot.is_current(), "make bench-report"
    except Missing:
        pytest.skip("no results of the part peers")
