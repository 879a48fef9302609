"""A command that is killed before any of its operations on files leaves what was there or what it makes, whole."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform == "win32", reason="nothing forks there")]


@pytest.mark.parametrize("scenario", ["new", "force", "resume", "animate", "frames"])
def test_it_is_whole_before_or_whole_after(scenario: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "tests" / "killing.py", scenario, tmp_path / "work"],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["wrong"] == []
    assert result["operations"] >= 5
