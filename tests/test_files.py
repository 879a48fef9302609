"""Files that are written whole or not at all, and temporary files."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from conftest import ROOT

from flowgif.errors import UnusableInput
from flowgif.files import check_folder, check_writable, report_os_errors, spool, staged_folder, write_atomically


def test_a_file_is_replaced_whole_or_left_alone(tmp_path: Path) -> None:
    out = tmp_path / "out.txt"
    write_atomically(out, lambda beside: beside.write_text("one"))
    assert out.read_text() == "one"

    def fail(beside: Path) -> None:
        beside.write_text("two")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_atomically(out, fail)
    assert out.read_text() == "one"
    assert list(tmp_path.iterdir()) == [out]


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


def test_the_systems_errors_become_a_line(tmp_path: Path) -> None:
    with pytest.raises(UnusableInput) as caught, report_os_errors(Path("out"), "choose another --out"):
        (tmp_path / "none" / "file").touch()
    assert str(caught.value) == "cannot write out: No such file or directory; choose another --out"


def test_places_that_cannot_be_written_are_told_before(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    check_writable(tmp_path / "new.txt")
    check_folder(tmp_path / "new" / "deep")
    for check, place, message in (
        (check_writable, tmp_path, "it is a folder"),
        (check_writable, tmp_path / "none" / "a.txt", "there is no folder"),
        (check_folder, tmp_path / "file" / "folder", "is a file"),
    ):
        with pytest.raises(UnusableInput, match=message):
            check(place)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


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
from flowgif.files import spool

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
