"""The tables hold the medians of the results, and a quick result is never shown."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import report
from common import results
from tables.markdown import Missing, as_gap, as_seconds, load, table
from tables.peers import peers

CALL: dict[str, Any] = {
    "date": "2024-02-03T04:05:06+00:00",
    "machine": {"processor": "an abacus", "cores": 2},
    "versions": {"python": "3.11.1", "torch": "2.13.0"},
    "commit": "0123456789ab",
    "arithmetics": {"AVX2": {}},
}


def _write(folder: Path, part: str, rows: list[dict[str, Any]], quick: bool = False) -> None:
    content = {"part": part, "quick": quick, "calls": [CALL], "rows": rows}
    (folder / f"{part}.json").write_text(json.dumps(content))


def _command(seconds: float, **more: float) -> dict[str, float]:
    return {"seconds": seconds, "megabytes": 300.0, **more}


def _cat(seconds: float, gap: float) -> dict[str, Any]:
    return {
        "call": 0,
        "train": _command(seconds),
        "eval": _command(2.5, gap=gap),
        "points": _command(2.25, megabytes_of_file=1.0),
        "density": _command(3.75, megabytes_of_file=0.5),
    }


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(results, "RESULTS", tmp_path)
    return tmp_path


def test_a_table_shows_the_medians_and_where_they_come_from(folder: Path) -> None:
    repeats = [_cat(9.0, 0.002), _cat(30.0, 0.001), _cat(11.25, 0.0012), {"call": 0, "failed": "no memory"}]
    _write(folder, "commands", [{"key": {"picture": "cat", "arithmetic": "AVX2"}, "repeats": repeats}])
    text = report.BLOCKS["commands"]()
    assert "| 11.2 s | .0012 | 2.2 s | 1.00 MB | 3.8 s | 0.50 MB | 2.5 s |" in text
    assert "an abacus, 2 cores, AVX2, Python 3.11.1, torch 2.13.0; medians of 3; flowgif at 0123456789ab" in text
    assert "| train on the cat, a silhouette of 400x400 pixels | 11.2 s, gap .0012 |" in report.BLOCKS["summary"]()


def test_a_quick_result_is_not_shown(folder: Path) -> None:
    row = {"key": {"picture": "cat", "arithmetic": "AVX2"}, "repeats": [_cat(9.0, 0.002)]}
    _write(folder, "commands", [row], quick=True)
    with pytest.raises(Missing):
        load("commands")


def test_peers_stand_in_one_table_with_their_gap_and_time(folder: Path) -> None:
    ours = {"library": "flowgif", "flow": "ffjord", "target": "cat", "seconds": 20, "arithmetic": "AVX2"}
    theirs = {**ours, "library": "zuko", "flow": "NSF"}
    broken = {**ours, "library": "zuko", "flow": "CNF"}
    _write(
        folder,
        "peers",
        [
            {"key": ours, "repeats": [{"call": 0, **_command(20.25), "eval": _command(2.0, gap=0.0004)}]},
            {"key": theirs, "repeats": [{"call": 0, **_command(24.5), "gap": 0.02}]},
            {"key": broken, "repeats": [{"call": 0, **_command(24.5), "error": "not finite"}]},
        ],
    )
    text = peers()
    assert "| flowgif ffjord | .0004 in 20.2 s |" in text
    assert "| zuko NSF | .0200 in 24.5 s |" in text
    assert "| zuko CNF | failed, 24.5 s |" in text


def test_a_stale_figure_is_found(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "repository"
    (place / "docs").mkdir(parents=True)
    monkeypatch.setattr(report, "ROOT", place)
    monkeypatch.setattr(report, "DOCUMENTS", ("docs/page.md",))
    row = {
        "key": {"kind": "command", "what": "--help", "arithmetic": "AVX2"},
        "repeats": [{"call": 0, **_command(0.5)}],
    }
    _write(folder, "startup", [row])
    page = place / "docs" / "page.md"
    page.write_text("text\n<!-- bench:startup -->\n<!-- /bench -->\nmore\n")
    assert [*report.find_differences()]
    report.write()
    assert "| `flowgif --help` | 0.50 | 300 MB |" in page.read_text()
    assert page.read_text().startswith("text\n")
    assert page.read_text().endswith("\nmore\n")
    assert not [*report.find_differences()]
    page.write_text(page.read_text().replace("0.50", "0.40"))
    assert [*report.find_differences()]


def test_figures_are_written_as_the_documents_write_them() -> None:
    assert [as_gap(value) for value in (0.00123, 0.392, -0.0001, 1.25)] == [".0012", ".392", "-.0001", "1.250"]
    assert [as_seconds(value) for value in (0.181, 25.44, 113.2)] == ["0.18", "25.4", "113"]
    assert table(["", "b"], [["", "2"]]) == "| | b |\n|---|---|\n| | 2 |"
