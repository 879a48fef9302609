"""What the steps of action.yml leave to Python.

``action.py names`` says where the package and the run lie, and under which keys they are cached; ``action.py output
NAME ANSWER`` takes a field out of what a command printed with ``--json``. Results become outputs of the step.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import secrets
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def _digest(*parts: bytes) -> str:
    # Each part is hashed by itself, so that what ends one and begins the next makes a difference.
    return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()[:32]


def _code() -> str:
    """Returns a digest of the package that this action is part of. (hashFiles() sees the workspace only.)"""
    files = [ROOT / "pyproject.toml", ROOT / "constraints.txt", *sorted((ROOT / "flowgif").rglob("*.py"))]
    return _digest(*(path.read_bytes() for path in files))


def _names() -> dict[str, str]:
    picture = Path(os.environ["IMG"])
    if not picture.is_file():
        print(
            f"flowgif: no such picture: {picture}; check the path, and whether the job checks it out", file=sys.stderr
        )
        sys.exit(2)
    place = Path(os.environ["RUNNER_TEMP"]).absolute()
    version = os.environ["VERSION"] or _code()
    machine = (sys.version, sys.executable, platform.machine(), str(place))  # an environment cannot be moved
    package = _digest(version.encode(), *(os.fsencode(part) for part in machine))
    run = _digest(version.encode(), picture.read_bytes(), os.environ["MODEL"].encode())
    return {
        "package": str(place / f"flowgif-package-{package}"),
        "package-key": f"flowgif-package-{package}",
        "run": str(place / f"flowgif-run-{run}"),
        "run-key": f"flowgif-run-{run}",
    }


def main() -> None:
    """Does what the arguments say."""
    match sys.argv[1:]:
        case ["names"]:
            outputs = _names()
        case ["output", name, answer]:
            outputs = {name: str(json.loads(answer)[name])}
        case _:
            sys.exit(__doc__)
    with Path(os.environ["GITHUB_OUTPUT"]).open("a", encoding="utf-8", errors="surrogateescape") as file:
        for name, value in outputs.items():
            end = f"end-{secrets.token_hex(16)}"  # no value can hold it, and so none can add an output
            file.write(f"{name}<<{end}\n{value}\n{end}\n")


if __name__ == "__main__":
    main()
