"""The benchmark's command measures a part, keeps every repeat, and goes on where it was interrupted."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from common.measure import run_program
from common.results import Results, find, median
from conftest import ROOT

BENCH = ROOT / "benchmarks" / "bench.py"


def _bench(*options: object) -> str:
    words = [sys.executable, str(BENCH), *map(str, options)]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_quick_part_writes_its_results_with_their_circumstances(tmp_path: Path) -> None:
    _bench("--quick", "--only", "startup", "--folder", tmp_path)
    content: dict[str, Any] = json.loads((tmp_path / "startup.json").read_text())
    assert content["part"] == "startup"
    assert content["quick"] is True
    (call,) = content["calls"]
    assert {"date", "command", "machine", "versions", "commit", "arithmetics", "threads"} <= call.keys()
    assert {"torch", "numpy", "python"} <= call["versions"].keys()
    helped, nothing = (find(content, what=what) for what in ("--help", "nothing"))
    assert helped
    for row in content["rows"]:
        assert all(repeat["seconds"] > 0 and repeat["megabytes"] > 0 for repeat in row["repeats"])
    # The benchmark's own process must be small: a program's peak is at least the memory of the process that starts it.
    # A bare interpreter takes 10 MB, the benchmark 23 MB, and torch alone would take 200 MB.
    assert median(nothing[0], "megabytes") < 60


@pytest.mark.slow
@pytest.mark.parametrize(
    ("part", "match"),
    [
        ("commands", ""),
        ("targets", ""),
        ("memory", ""),
        ("size", ""),
        ("frames", ""),
        ("animation", ""),
        ("scaling", ""),
        ("tuning", "zuko-nsf rate 0.001"),
        ("peers", "flowgif spline cat"),
        ("experiments", "spline-cat"),
    ],
)
def test_every_part_runs(part: str, match: str, tmp_path: Path) -> None:
    _bench("--quick", "--only", part, "--match", match, "--folder", tmp_path)
    rows = json.loads((tmp_path / f"{part}.json").read_text())["rows"]
    assert rows
    assert [repeat["failed"] for row in rows for repeat in row["repeats"] if "failed" in repeat] == []


def test_a_result_is_kept_after_every_repeat_and_a_later_call_adds_to_it(tmp_path: Path) -> None:
    path = tmp_path / "part.json"
    first = Results(path, "part", {"date": "today"}, quick=False, go_on=False)
    first.add({"what": "a"}, {"seconds": 1.0})
    first.add({"what": "a"}, {"seconds": 3.0})
    first.add({"what": "a"}, {"failed": "no memory"})
    later = Results(path, "part", {"date": "tomorrow"}, quick=False, go_on=True)
    assert later.count({"what": "a"}) == 2
    assert later.count({"what": "b"}) == 0
    later.add({"what": "a"}, {"seconds": 8.0})
    content = json.loads(path.read_text())
    (row,) = content["rows"]
    assert [(repeat["call"], repeat["seconds"]) for repeat in row["repeats"]] == [(0, 1.0), (0, 3.0), (1, 8.0)]
    assert median(row, "seconds") == 3.0
    assert Results(path, "part", {}, quick=False, go_on=False).count({"what": "a"}) == 0


def test_a_program_is_measured_by_its_wall_time_processor_time_and_memory() -> None:
    timed = run_program(
        [sys.executable, "-c", "import time; time.sleep(0.2); x = bytearray(300 * 2**20); print('done')"]
    )
    assert timed.out == "done\n"
    assert timed.seconds >= 0.2
    assert timed.cpu > 0
    assert timed.megabytes >= 300


def test_a_failing_program_says_what_it_said() -> None:
    with pytest.raises(Exception, match="no such thing"):
        run_program([sys.executable, "-c", "raise SystemExit('no such thing')"])
