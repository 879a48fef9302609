"""CITATION.cff has the keys that its format requires, and agrees with the package."""

from __future__ import annotations

import re
import tomllib

from conftest import ROOT

TEXT = (ROOT / "CITATION.cff").read_text("utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
KEYS = dict(re.findall(r"^([\w-]+): ?(.*)$", TEXT, re.MULTILINE))


def test_the_keys_that_the_format_requires_are_there() -> None:
    assert {"cff-version", "message", "title", "authors"} <= KEYS.keys()
    assert KEYS["cff-version"] == "1.2.0"
    assert re.search(r"^authors:\n  - name: \S", TEXT, re.MULTILINE)


def test_what_it_says_is_what_the_package_says() -> None:
    assert (KEYS["title"], KEYS["version"], KEYS["license"]) == (
        PROJECT["name"],
        PROJECT["version"],
        PROJECT["license"],
    )


def test_the_version_stands_in_no_module() -> None:
    """It is written in pyproject.toml and quoted in CITATION.cff and the man page, which tests hold to it."""
    quoted = re.compile(rf"""["']{re.escape(PROJECT["version"])}["']""")
    modules = [path for path in (ROOT / "flowgif").rglob("*.py") if quoted.search(path.read_text("utf-8"))]
    assert modules == []
