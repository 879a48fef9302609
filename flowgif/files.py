"""Files that are written whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from flowgif.errors import UnusableInput

__all__ = ["check_folder", "check_writable", "write_atomically"]


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Has ``write`` fill a file beside ``path``, then puts it in its place.

    Raises:
        UnusableInput: the place cannot be written.
    """
    beside = path.with_name(f".flowgif-{os.getpid()}{path.suffix}")
    try:
        write(beside)
        beside.replace(path)
    except OSError as error:
        raise UnusableInput(f"cannot write {path}: {error.strerror or error}; choose another place") from None
    finally:
        beside.unlink(missing_ok=True)


def check_writable(path: Path) -> None:
    """Finds out before the work whether a file can be written there.

    Raises:
        UnusableInput: it cannot.
    """
    if path.is_dir():
        raise UnusableInput(f"cannot write {path}: it is a folder; name a file in it")
    if not path.parent.is_dir():
        raise UnusableInput(f"cannot write {path}: there is no folder {path.parent}; create it first")
    _probe(path, path.with_name(f".flowgif-{os.getpid()}{path.suffix}"))


def check_folder(folder: Path) -> None:
    """Finds out before the work whether files can be written to a folder, which need not exist yet.

    Raises:
        UnusableInput: they cannot.
    """
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not there.is_dir():
        raise UnusableInput(f"cannot write to {folder}: {there} is a file; name a folder")
    _probe(folder, there / f".flowgif-{os.getpid()}")


def _probe(place: Path, probe: Path) -> None:
    try:
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise UnusableInput(f"cannot write {place}: {error.strerror}; choose another place") from None
