"""Recognises what was computed before from the same input. It needs no torch."""

from __future__ import annotations

import hashlib
import json
import stat
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

from flowgif.config.schema import RunConfig
from flowgif.files.writing import settle
from flowgif.runs.layout import CONFIG, WEIGHTS
from flowgif.runs.metrics import read_metrics
from flowgif.runs.provenance import find_fingerprint

__all__ = ["Finished", "Versions", "find_finished", "fingerprint_of", "hash_file", "hash_of"]


@dataclass(frozen=True)
class Versions:
    """The versions of the programs that decide a result."""

    flowgif: str
    torch: str

    @classmethod
    def here(cls) -> Versions:
        """Returns those that are installed for this process."""
        return cls(version("flowgif"), version("torch"))

    def __str__(self) -> str:
        return f"flowgif {self.flowgif} and torch {self.torch}"


@dataclass(frozen=True)
class Finished:
    """What a training gave, as its run records it.

    Attributes:
        steps, seconds: of the training.
        gap, gap_se: nats.
    """

    steps: int
    seconds: float
    gap: float
    gap_se: float


def find_finished(folder: Path, fingerprint: str | None) -> Finished | None:
    """Returns what a run records, if its training has ended and had this fingerprint; else None.

    Raises:
        UnusableInput: files of the run are no regular files, or too large.
    """
    settle(folder)
    if fingerprint is None or find_fingerprint(folder) != (fingerprint, True) or not (folder / WEIGHTS).is_file():
        return None
    rows = read_metrics(folder)
    last = next((row for row in reversed(rows) if "gap" in row and "gap_se" in row), None)
    if last is None or "seconds" not in last:
        return None
    return Finished(int(last["step"]), last["seconds"], last["gap"], last["gap_se"])


def fingerprint_of(settings: RunConfig) -> str | None:
    """Returns a hash of all that decides what a training gives: settings, files and versions.

    Args:
        settings: the settings, before anything is chosen for the target.

    Returns:
        The hash; None if a file cannot be read twice, or not at all.
    """
    target, start = settings.target, settings.training.start
    files = [path for path in (target.img, target.font) if path is not None]
    if start is not None:
        files += [start / CONFIG, start / WEIGHTS]
    contents = [hash_file(path) for path in files]
    if None in contents:
        return None
    content = settings.model_dump(mode="json", by_alias=True)
    content["target"] |= {"img": target.img is not None, "font": target.font is not None}
    content["training"]["from"] = start is not None
    return hash_of(asdict(Versions.here()), content, contents)


def hash_of(*parts: object) -> str:
    """Returns a hash of values that JSON can hold."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def hash_file(path: Path) -> str | None:
    """Returns the hash of a file's content; None if there is none, or a pipe or device, which can be read only once."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            return None
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None
