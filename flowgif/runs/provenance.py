"""Records how a run was made: versions, the machine, and where its picture came from. It needs no torch."""

from __future__ import annotations

import json
import platform
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, Field

from flowgif.errors import UnusableInput
from flowgif.files import write_atomically

__all__ = [
    "PROVENANCE",
    "PictureOrigin",
    "find_source",
    "find_time",
    "is_run",
    "provenance",
    "read_origin",
    "record_time",
]

PROVENANCE = "provenance.json"
LIBRARIES = ("flowgif", "torch", "torchdiffeq", "numpy", "pillow")


class PictureOrigin(BaseModel):
    """The origin of a run's picture.

    Attributes:
        source: the picture's path as it was given, or its text.
        size_as_given: the size of the picture as given, (width, height) in pixels.
    """

    source: str
    size_as_given: tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)]]


def provenance(seed: int, threads: int, picture: PictureOrigin | None) -> str:
    """Returns the text of the provenance file of a new run.

    Args:
        seed: the seed of the training.
        threads: the number of threads of the training.
        picture: the origin of the run's picture; None if it has no picture.
    """
    content: dict[str, Any] = {
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "seed": seed,
        "versions": {"python": platform.python_version()} | {name: version(name) for name in LIBRARIES},
        "machine": f"{platform.system()} {platform.machine()}, {threads} threads",
        "command": sys.argv,
    }
    if picture is not None:
        content["picture"] = picture.model_dump(mode="json")
    return json.dumps(content, indent=1) + "\n"


def record_time(folder: Path) -> None:
    """Records in a run's provenance that it was trained just now. A run without readable provenance keeps none.

    Raises:
        UnusableInput: the file cannot be written.
    """
    path = folder / PROVENANCE
    try:
        content = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return
    if isinstance(content, dict):
        text = json.dumps({**content, "trained": datetime.now(UTC).isoformat()}, indent=1) + "\n"
        write_atomically(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))


def find_time(folder: Path) -> float | None:
    """Returns when a run was trained last, or else created, in seconds since 1970; None if it does not record that."""
    try:
        content = json.loads((folder / PROVENANCE).read_text("utf-8"))
        return datetime.fromisoformat(content.get("trained") or content["created"]).timestamp()
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def is_run(folder: Path) -> bool:
    """Whether a folder's provenance says that flowgif made it."""
    try:
        return "flowgif" in json.loads((folder / PROVENANCE).read_text("utf-8"))["versions"]
    except (OSError, ValueError, KeyError, TypeError):
        return False


def read_origin(folder: Path) -> PictureOrigin:
    """Reads the origin of a run's picture.

    Raises:
        UnusableInput: the provenance is missing or broken.
    """
    path = folder / PROVENANCE
    try:
        return PictureOrigin.model_validate(json.loads(path.read_text("utf-8"))["picture"])
    except (OSError, ValueError, KeyError, TypeError):
        raise UnusableInput(f"{path} is missing or broken; train the run again (--force)") from None


def find_source(folder: Path) -> str | None:
    """Returns the path of a run's picture, as it was given; None if the run does not record one."""
    try:
        return read_origin(folder).source
    except UnusableInput:
        return None
