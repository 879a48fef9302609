"""flowgif works with the lowest versions of its dependencies that pyproject.toml allows."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest
from conftest import ROOT, MakeOnce
from installed import Installed, install, work

pytestmark = pytest.mark.slow

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
BOUND = re.compile(r"([\w-]+)>=([\d.]+)")
# Of old versions, PyPI has only builds with gigabytes of CUDA for Linux. So torch is the one that runs here.
NOT_LOWEST = {"torch": version("torch").partition("+")[0]}
TESTERS = {"filelock", "hypothesis", "pytest", "pytest-xdist"}  # in the versions of constraints.txt
# Tests of what is closest to the dependencies: files that Pillow and pydantic read, figures, colour maps, numbers.
TESTS = (
    "tests/config",
    "tests/runs",
    "tests/colour",
    "tests/evaluation/test_figures.py",
    "tests/formats/raster/test_palette.py",
    "tests/formats/raster/test_frames.py",
    "tests/targets/test_toy.py",
    "tests/targets/test_svg.py",
    "tests/targets/test_picture.py",
    "tests/drawing/test_colours.py",
)


def lowest() -> dict[str, str]:
    """Returns the lowest version of each dependency."""
    bounds = [BOUND.fullmatch(line) for line in PROJECT["dependencies"]]
    return {bound[1]: bound[2] for bound in bounds if bound} | NOT_LOWEST


def _testers() -> list[str]:
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    return [line for line in lines if line.partition("==")[0] in TESTERS]


@pytest.fixture(scope="module")
def lowest_flowgif(dist: Path, make_once: MakeOnce) -> Installed:
    """The wheel in an environment with the lowest versions."""
    (wheel,) = dist.glob("*.whl")
    pins = [f"{name}=={number}" for name, number in lowest().items()]
    return Installed(make_once("lowest", lambda folder: install(folder, *pins, *_testers(), wheel)) / "environment")


def test_every_dependency_has_a_lowest_version() -> None:
    assert len(lowest()) == len(PROJECT["dependencies"])


def test_the_lowest_versions_are_installed(lowest_flowgif: Installed, tmp_path: Path) -> None:
    code = "import sys; from importlib.metadata import version; print(*map(version, sys.argv[1:]))"
    done = lowest_flowgif.python("-c", code, *lowest(), cwd=tmp_path)
    for found, wanted in zip(done.out.split(), lowest().values(), strict=True):
        assert re.fullmatch(rf"{re.escape(wanted)}(\.0)*(\+\w+)?", found), (found, wanted)


def test_the_commands_work_with_them(lowest_flowgif: Installed, tmp_path: Path) -> None:
    work(lowest_flowgif, tmp_path)


def test_tests_pass_with_them(lowest_flowgif: Installed) -> None:
    done = lowest_flowgif.python(
        # Old versions warn of each other.
        "-m",
        "pytest",
        "-q",
        "-m",
        "not slow",
        "-W",
        "default",
        "-p",
        "no:cacheprovider",
        *TESTS,
        cwd=ROOT,
    )
    assert done.code == 0, done.out
    assert re.search(r"\b\d{2,} passed", done.out)
