"""Size: what the default installation takes on disk, package by package."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from common.measure import ROOT, run_program
from common.plan import Plan, Row

__all__ = ["size"]

NEEDED = ("flowgif", "docs", "pyproject.toml", "README.md", "LICENSE")  # to build the package
SCRIPT = ROOT / "benchmarks" / "common" / "installed_size.py"


def _measure(plan: Plan, repeat: int) -> dict[str, Any]:
    python = sys.executable if plan.quick else str(_install(Path("installed").absolute()))
    return json.loads(run_program([python, str(SCRIPT)]).out)


def _install(folder: Path) -> Path:
    """Installs flowgif with its pinned dependencies into an empty environment, and returns its Python."""
    copy = folder / "copy"  # a build leaves files beside what it builds
    copy.mkdir(parents=True)
    for name in NEEDED:
        place = ROOT / name
        (shutil.copytree if place.is_dir() else shutil.copy2)(place, copy / name)
    run_program([sys.executable, "-m", "venv", str(folder / "environment")])
    python = folder / "environment" / "bin" / "python"
    run_program([str(python), "-m", "pip", "install", "--quiet", "-c", str(ROOT / "constraints.txt"), str(copy)])
    return python


def size(plan: Plan) -> Iterator[Row]:
    """Yields one row: megabytes of all, of each package, and of what would go with each dependency."""
    if not plan.arithmetic.environment:  # the size does not depend on the instructions
        yield Row(plan.key(what="default installation"), partial(_measure, plan), 1)
