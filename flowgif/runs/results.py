"""Keeps what was computed from a run beside it, so that it need not be computed again. It needs no torch."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from flowgif.errors import UnusableInput
from flowgif.files.reading import check_regular, read_json_object
from flowgif.files.writing import write_atomically
from flowgif.runs.finished import Versions, hash_of
from flowgif.runs.layout import CONFIG, PICTURE, RESULTS, WEIGHTS

__all__ = ["find_result", "keep_result", "key_of"]

MOST_BYTES = 2**20
MOST_RESULTS = 64  # the older ones are forgotten


def key_of(files: Mapping[str, bytes], *question: object) -> str:
    """Returns the name of a result: a hash of the run, the question and the programs' versions.

    Args:
        files: the run's files.
        question: what is computed from the run; values that JSON can hold.
    """
    contents = [hashlib.sha256(files.get(name, b"")).hexdigest() for name in (CONFIG, WEIGHTS, PICTURE)]
    return hash_of(contents, asdict(Versions.here()), question)


def find_result(folder: Path, key: str) -> dict[str, Any] | None:
    """Returns a result that a run keeps; None if it keeps none."""
    found = read_json_object(folder / RESULTS, MOST_BYTES).get(key)
    return found if isinstance(found, dict) else None


def keep_result(folder: Path, key: str, result: Mapping[str, Any]) -> None:
    """Keeps a result, where the run's folder can be written."""
    results = {**read_json_object(folder / RESULTS, MOST_BYTES), key: dict(result)}
    content = json.dumps(dict(list(results.items())[-MOST_RESULTS:]), indent=1).encode()
    with suppress(UnusableInput):
        check_regular(folder / RESULTS)  # a run may come from someone else, and a link in it lead anywhere
        write_atomically(folder / RESULTS, lambda path: path.write_bytes(content))
