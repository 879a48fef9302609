"""The place where a run goes, which one process at a time may write. It needs no torch."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from flowgif.errors import UnusableInput
from flowgif.files.locks import Lock
from flowgif.files.writing import report_os_errors, settle, sync, written_together
from flowgif.runs.layout import FILES, RESULTS

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["RunPlace"]

ATTEMPTS = 20  # at making a folder that another training may be removing

Place = TypeVar("Place", bound="RunPlace")


class RunPlace(AbstractContextManager["RunPlace"]):
    """A run directory that this process alone writes, until it is closed or the process ends.

    What is in the directory, such as a run that will be replaced, stays as it is until :meth:`put`. Folders that were
    made for nothing are removed at the end.

    Args:
        folder: the run directory, which need not exist yet.

    Raises:
        UnusableInput: the directory cannot be made, or another process is training there.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._made: list[Path] = []
        with report_os_errors(folder, "choose another --out"):
            self._lock = self._open()
        try:
            settle(folder)
        except BaseException:
            self.close()
            raise

    def __enter__(self: Place) -> Place:
        return self

    def _open(self) -> Lock:
        for attempt in range(ATTEMPTS):
            missing = [path for path in (self._folder, *self._folder.absolute().parents) if not path.exists()]
            self._folder.mkdir(parents=True, exist_ok=True)
            self._made = missing
            try:
                return Lock.take(Path(os.path.realpath(self._folder)))
            except FileNotFoundError:  # another training has made the folder too, and removed it again
                if attempt == ATTEMPTS - 1:
                    raise
            except BlockingIOError:
                break
        raise UnusableInput(f"{self._folder} is being trained by another process; wait for it, or choose another --out")

    def close(self) -> None:
        """Lets others train there."""
        for folder in self._made:
            with suppress(OSError):  # it holds something by now
                folder.rmdir()
        self._lock.close()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def put(self, files: Mapping[str, bytes]) -> None:
        """Writes all files of a run at once, in the place of what is there.

        Raises:
            UnusableInput: they cannot be written.
        """
        self._put(files, [name for name in (*FILES, RESULTS) if name not in files])

    def _put(self, files: Mapping[str, bytes], removed: Collection[str]) -> None:
        with report_os_errors(self._folder), written_together(self._folder, removed) as stage:
            for name, content in files.items():
                (stage / name).write_bytes(content)
            for path in self._made:
                sync(path.parent)
        self._made = []
