"""A lock is held by one process, and ends with it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT

from flowgif.files.locks import Lock

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such locks")

_HOLDING = """
import sys
from pathlib import Path
from flowgif.files.locks import Lock
lock = Lock.take(Path(sys.argv[1]))
print("ready", flush=True)
sys.stdin.read()
"""


def test_a_lock_ends_with_its_process(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", _HOLDING, tmp_path], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    process.stdout.readline()
    with pytest.raises(BlockingIOError):
        Lock.take(tmp_path)
    process.kill()
    process.communicate()
    with Lock.take(tmp_path) as lock:
        assert lock.is_certain
        with pytest.raises(BlockingIOError):
            Lock.take(tmp_path)
    Lock.take(tmp_path).close()


def test_a_link_is_not_locked(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    with pytest.raises(OSError, match="link"):
        Lock.take(tmp_path / "link")
