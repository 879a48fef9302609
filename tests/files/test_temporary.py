"""Temporary files and folders, and what killed programs leave of them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from conftest import ROOT

from flowgif.errors import UnusableInput
from flowgif.files.temporary import remove_leftovers, spool, staged_file, staged_folder, temporary_folder

posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such files")


def test_a_stage_is_in_its_folder_or_beside_where_that_will_be(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    for place, parent in (("there", tmp_path / "there"), ("new", tmp_path), ("deep/new", tmp_path / "deep")):
        with staged_folder(tmp_path / place) as stage:
            assert stage.is_dir()
            assert stage.parent == parent
            (stage / "file").write_text("x")
        assert not stage.exists()


def test_a_stage_is_removed_after_a_failure_and_may_be_moved(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), staged_folder(tmp_path / "new"):
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []
    with staged_folder(tmp_path / "new") as stage:
        (stage / "file").write_text("x")
        stage.replace(tmp_path / "new")
    assert (tmp_path / "new" / "file").read_text() == "x"
    assert [path.name for path in tmp_path.iterdir()] == ["new"]


def test_names_cannot_be_foretold(tmp_path: Path) -> None:
    with staged_file(tmp_path / "a", ".gif") as (first, _), staged_file(tmp_path / "a", ".gif") as (second, _):
        assert first != second
        assert first.suffix == second.suffix == ".gif"
        assert first.parent == tmp_path
    assert list(tmp_path.iterdir()) == []


_KILLED = """
import os, signal, sys
from pathlib import Path
from flowgif.files.temporary import staged_file, staged_folder
with staged_file(Path(sys.argv[1], "a")) as (file, _), staged_folder(Path(sys.argv[1])) as folder:
    file.write_text("half")
    (folder / "b").write_text("half")
    print("ready", flush=True)
    sys.stdin.read()
"""


@posix
def test_what_a_killed_process_left_is_removed_once_it_is_gone(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", _KILLED, tmp_path], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    process.stdout.readline()
    (tmp_path / ".flowgif-notes").write_text("mine")
    (tmp_path / ".flowgif-1.gif").write_text("of an earlier version")
    os.mkfifo(tmp_path / ".flowgif-2")
    remove_leftovers(tmp_path)
    assert len(list(tmp_path.iterdir())) == 4  # those of the living process, the notes and the pipe
    process.send_signal(signal.SIGKILL)
    process.communicate()
    remove_leftovers(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {".flowgif-notes", ".flowgif-2"}


@posix
def test_a_temporary_folder_is_for_its_user_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with temporary_folder() as folder:
        assert folder.parent == tmp_path
        assert folder.stat().st_mode & 0o077 == 0
    assert list(tmp_path.iterdir()) == []


def test_what_is_kept_comes_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    parts = [bytes([i]) * 1000 * i for i in range(1, 20)]
    with spool("numbers") as store:
        starts = [store.append(part) for part in parts]
        for part, start in reversed(list(zip(parts, starts, strict=True))):
            assert store.read(start, len(part)) == part
        assert store.append(b"more") == sum(map(len, parts))
    assert list(tmp_path.iterdir()) == []
    store.close()
    with pytest.raises(ValueError, match="closed"):
        store.read(0, 1)


def test_a_missing_temporary_folder_is_told_with_the_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "none"))
    with pytest.raises(UnusableInput) as caught:
        spool("positions")
    assert str(caught.value) == (
        f"cannot keep positions in {tmp_path / 'none'}: No such file or directory; set TMPDIR to another folder"
    )


_FULL = """
import resource, signal
from flowgif.errors import UnusableInput
from flowgif.files.temporary import spool

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
with spool("positions") as store:
    try:
        for _ in range(100):
            store.append(bytes(9_000))
    except UnusableInput as error:
        print(error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no limit of a file's size")
def test_a_full_disk_is_told_with_the_remedy() -> None:
    done = subprocess.run([sys.executable, "-c", _FULL], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("cannot keep positions in ")
    assert done.stdout.endswith("; set TMPDIR to another folder\n")
    assert done.stderr == ""
