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

__all__ = ["PROVENANCE", "PictureOrigin", "find_source", "is_run", "provenance", "read_origin"]

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
