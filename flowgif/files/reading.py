"""Reads files within limits, and says which are missing."""

from __future__ import annotations

import errno
import json
import os
import re
import shlex
import stat
from pathlib import Path
from typing import Any, BinaryIO

from flowgif.errors import UnusableInput

__all__ = ["STDIN", "check_regular", "missing", "read_json_object", "read_limited", "read_regular"]

STDIN = Path("-")  # as the path of a file to read


def read_regular(path: Path, most: int) -> bytes:
    """Reads a file that someone else may have made: it must be a file itself, no link, pipe or device.

    Args:
        path: the file.
        most: the largest size, bytes.

    Raises:
        FileNotFoundError: there is no such file.
        UnusableInput: it is no regular file, is too large, or cannot be read.
    """
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        with os.fdopen(os.open(path, flags), "rb") as file:
            found = os.fstat(file.fileno())
            if not stat.S_ISREG(found.st_mode):
                raise _no_file(path)
            return read_limited(file, path, most)
    except FileNotFoundError:
        raise
    except OSError as error:
        # Opening a link without following it is refused so; a socket, or a pipe without a reader, otherwise.
        if error.errno in {errno.ELOOP, errno.EMLINK, errno.ENXIO} or path.is_symlink() or path.is_dir():
            raise _no_file(path) from None
        raise UnusableInput(f"{path} cannot be read: {error.strerror or error}; check its permissions") from None


def read_json_object(path: Path, most: int) -> dict[str, Any]:
    """Reads a JSON object that someone else may have made; it is empty if the file is missing or broken.

    Args:
        path: the file, which must be a file itself.
        most: the largest size, bytes.
    """
    try:
        content = json.loads(read_regular(path, most))
    except (OSError, ValueError, RecursionError, UnusableInput):
        return {}
    return content if isinstance(content, dict) else {}


def check_regular(path: Path) -> None:
    """Checks that what lies at a path, if anything, is a file itself: no link, pipe or device.

    Raises:
        UnusableInput: it is none.
    """
    try:
        mode = path.lstat().st_mode
    except OSError:
        return
    if not stat.S_ISREG(mode):
        raise _no_file(path)


def read_limited(file: BinaryIO, name: object, most: int) -> bytes:
    """Reads the rest of an open file.

    Args:
        file: the file.
        name: what messages call it.
        most: the largest size, bytes.

    Raises:
        UnusableInput: it holds more.
    """
    content = file.read(most + 1)
    if len(content) > most:
        limit = f"{most / 2**20:.0f} MB" if most >= 2**20 else f"{most} bytes"
        raise UnusableInput(f"{name} holds more than {limit}, which is too much for what it is; see whether it is that")
    return content


def _no_file(path: Path) -> UnusableInput:
    return UnusableInput(f"{path} is a link, folder, pipe or device; put the file itself there")


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
