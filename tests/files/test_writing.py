"""Files that are written whole or not at all, alone or together."""

from __future__ import annotations

import os
import stat
import sys
import threading
from pathlib import Path

import pytest

from flowgif.errors import UnusableInput
from flowgif.files.locks import Lock
from flowgif.files.writing import (
    check_folder,
    check_writable,
    report_os_errors,
    settle,
    write_atomically,
    written_together,
)

posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such files")


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


def test_the_number_of_bytes_is_returned(tmp_path: Path) -> None:
    assert write_atomically(tmp_path / "a", lambda beside: beside.write_bytes(bytes(7))) == 7


@posix
def test_a_link_is_written_through_and_a_mode_is_kept(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    real, link = tmp_path / "deep" / "real.gif", tmp_path / "link.gif"
    real.write_text("old")
    real.chmod(0o640)
    link.symlink_to(real)
    write_atomically(link, lambda beside: beside.write_text("new"))
    assert link.is_symlink()
    assert real.read_text() == "new"
    assert stat.S_IMODE(real.stat().st_mode) == 0o640
    dangling = tmp_path / "dangling.gif"
    dangling.symlink_to(tmp_path / "deep" / "none.gif")
    check_writable(dangling)
    write_atomically(dangling, lambda beside: beside.write_text("there"))
    assert (tmp_path / "deep" / "none.gif").read_text() == "there"


@posix
def test_a_new_file_has_the_mode_that_the_users_mask_gives(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_atomically(tmp_path / "a", lambda beside: beside.write_text("x"))
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o640


@posix
def test_a_pipe_is_given_the_bytes(tmp_path: Path) -> None:
    pipe, received = tmp_path / "pipe.gif", list[bytes]()
    os.mkfifo(pipe)
    check_writable(pipe)
    reader = threading.Thread(target=lambda: received.append(pipe.read_bytes()))
    reader.start()
    assert write_atomically(pipe, lambda beside: beside.write_bytes(b"GIF")) == 3
    reader.join(10)
    assert received == [b"GIF"]
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert write_atomically(Path(os.devnull), lambda beside: beside.write_bytes(b"GIF")) == 3


@posix
def test_a_link_that_lies_in_wait_is_not_followed(tmp_path: Path) -> None:
    """Names of earlier versions could be foretold, so somebody could lay a link there."""
    precious = tmp_path / "precious"
    precious.write_text("mine")
    for name in (f".flowgif-{os.getpid()}", f".flowgif-{os.getpid()}.txt"):
        (tmp_path / name).symlink_to(precious)
    write_atomically(tmp_path / "out.txt", lambda beside: beside.write_text("new"))
    check_folder(tmp_path)
    assert precious.read_text() == "mine"


def test_files_take_their_places_together(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / name).write_text("old")
    with written_together(tmp_path, removed=["c", "d"]) as stage:
        (stage / "a").write_text("new")
        (stage / "e").write_text("new")
        assert (tmp_path / "a").read_text() == "old"
    found = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert found == {"a": "new", "b": "old", "e": "new"}


def test_files_that_are_not_complete_change_nothing(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("old")

    def fail() -> None:
        with written_together(tmp_path) as stage:
            (stage / "a").write_text("new")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"a": "old"}


_COMPLETE = ".flowgif-done-00000000000000000001-1-0123456789abcdef"


def test_what_a_killed_process_has_completed_is_finished(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("old")
    (tmp_path / "b").write_text("old")
    complete = tmp_path / _COMPLETE
    complete.mkdir()
    (complete / "a").write_text("new")
    (complete / "removed.json").write_text('["b"]')
    with Lock.take(complete) as lock:
        if lock.is_certain:  # the process that completed it is alive
            threading.Timer(0.3, lock.close).start()
        settle(tmp_path)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"a": "new"}


@posix
def test_what_a_stranger_completed_reaches_nothing_outside(tmp_path: Path) -> None:
    (tmp_path / "outside").write_text("mine")
    folder = tmp_path / "run"
    complete = folder / _COMPLETE
    complete.mkdir(parents=True)
    (complete / "removed.json").write_text('["../outside", "..", "", 3, "x\\u0000", "."]')
    (complete / "link").symlink_to(tmp_path / "outside")
    settle(folder)
    assert (tmp_path / "outside").read_text() == "mine"
    assert list(folder.iterdir()) == []
    complete.symlink_to(tmp_path)
    settle(folder)
    assert (tmp_path / "outside").read_text() == "mine"
