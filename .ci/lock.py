"""Writes the hashes of what CI installs: ``python .ci/lock.py [WHEEL ...] > .ci/hashes.txt``.

The versions are those of constraints.txt. Of each, every file on PyPI is listed, so that any platform finds its own. A
wheel that is given takes the place of PyPI's files: PyTorch's own for processors, without gigabytes of CUDA.
"""

from __future__ import annotations

import hashlib
import json
import sys
import urllib.request
from pathlib import Path

INDEX = "https://pypi.org/simple"
CONSTRAINTS = Path(__file__).parents[1] / "constraints.txt"
NOT_INSTALLED = {"normflows", "pot", "torchcfm"}  # the benchmark's peers, which CI does without


def _hashes(name: str, version: str) -> set[str]:
    request = urllib.request.Request(  # noqa: S310 (the address is ours)
        f"{INDEX}/{name}/", headers={"Accept": "application/vnd.pypi.simple.v1+json"}
    )
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
        files = json.load(answer)["files"]
    mine = (f"-{version}-", f"-{version}.tar.gz", f"-{version}.zip")
    return {file["hashes"]["sha256"] for file in files if any(part in file["filename"] for part in mine)}


def main() -> None:
    """Prints a requirements file with hashes."""
    given: dict[str, set[str]] = {}
    for wheel in map(Path, sys.argv[1:]):
        given.setdefault(wheel.name.split("-")[0], set()).add(hashlib.sha256(wheel.read_bytes()).hexdigest())
    print("# Made by .ci/lock.py of constraints.txt: what CI installs, and no other bytes.")
    for line in CONSTRAINTS.read_text("utf-8").splitlines():
        if line.startswith("#") or not line:
            continue
        name, _, version = line.partition("==")
        if name.lower() in NOT_INSTALLED:
            continue
        hashes = sorted(given.get(name) or _hashes(name.lower(), version))
        if not hashes:
            sys.exit(f"{INDEX} has no file of {line}")
        print(" \\\n".join([line, *(f"    --hash=sha256:{digest}" for digest in hashes)]))


if __name__ == "__main__":
    main()
