"""Writes files whole or not at all, and several of them together."""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import stat
import time
from collections.abc import Callable, Collection, Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from flowgif.errors import UnusableInput
from flowgif.files.locks import Lock
from flowgif.files.temporary import remove_leftovers, staged_file, staged_folder, temporary_folder

__all__ = [
    "check_folder",
    "check_writable",
    "report_os_errors",
    "settle",
    "sync",
    "write_atomically",
    "written_together",
]

# A folder of files that are to take their places, all written. Its name says when it was made.
COMMITTED = re.compile(r"\.flowgif-done-\d{20}-\d+-[0-9a-f]{16}")
REMOVED = "removed.json"  # in such a folder: a list of the names of files that are to go
PATIENCE = 5.0  # seconds to wait for the process that is moving files to their places


def write_atomically(path: Path, write: Callable[[Path], object]) -> int:
    """Lets ``write`` fill a file beside ``path``, then moves it to ``path``.

    A link is followed, and a file that was there keeps its mode. A pipe or device is given the bytes.

    Returns:
        The number of bytes.

    Raises:
        UnusableInput: the place cannot be written.
    """
    with report_os_errors(path):
        if _is_special(path):
            return _write_through(path, write)
        place = _place_of(path)
        remove_leftovers(place.parent)
        with staged_file(place, path.suffix) as (beside, descriptor):
            write(beside)
            size = beside.stat().st_size
            _keep_mode(place, beside)
            _sync_file(descriptor)
            beside.replace(place)
            sync(place.parent)
    return size


@contextmanager
def written_together(folder: Path, removed: Collection[str] = ()) -> Generator[Path]:
    """Makes a folder for files that all take their places in another one at the end, or none; even after a power cut.

    At the end, a new name of the inner folder says that its files are complete. From that moment on they are the outer
    folder's: :func:`settle` moves them to their places if this process is killed before it has.

    Args:
        folder: the outer folder, which is there.
        removed: names of files in it that are to go.

    Yields:
        The inner folder, to be filled.

    Raises:
        OSError: something cannot be written; see :func:`report_os_errors`.
    """
    with staged_folder(folder) as stage:
        yield stage
        for file in stage.iterdir():
            _keep_mode(folder / file.name, file)
            with file.open("r+b") as filled:
                _sync_file(filled.fileno())
        if removed:
            (stage / REMOVED).write_text(json.dumps(sorted(removed)), encoding="utf-8")
        sync(stage)
        token = stage.name.removeprefix(".flowgif-")
        complete = stage.with_name(f".flowgif-done-{time.time_ns():020d}-{token}")
        stage.rename(complete)
        sync(folder)
        _move_to_their_places(complete)


def settle(folder: Path) -> None:
    """Puts a folder in order: finishes what :func:`written_together` began there, and removes what was left.

    Where another process is just doing that, it waits.

    Raises:
        UnusableInput: files are complete, but cannot be moved to their places.
    """
    remove_leftovers(folder)
    deadline = time.monotonic() + PATIENCE
    while waiting := _find_committed(folder):
        for complete in waiting:
            # Its process may be moving the files, or have moved them by now.
            with (
                report_os_errors(folder, "make it writable"),
                suppress(BlockingIOError, FileNotFoundError),
                Lock.take(complete),
            ):
                _move_to_their_places(complete)
        if time.monotonic() > deadline:
            raise UnusableInput(f"{folder} is being written by another process; try again when that has ended")
        if _find_committed(folder):
            time.sleep(0.01)


def _find_committed(folder: Path) -> list[Path]:
    """Returns the folders in a folder whose files are to take their places, the oldest first."""
    found: list[Path] = []
    with suppress(OSError):
        found = sorted(path for path in folder.iterdir() if COMMITTED.fullmatch(path.name))
    return [path for path in found if not path.is_symlink() and path.is_dir()]


def _move_to_their_places(complete: Path) -> None:
    """Moves complete files to the folder around theirs; may be repeated after it was broken off."""
    folder, removed = complete.parent, complete / REMOVED
    names = sorted(path.name for path in complete.iterdir())
    if REMOVED in names:
        for name in _read_names(removed):
            (folder / name).unlink(missing_ok=True)
    for name in names:
        if name != REMOVED and stat.S_ISREG((complete / name).lstat().st_mode):
            (complete / name).replace(folder / name)
    sync(folder)
    removed.unlink(missing_ok=True)
    shutil.rmtree(complete, ignore_errors=True)


def _read_names(path: Path) -> list[str]:
    """Returns the names in a list of names; those of other folders are left out."""
    try:
        names: Any = json.loads(path.read_bytes()) if stat.S_ISREG(path.lstat().st_mode) else []
    except (OSError, ValueError, RecursionError):
        return []
    known = [name for name in names if isinstance(name, str)] if isinstance(names, list) else []
    return [name for name in known if name == Path(name).name and name not in {"", ".", ".."} and "\0" not in name]


def sync(folder: Path) -> None:
    """Makes sure that a folder's names survive a power cut, where the system can."""
    if os.name == "nt":
        return
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextmanager
def report_os_errors(path: Path, remedy: str = "choose another place") -> Generator[None]:
    """Turns the operating system's errors into one line for the user.

    Args:
        path: the file or folder that the line names.
        remedy: advice for the user.

    Raises:
        UnusableInput: the system refused something.
    """
    try:
        yield
    except OSError as error:
        raise UnusableInput(f"cannot write {path}: {error.strerror or error}; {remedy}") from None


def check_writable(path: Path) -> None:
    """Checks in advance that a file can be written to a path.

    Raises:
        UnusableInput: it cannot.
    """
    if path.is_dir():
        raise UnusableInput(f"cannot write {path}: it is a folder; name a file in it")
    if _is_special(path):
        if not os.access(path, os.W_OK):
            raise UnusableInput(f"cannot write {path}: {os.strerror(errno.EACCES)}; choose another place")
        return
    place = _place_of(path)
    if not place.parent.is_dir():
        raise UnusableInput(f"cannot write {path}: there is no folder {place.parent}; create it first")
    with report_os_errors(path), staged_file(place):
        pass


def check_folder(folder: Path) -> None:
    """Checks in advance that files can be written to a folder, which need not exist yet.

    Raises:
        UnusableInput: they cannot.
    """
    existing = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not existing.is_dir():
        raise UnusableInput(f"cannot write to {folder}: {existing} is a file; name a folder")
    with report_os_errors(folder), staged_file(existing / "probe"):
        pass


def _place_of(path: Path) -> Path:
    """Returns the file that is written for a path: of a link, that which it leads to."""
    return Path(os.path.realpath(path)) if path.is_symlink() else path


def _is_special(path: Path) -> bool:
    """Whether a path is a pipe, a device or a socket, which cannot be replaced."""
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def _sync_file(descriptor: int) -> None:
    """Makes sure that a file's content survives a power cut, where the file system can."""
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in {errno.EINVAL, errno.ENOTSUP}:
            raise


def _write_through(path: Path, write: Callable[[Path], object]) -> int:
    """Writes a file elsewhere, and gives its bytes to a pipe or device; returns their number."""
    with temporary_folder() as folder:
        copy = folder / f"content{path.suffix}"
        write(copy)
        with copy.open("rb") as source, path.open("wb") as sink:
            shutil.copyfileobj(source, sink)
        return copy.stat().st_size


def _keep_mode(before: Path, after: Path) -> None:
    """Gives a file the mode of the one that it replaces, if there is one."""
    with suppress(OSError):
        mode = before.lstat().st_mode
        if stat.S_ISREG(mode):
            after.chmod(stat.S_IMODE(mode))
