"""Temporary files and folders beside what they become, and what killed programs left of them.

A temporary file is locked by its process. So a lock that can be taken shows that the process is gone, also on another
machine or in another container, where process numbers would mean nothing.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import stat
import tempfile
from collections.abc import Generator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO, Self

from flowgif.errors import UnusableInput
from flowgif.files.locks import Lock

__all__ = ["Spool", "remove_leftovers", "spool", "staged_file", "staged_folder", "temporary_folder"]

# Earlier versions had names without the last part.
LEFTOVER = re.compile(r"\.flowgif-\d+(-[0-9a-f]{16})?(\.[^./]+)?")
ATTEMPTS = 20  # at a name that nobody else has, and whose file nobody removes before it is locked


@contextmanager
def staged_file(place: Path, suffix: str = "") -> Generator[tuple[Path, int]]:
    """Makes an empty file that takes the place of another later; removes it at the end if it is still there.

    Args:
        place: the file whose place it takes; the new one is beside it, so that it can be moved there in one step.
        suffix: of the new file's name.

    Yields:
        Its path, and a descriptor of it.

    Raises:
        OSError: it cannot be made.
    """
    flags = os.O_CREAT | os.O_EXCL | os.O_RDWR | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
    for attempt in range(ATTEMPTS):
        beside = place.parent / _hidden_name(suffix)
        try:
            descriptor = os.open(beside, flags, 0o666)
            lock = Lock.of(descriptor)
        except (FileExistsError, BlockingIOError):
            if attempt == ATTEMPTS - 1:
                raise
            continue
        if beside.exists():  # else another process took it for a leftover before it was locked
            break
        lock.close()
    else:
        raise FileNotFoundError(None, "temporary files vanish", str(place))
    with lock:
        try:
            yield beside, descriptor
        finally:
            with suppress(FileNotFoundError):
                beside.unlink()


@contextmanager
def staged_folder(place: Path, mode: int = 0o777) -> Generator[Path]:
    """Makes a folder for files that take their places only when all of them are written; removes it at the end.

    Args:
        place: the folder that the files are for. The new one is in it, or beside it if there is no such folder yet, so
            that files, or the new folder as a whole, can be moved there without copying.
        mode: who may do what with it, less what the user's mask takes away.

    Yields:
        The new folder's path.

    Raises:
        OSError: it cannot be made.
    """
    parent = place if place.is_dir() else place.parent
    parent.mkdir(parents=True, exist_ok=True)
    stage, lock = _make_locked(parent, mode)
    with lock:
        try:
            yield stage
        finally:
            shutil.rmtree(stage, ignore_errors=True)


def _make_locked(parent: Path, mode: int) -> tuple[Path, Lock]:
    """Makes a hidden folder in another one, and locks it."""
    attempt = 1
    while True:
        stage = parent / _hidden_name()
        try:
            stage.mkdir(mode)
            return stage, Lock.take(stage)
        except (FileExistsError, FileNotFoundError, BlockingIOError):
            # Another process took it for a leftover before it was locked; or there is no folder to make it in.
            if attempt == ATTEMPTS or not parent.is_dir():
                raise
        attempt += 1


@contextmanager
def temporary_folder() -> Generator[Path]:
    """Makes a folder in the system's folder for temporary files, for this user alone; removes it at the end.

    Raises:
        UnusableInput: it cannot be made.
    """
    with ExitStack() as stack:
        with _report_no_room("files"):
            folder = stack.enter_context(staged_folder(Path(tempfile.gettempdir()), mode=0o700))
        yield folder


def remove_leftovers(folder: Path) -> None:
    """Removes the temporary files and folders of programs that were killed from a folder, as far as it can."""
    with suppress(OSError):
        for entry in list(os.scandir(folder)):
            if LEFTOVER.fullmatch(entry.name):
                _remove_leftover(Path(entry.path))


def _remove_leftover(path: Path) -> None:
    """Removes a temporary file or folder unless its process is alive, or it is someone else's."""
    with suppress(OSError):
        found = path.lstat()
        if hasattr(os, "geteuid") and found.st_uid != os.geteuid():
            return
        if not (stat.S_ISREG(found.st_mode) or stat.S_ISDIR(found.st_mode)):
            return
        with Lock.take(path) as lock:
            if not lock.is_certain:
                return
            if stat.S_ISDIR(found.st_mode):
                shutil.rmtree(path)
            else:
                path.unlink()


class Spool:
    """A temporary file of byte strings, which are appended and read again; it vanishes when it is closed.

    Args:
        name: name of the content in messages, such as 'frames'.

    Raises:
        UnusableInput: the temporary folder cannot be written. ``append`` raises it too.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        with _report_no_room(self._name):
            self._file: IO[bytes] = tempfile.TemporaryFile(prefix="flowgif-")  # noqa: SIM115 (closed by close)

    def append(self, data: bytes) -> int:
        """Appends data, and returns their start, which ``read`` takes."""
        with _report_no_room(self._name):
            start = self._file.seek(0, os.SEEK_END)
            self._file.write(data)
        return start

    def read(self, start: int, length: int) -> bytes:
        """Returns ``length`` bytes from ``start`` on.

        Raises:
            ValueError: the file is closed.
        """
        # The last data may still wait in memory. Seeking writes them to the disk.
        with _report_no_room(self._name):
            self._file.seek(start)
        return self._file.read(length)

    def close(self) -> None:
        """Removes the file; closing again does nothing."""
        # If the disk is full, data may still wait in memory. They are not needed any more.
        with suppress(OSError):
            self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def spool(name: str) -> Spool:
    """Opens a temporary file; see :class:`Spool`."""
    return Spool(name)


@contextmanager
def _report_no_room(name: str) -> Generator[None]:
    try:
        yield
    except OSError as error:
        raise UnusableInput(
            f"cannot keep {name} in {tempfile.gettempdir()}: {error.strerror}; set TMPDIR to another folder"
        ) from None


def _hidden_name(suffix: str = "") -> str:
    """Returns the name of a temporary file or folder, which nobody can foretell."""
    return f".flowgif-{os.getpid()}-{secrets.token_hex(8)}{suffix}"
