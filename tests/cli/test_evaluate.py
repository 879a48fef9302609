"""``flowgif eval``: its files and its progress; tests/cli/test_commands.py has its report and its bounds."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import FLOWGIF, Finished
from terminal import in_terminal

from flowgif.evaluation import figures, plots

PLOTS = ["loss.png", "before-after.png", "layers.png", "grid.png", "density.png", "steps.png"]


def test_plots_are_written_and_reported(
    moons: Path, tmp_path: Path, run_here: Callable[..., Finished], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(figures, "LATTICE", 16)
    done = run_here("eval", moons, "--plots", "pictures", "--json", cwd=tmp_path)
    assert done.code == 0, done.err
    assert json.loads(done.out)["plots"] == [f"pictures/{name}" for name in PLOTS]
    assert sorted(path.name for path in (tmp_path / "pictures").iterdir()) == sorted(PLOTS)
    monkeypatch.setattr(plots, "PLOTS", plots.PLOTS[:2])
    again = run_here("eval", moons, "--plots", "pictures", "--quiet", cwd=tmp_path)
    assert re.search(r"^plots +pictures: loss.png, before-after.png$", again.out, re.MULTILINE)
    assert again.err == ""


def test_a_terminal_shows_how_many_plots_are_drawn(moons: Path, tmp_path: Path) -> None:
    with in_terminal([FLOWGIF, "eval", moons, "--plots", "pictures"], 60, tmp_path) as terminal:
        screen, out = terminal.finish()
    assert re.search(r"^plots +pictures: loss.png, before-after.png", out, re.MULTILINE)
    assert screen.text == ""
    assert screen.has_cursor
    assert screen.most_rows == 1
    assert any(re.match(r"drawing the plots \.\.\. [━╸╺]{12} ", line) for line in screen.seen), screen.seen


def test_samples_are_written_and_reported(moons: Path, tmp_path: Path, run_here: Callable[..., Finished]) -> None:
    done = run_here("eval", moons, "--json", "--save-samples", 70, "points.csv", "--seed", 3, cwd=tmp_path)
    assert done.code == 0, done.err
    assert json.loads(done.out)["samples"] == "points.csv"
    assert len((tmp_path / "points.csv").read_text().splitlines()) == 71
    again = run_here("eval", moons, "--save-samples", 70, "again.csv", "--seed", 3, cwd=tmp_path)
    assert re.search(r"^samples +again.csv: 70 points$", again.out, re.MULTILINE)
    assert (tmp_path / "again.csv").read_bytes() == (tmp_path / "points.csv").read_bytes()


def test_a_wrong_suffix_of_samples_is_found_before_the_run_is_opened(
    tmp_path: Path, run_here: Callable[..., Finished]
) -> None:
    done = run_here("eval", "no-run", "--save-samples", 70, "points.txt", cwd=tmp_path)
    assert done.code == 2
    assert len(done.err.splitlines()) == 1
    assert ".npy" in done.err
    assert done.out == ""
