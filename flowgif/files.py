"""Writes files whole or not at all, keeps temporary files, and says which files are missing."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import tempfile
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Self

from flowgif.errors import UnusableInput

__all__ = [
    "STDIN",
    "Spool",
    "check_folder",
    "check_writable",
    "missing",
    "report_os_errors",
    "spool",
    "staged_folder",
    "write_atomically",
]

STDIN = Path("-")  # as the path of a file to read


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Lets ``write`` fill a file beside ``path``, then moves it to ``path``.

    Raises:
        UnusableInput: the place cannot be written.
    """
    beside = path.parent / _hidden_name(path.suffix)
    with report_os_errors(path):
        try:
            write(beside)
            beside.replace(path)
        finally:
            beside.unlink(missing_ok=True)


@contextmanager
def staged_folder(place: Path) -> Generator[Path]:
    """Makes a folder for files that take their places only when all of them are written; removes it at the end.

    Args:
        place: the folder that the files are for. The new one is in it, or beside it if there is no such folder yet, so
            that files, or the new folder as a whole, can be moved there without copying.

    Yields:
        The new folder's path.

    Raises:
        OSError: it cannot be made; see :func:`report_os_errors`.
    """
    stage = (place if place.is_dir() else place.parent) / _hidden_name()
    try:
        stage.mkdir(parents=True)
        yield stage
    finally:
        shutil.rmtree(stage, ignore_errors=True)


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


def missing(kind: str, path: Path, pipe: str = "") -> UnusableInput:
    """Makes the error about a file that is not there, which may be an address of the web.

    Args:
        kind: what the file should be: 'picture'.
        path: its path.
        pipe: the command that reads such a file from stdin, if there is one.
    """
    # A path has single slashes only. An address in a config file stands behind the file's folder.
    if address := re.search(r"\b(https?|ftp):/(.+)", path.as_posix()):
        url = f"{address[1]}://{address[2]}"
        remedy = f"try: curl -sL {shlex.quote(url)} | {pipe}" if pipe else "download it first"
        return UnusableInput(f"{url} is an address, and flowgif reads files; {remedy}")
    return UnusableInput(f"no such {kind}: {path}; check the path (the current folder is {Path.cwd()})")


def check_writable(path: Path) -> None:
    """Checks in advance that a file can be written to a path.

    Raises:
        UnusableInput: it cannot.
    """
    if path.is_dir():
        raise UnusableInput(f"cannot write {path}: it is a folder; name a file in it")
    if not path.parent.is_dir():
        raise UnusableInput(f"cannot write {path}: there is no folder {path.parent}; create it first")
    _probe(path, path.parent / _hidden_name(path.suffix))


def check_folder(folder: Path) -> None:
    """Checks in advance that files can be written to a folder, which need not exist yet.

    Raises:
        UnusableInput: they cannot.
    """
    existing = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not existing.is_dir():
        raise UnusableInput(f"cannot write to {folder}: {existing} is a file; name a folder")
    _probe(folder, existing / _hidden_name())


class Spool:
    """A temporary file of byte strings, which are appended and read again; it vanishes when it is closed.

    Args:
        name: name of the content in messages, such as 'frames'.

    Raises:
        UnusableInput: the temporary folder cannot be written. ``append`` raises it too.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        with self._report_no_room():
            self._file: IO[bytes] = tempfile.TemporaryFile(prefix="flowgif-")  # noqa: SIM115 (closed by close)

    def append(self, data: bytes) -> int:
        """Appends data, and returns their start, which ``read`` takes."""
        with self._report_no_room():
            start = self._file.seek(0, os.SEEK_END)
            self._file.write(data)
        return start

    def read(self, start: int, length: int) -> bytes:
        """Returns ``length`` bytes from ``start`` on.

        Raises:
            ValueError: the file is closed.
        """
        # The last data may still wait in memory. Seeking writes them to the disk.
        with self._report_no_room():
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

    @contextmanager
    def _report_no_room(self) -> Generator[None]:
        try:
            yield
        except OSError as error:
            raise UnusableInput(
                f"cannot keep {self._name} in {tempfile.gettempdir()}: {error.strerror}; set TMPDIR to another folder"
            ) from None


def spool(name: str) -> Spool:
    """Opens a temporary file; see :class:`Spool`."""
    return Spool(name)


def _hidden_name(suffix: str = "") -> str:
    """Returns the name of this process's temporary file or folder beside the final one."""
    return f".flowgif-{os.getpid()}{suffix}"


def _probe(place: Path, probe: Path) -> None:
    with report_os_errors(place):
        probe.touch()
        probe.unlink()
