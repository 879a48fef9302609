"""Prints how large flowgif and its dependencies are in the environment that runs this, which has pip and no more."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from importlib.metadata import distribution
from pathlib import Path

from pip._vendor.packaging.requirements import Requirement  # the environment has no other packaging

NAME = "flowgif"


def _requirements(name: str) -> set[str]:
    """Returns the names of the packages that a package requires here, without its extras."""
    requirements = map(Requirement, distribution(name).requires or ())
    wanted = (each for each in requirements if each.marker is None or each.marker.evaluate({"extra": ""}))
    return {re.sub(r"[-_.]+", "-", each.name).lower() for each in wanted}


def _needed(without: str | None = None) -> set[str]:
    """Returns the names of all packages that flowgif needs if it does not require one of them."""
    found: set[str] = set()
    waiting = [NAME]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += _requirements(name) - ({without} if name == NAME else set())
    return found


def _megabytes(names: Iterable[str]) -> float:
    files = (Path(str(file.locate())) for name in names for file in distribution(name).files or ())
    return round(sum(file.stat().st_size for file in files if file.is_file()) / 2**20, 1)


def main() -> None:
    everything = _needed()
    print(
        json.dumps(
            {
                "all": _megabytes(everything),
                "packages": {name: _megabytes([name]) for name in sorted(everything)},
                "saved": {name: _megabytes(everything - _needed(name)) for name in sorted(_requirements(NAME))},
            }
        )
    )


if __name__ == "__main__":
    main()
