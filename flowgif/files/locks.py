"""Locks of files and folders, which end with the process that holds them, however it ends."""

from __future__ import annotations

import errno
import os
import sys
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

if sys.platform != "win32":
    import fcntl

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["Lock"]

# What a system says that cannot lock this kind of file, as some network file systems.
_WITHOUT_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.EINVAL, errno.EBADF, errno.ENOTSUP, errno.EOPNOTSUPP}


class Lock(AbstractContextManager["Lock"]):
    """A lock of a file or folder, held until it is closed or the process ends. It hinders no one who does not ask.

    Attributes:
        is_certain: whether no other process holds such a lock. Without it the system has no locks for this file, and
            nobody knows.
    """

    def __init__(self, descriptor: int | None, is_certain: bool) -> None:
        self._descriptor = descriptor
        self.is_certain = is_certain

    @classmethod
    def take(cls, path: Path) -> Lock:
        """Locks a file or folder that is there; a link is not followed.

        Raises:
            BlockingIOError: another process, or another lock of this one, holds it.
            OSError: it cannot be opened, or another file has taken its place.
        """
        if sys.platform == "win32":
            return cls(None, False)
        # A pipe would be waited for without O_NONBLOCK.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        lock = cls.of(descriptor)
        locked, now = os.fstat(descriptor), os.lstat(path)
        if (locked.st_dev, locked.st_ino) != (now.st_dev, now.st_ino):
            lock.close()
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))
        return lock

    @classmethod
    def of(cls, descriptor: int) -> Lock:
        """Locks an open file, which is closed with the lock, or at once if it cannot be locked.

        Raises:
            BlockingIOError: another holds it.
        """
        if sys.platform == "win32":
            return cls(descriptor, False)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in _WITHOUT_LOCKS:
                return cls(descriptor, False)
            os.close(descriptor)
            raise
        return cls(descriptor, True)

    def close(self) -> None:
        """Gives the lock back; closing again does nothing."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()
