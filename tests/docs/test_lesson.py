"""The lesson is a valid notebook of short cells that shows flowgif's pictures, and it runs."""

from __future__ import annotations

import ast
import base64
import io
import re
import sys
from typing import Any

import pytest
from conftest import ROOT
from PIL import Image

sys.path.insert(0, str(ROOT / "docs"))

from make_lesson import LESSON, code_cells, read_notebook, run_cells, workplace

MOST_BYTES = 1_500_000
LONGEST_CELL = 12  # lines
PICTURE = re.compile("image/(gif|png)")


@pytest.fixture(scope="module")
def lesson() -> dict[str, Any]:
    return read_notebook(LESSON)


def _pictures(cells: list[dict[str, Any]]) -> dict[str, bytes]:
    """The pictures that cells show, by the cells' names."""
    return {
        cell["id"]: base64.b64decode(content)
        for cell in cells
        for output in cell["outputs"]
        for media_type, content in output.get("data", {}).items()
        if PICTURE.fullmatch(media_type)
    }


def _prints(outputs: list[dict[str, Any]]) -> str:
    return "".join(line for output in outputs for line in output.get("text", []))


def test_it_is_a_notebook_of_short_cells(lesson: dict[str, Any]) -> None:
    assert (lesson["nbformat"], lesson["nbformat_minor"]) == (4, 5)
    names = [cell["id"] for cell in lesson["cells"]]
    assert len(names) == len(set(names))
    assert all(re.fullmatch(r"[a-zA-Z0-9-_]{1,64}", name) for name in names)
    for number, cell in enumerate(code_cells(lesson), 1):
        assert cell.keys() == {"cell_type", "execution_count", "id", "metadata", "outputs", "source"}
        assert cell["execution_count"] == number
        assert len(cell["source"]) <= LONGEST_CELL, cell["id"]
        ast.parse("".join(cell["source"]))
    assert LESSON.stat().st_size < MOST_BYTES


def test_its_pictures_are_flowgifs_and_move(lesson: dict[str, Any]) -> None:
    pictures = _pictures(code_cells(lesson))
    assert len(pictures) >= 6
    for name, content in pictures.items():
        with Image.open(io.BytesIO(content)) as image:
            assert "flowgif animate RUN" in str(image.info.get("comment", image.info)), name
            assert getattr(image, "n_frames", 1) == (1 if image.format == "PNG" else 25), name


def test_every_section_names_its_source(lesson: dict[str, Any]) -> None:
    text = "".join(line for cell in lesson["cells"] if cell["cell_type"] == "markdown" for line in cell["source"])
    papers = {"1605.08803", "1807.03039", "1906.04032", "1806.07366", "1810.01367", "2210.02747"}
    assert set(re.findall(r"https://arxiv\.org/abs/([\d.]+)", text)) == papers
    for link in re.findall(r"\]\(([^):]+)\)", text):
        assert (LESSON.parent / link).exists(), link


@pytest.mark.slow
def test_it_runs_and_gives_what_it_shows(lesson: dict[str, Any]) -> None:
    """On another machine the figures may differ in their last digits, so words and the number of lines must agree."""
    cells = code_cells(lesson)
    with workplace():
        for cell, outputs in zip(cells, run_cells(cells), strict=True):
            assert [output["output_type"] for output in outputs] == [o["output_type"] for o in cell["outputs"]]
            words, shown = (re.sub(r"[-\d.#% ]+", "", _prints(side)) for side in (outputs, cell["outputs"]))
            assert words == shown, cell["id"]
