"""Records how a run was made: versions, the machine, and where its picture came from. It needs no torch."""

from __future__ import annotations

import json
import platform
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, Field, ValidationError

from flowgif.errors import UnusableInput
from flowgif.files.reading import read_json_object

__all__ = [
    "PROVENANCE",
    "PictureOrigin",
    "find_fingerprint",
    "find_source",
    "find_time",
    "is_run",
    "make_provenance",
    "read_origin",
    "read_provenance",
    "to_text",
]

PROVENANCE = "provenance.json"
MOST_BYTES = 2**20
LIBRARIES = ("flowgif", "torch", "torchdiffeq", "numpy", "pillow")


def _check_text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("no text")
    return value


class PictureOrigin(BaseModel):
    """The origin of a run's picture.

    Attributes:
        source: the picture's path as it was given, or its text.
        size_as_given: the size of the picture as given, (width, height) in pixels.
    """

    source: Annotated[Any, AfterValidator(_check_text)]  # pydantic's own texts must be valid Unicode; paths need not
    size_as_given: tuple[Annotated[int, Field(ge=1, lt=2**31)], Annotated[int, Field(ge=1, lt=2**31)]]


def make_provenance(
    seed: int, threads: int, picture: PictureOrigin | None, fingerprint: str | None = None
) -> dict[str, Any]:
    """Returns the provenance of a new run.

    Args:
        seed: the seed of the training.
        threads: the number of threads of the training.
        picture: the origin of the run's picture; None if it has no picture.
        fingerprint: of the training; see :func:`flowgif.runs.finished.fingerprint_of`.
    """
    content: dict[str, Any] = {
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "seed": seed,
        "versions": {"python": platform.python_version()} | {name: version(name) for name in LIBRARIES},
        "machine": f"{platform.system()} {platform.machine()}, {threads} threads",
        "command": sys.argv,
        "fingerprint": fingerprint,
    }
    if picture is not None:
        content["picture"] = picture.model_dump(mode="python")
    return content


def to_text(provenance: dict[str, Any]) -> str:
    """Returns the text of a provenance file, in ASCII."""
    return json.dumps(provenance, indent=1) + "\n"


def read_provenance(folder: Path) -> dict[str, Any]:
    """Reads a run's provenance; nothing if it is missing or broken."""
    return read_json_object(folder / PROVENANCE, MOST_BYTES)


def find_time(folder: Path) -> float | None:
    """Returns when a run was trained last, or else created, in seconds since 1970; None if it does not record that."""
    content = read_provenance(folder)
    try:
        return datetime.fromisoformat(content.get("trained") or content["created"]).timestamp()
    except (OSError, ValueError, KeyError, TypeError, OverflowError):
        return None


def find_fingerprint(folder: Path) -> tuple[str | None, bool]:
    """Returns the fingerprint of a run's training, None if it records none, and whether the training has ended."""
    content = read_provenance(folder)
    fingerprint = content.get("fingerprint")
    return fingerprint if isinstance(fingerprint, str) else None, content.get("finished") is True


def is_run(folder: Path) -> bool:
    """Whether a folder's provenance says that flowgif made it."""
    versions = read_provenance(folder).get("versions")
    return isinstance(versions, dict) and "flowgif" in versions


def read_origin(folder: Path) -> PictureOrigin:
    """Reads the origin of a run's picture.

    Raises:
        UnusableInput: the provenance is missing or broken.
    """
    try:
        return PictureOrigin.model_validate(read_provenance(folder).get("picture"))
    except ValidationError:
        raise UnusableInput(f"{folder / PROVENANCE} is missing or broken; train the run again (--force)") from None


def find_source(folder: Path) -> str | None:
    """Returns the path of a run's picture, as it was given; None if the run does not record one."""
    try:
        return read_origin(folder).source
    except UnusableInput:
        return None
