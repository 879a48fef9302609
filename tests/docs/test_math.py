"""What the documentation says of the code is so."""

from __future__ import annotations

import re

import pytest
from conftest import ROOT

ROWS = re.findall(r"^\| .+ \| `(flowgif/\S+\.py)` \| `(.+)` \|$", (ROOT / "docs" / "math.md").read_text("utf-8"), re.M)


def test_the_table_of_formulas_is_read() -> None:
    assert len(ROWS) > 12


@pytest.mark.parametrize(("path", "line"), ROWS, ids=[line[:40] for _, line in ROWS])
def test_each_formula_stands_where_the_documentation_says(path: str, line: str) -> None:
    assert (ROOT / path).read_text("utf-8").count(line) >= 1
