"""A process that trains again and again needs no more memory."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT

_TRAINING = """
import os, sys
from pathlib import Path
from flowgif import session
from flowgif.config.reading import read_config

PAGE = os.sysconf("SC_PAGE_SIZE")
flags = {
    "target": {"img": sys.argv[1], "max_side": 48},
    "model": {"name": "ffjord", "network": "fourier", "features": 8, "width": 8, "depth": 1},
    "training": {"steps": 2, "batch_size": 16},
}
for number in range(200):
    session.train(read_config(None, flags), Path("run"), force=True)
    if number + 1 in {50, 200}:
        print(int(Path("/proc/self/statm").read_text().split()[1]) * PAGE, flush=True)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux says in this way how much memory a process has")
def test_two_hundred_trainings_take_the_memory_of_fifty(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _TRAINING, ROOT / "imgs" / "cat.png"],
        cwd=tmp_path, env={**os.environ, "OMP_NUM_THREADS": "2"},
        capture_output=True, text=True, check=True, timeout=600,
    )  # fmt: skip
    before, after = map(int, done.stdout.split())
    assert after < 1.05 * before
