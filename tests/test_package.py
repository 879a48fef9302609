"""The archives hold what they should, and the wheel alone makes a flowgif that works."""

from __future__ import annotations

import re
import tarfile
import zipfile
from email.parser import HeaderParser
from pathlib import Path

import pytest
from conftest import ROOT
from installed import Installed, tracked_files, work

import flowgif

pytestmark = pytest.mark.slow

MADE = {"PKG-INFO", "setup.cfg"}  # by the build


def _wheel(dist: Path) -> Path:
    (wheel,) = dist.glob("*.whl")
    return wheel


def test_the_source_archive_is_the_repository(dist: Path) -> None:
    (archive,) = dist.glob("*.tar.gz")
    with tarfile.open(archive) as opened:
        paths = {member.name.partition("/")[2] for member in opened if member.isfile()}
    packed = {path for path in paths if path not in MADE and not path.startswith("flowgif.egg-info/")}
    assert packed == {*tracked_files()}


def test_the_wheel_has_the_package_and_nothing_else(dist: Path) -> None:
    names = {*zipfile.ZipFile(_wheel(dist)).namelist()}
    ours = {path for path in tracked_files() if path.startswith("flowgif/")}
    assert {"flowgif/py.typed", "flowgif/formats/vector/player.html"} <= ours
    info, data = (f"flowgif-{flowgif.__version__}.{kind}" for kind in ("dist-info", "data"))
    assert {name for name in names if not name.startswith(f"{info}/")} == {
        *ours,
        f"{data}/data/share/man/man1/flowgif.1",
    }
    assert f"{info}/licenses/LICENSE" in names


def test_the_wheel_says_what_an_index_shows(dist: Path) -> None:
    wheel = zipfile.ZipFile(_wheel(dist))
    shown = HeaderParser().parsestr(wheel.read(f"flowgif-{flowgif.__version__}.dist-info/METADATA").decode())
    assert shown["License-Expression"] == "MIT"
    assert shown["Description-Content-Type"] == "text/markdown"
    assert shown["Keywords"]
    versions = [
        re.fullmatch(r"Programming Language :: Python :: 3\.(\d+)", each) for each in shown.get_all("Classifier")
    ]
    lowest = min(int(found[1]) for found in versions if found)
    assert shown["Requires-Python"] == f">=3.{lowest}"


def test_the_installed_wheel_works_outside_the_checkout(installed_flowgif: Installed, tmp_path: Path) -> None:
    code = "import flowgif, sys; print(flowgif.__file__); print(*sys.path)"
    done = installed_flowgif.python("-c", code, cwd=tmp_path)
    assert done.out.startswith(str(installed_flowgif.folder)), done.err
    assert str(ROOT) not in done.out
    work(installed_flowgif, tmp_path)


def test_the_wheel_brings_the_man_page(installed_flowgif: Installed) -> None:
    page = installed_flowgif.folder / "share" / "man" / "man1" / "flowgif.1"
    assert page.read_bytes() == (ROOT / "docs" / "flowgif.1").read_bytes()
