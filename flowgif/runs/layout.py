"""The files of a run directory: everything that a training leaves behind. It needs no torch.

config.toml                   all settings, resolved; this file is itself a valid config file
provenance.json               versions, machine, times, the picture's source and its size as given
picture.png                   the picture as it was used, in colour
weights.safetensors           the flow, as averaged over the last steps
weights-initial.safetensors   the flow before training
resume.safetensors            the resume state: weights, averages, optimisers, generators
metrics.jsonl                 one object per line: {"step", "loss", "seconds"}, at checkpoints "gap" and "gap_se" too
results.json                  what was computed from the run; see :mod:`flowgif.runs.results`
"""

from __future__ import annotations

import itertools
import shlex
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from flowgif.errors import FlowgifError, UnusableInput
from flowgif.files.writing import settle
from flowgif.runs.provenance import PROVENANCE, find_source, is_run

__all__ = [
    "CONFIG",
    "FILES",
    "INITIAL",
    "METRICS",
    "PICTURE",
    "RESULTS",
    "RESUME",
    "WEIGHTS",
    "check_free",
    "check_outputs",
    "read_whole",
]

Result = TypeVar("Result")

CONFIG, PICTURE, METRICS = "config.toml", "picture.png", "metrics.jsonl"
WEIGHTS, INITIAL, RESUME = "weights.safetensors", "weights-initial.safetensors", "resume.safetensors"
RESULTS = "results.json"
FILES = (CONFIG, PROVENANCE, PICTURE, WEIGHTS, INITIAL, RESUME, METRICS)


def check_free(folder: Path, force: bool) -> None:
    """Checks that a run may be made in a folder.

    Raises:
        UnusableInput: the folder is a file, or holds a run (without force) or files of the same names that were not
            written by flowgif.
    """
    if folder.exists() and not folder.is_dir():
        raise UnusableInput(f"{folder} is a file; choose another --out")
    settle(folder)
    if is_run(folder):
        if not force:
            quoted = shlex.quote(str(folder))
            raise UnusableInput(
                f"{folder} holds a run already; go on with it (--resume --out {quoted}), replace it (--force), "
                "or choose another --out"
            )
    elif foreign := [name for name in FILES if (folder / name).exists()]:
        raise UnusableInput(f"{folder} holds a {foreign[0]} that is not a run's; choose another --out")


def check_outputs(runs: Iterable[Path], outs: Iterable[Path]) -> None:
    """Checks that outputs do not replace what they are made from, or what a run leads to.

    What they are made from are the runs' own files, and their pictures as given. A link in a run directory, which may
    come from someone else, is not written through.

    Args:
        runs: the run directories.
        outs: the outputs.

    Raises:
        UnusableInput: one does.
    """
    outs = list(outs)
    for folder in runs:
        own = [folder / name for name in FILES]
        given = find_source(folder)
        protected = own if given is None else [*own, Path(given)]
        for out, kept in itertools.product(outs, protected):
            if _is_same(out, kept):
                what = "the picture itself" if kept not in own else "the run's own file"
                raise UnusableInput(f"cannot write {out}: it is {what}; choose another name")
        for out in outs:
            if out.is_symlink() and _is_same(out.absolute().parent, folder):
                raise UnusableInput(f"cannot write {out}: it is a link in a run, and leads elsewhere; remove it")


def _is_same(path: Path, other: Path) -> bool:
    try:
        return path.samefile(other)
    except (OSError, ValueError):  # one of them is not there
        return False


def read_whole(folder: Path, read: Callable[[], Result]) -> Result:
    """Reads several files of a run that belong together; again if they were replaced meanwhile.

    Args:
        folder: the run directory.
        read: reads them.
    """
    while True:
        settle(folder)
        before = _identity(folder)
        try:
            result = read()
        except FlowgifError:
            if _identity(folder) == before:
                raise
        else:
            if _identity(folder) == before:
                return result


def _identity(folder: Path) -> list[tuple[str, int, int]]:
    """Returns what changes if a file of a run is replaced."""
    found: list[tuple[str, int, int]] = []
    for name in FILES:
        with suppress(OSError):
            status = (folder / name).lstat()
            found.append((name, status.st_ino, status.st_mtime_ns))
    return found
