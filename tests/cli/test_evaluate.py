"""``flowgif eval``: its files and its progress; tests/cli/test_commands.py has its report and its bounds."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import Finished
from terminal import in_terminal
from threadpoolctl import threadpool_info, threadpool_limits

from flowgif.evaluation import gap, plots

# Two of the plots; tests/evaluation/test_plots.py draws all of them.
TWO = """
from flowgif.evaluation import plots
plots.PLOTS = plots.PLOTS[:2]
from flowgif.__main__ import main
main()
"""
NAMES = ["loss.png", "before-after.png"]


def test_plots_are_written_and_reported(
    moons: Path, tmp_path: Path, run_here: Callable[..., Finished], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plots, "PLOTS", plots.PLOTS[:2])
    done = run_here("eval", moons, "--plots", "pictures", "--json", cwd=tmp_path)
    assert done.code == 0, done.err
    assert json.loads(done.out)["plots"] == [f"pictures/{name}" for name in NAMES]
    assert sorted(path.name for path in (tmp_path / "pictures").iterdir()) == sorted(NAMES)
    again = run_here("eval", moons, "--plots", "pictures", "--quiet", cwd=tmp_path)
    assert re.search(r"^plots +pictures: loss.png, before-after.png$", again.out, re.MULTILINE)
    assert again.err == ""


@pytest.mark.slow
def test_a_terminal_shows_how_many_plots_are_drawn(moons: Path, tmp_path: Path) -> None:
    with in_terminal([sys.executable, "-c", TWO, "eval", moons, "--plots", "pictures"], 60, tmp_path) as terminal:
        screen, out = terminal.finish()
    assert re.search(r"^plots +pictures: loss.png, before-after.png$", out, re.MULTILINE)
    assert screen.text == ""
    assert screen.has_cursor
    assert screen.most_rows == 1
    assert any(re.match(r"drawing the plots \.\.\. [━╸╺]{12}  50%", line) for line in screen.seen), screen.seen


def test_samples_are_written_and_reported(moons: Path, tmp_path: Path, run_here: Callable[..., Finished]) -> None:
    done = run_here("eval", moons, "--json", "--save-samples", 70, "points.csv", "--seed", 3, cwd=tmp_path)
    assert done.code == 0, done.err
    assert json.loads(done.out)["samples"] == "points.csv"
    assert len((tmp_path / "points.csv").read_text().splitlines()) == 71
    again = run_here("eval", moons, "--save-samples", 70, "again.csv", "--seed", 3, cwd=tmp_path)
    assert re.search(r"^samples +again.csv: 70 points$", again.out, re.MULTILINE)
    assert (tmp_path / "again.csv").read_bytes() == (tmp_path / "points.csv").read_bytes()


def test_products_of_numpy_use_one_thread(
    moons: Path, tmp_path: Path, run_here: Callable[..., Finished], monkeypatch: pytest.MonkeyPatch
) -> None:
    counts, evaluate = set[int](), gap.evaluate

    def count_and_evaluate(*args: Any) -> gap.Report:
        counts.update(pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas")
        return evaluate(*args)

    monkeypatch.setattr(gap, "evaluate", count_and_evaluate)
    with threadpool_limits(2, user_api="blas"):
        assert run_here("eval", moons, "--quiet", cwd=tmp_path).code == 0
    assert counts == {1}


def test_a_wrong_suffix_of_samples_is_found_before_the_run_is_opened(
    tmp_path: Path, run_here: Callable[..., Finished]
) -> None:
    done = run_here("eval", "no-run", "--save-samples", 70, "points.txt", cwd=tmp_path)
    assert done.code == 2
    assert len(done.err.splitlines()) == 1
    assert ".npy" in done.err
    assert done.out == ""
