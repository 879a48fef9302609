"""The man page is made of the commands' help, is current, and renders."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT, run_flowgif
from documents import COMMANDS

from flowgif.errors import ExitCode

PAGE = ROOT / "docs" / "flowgif.1"
TEXT = PAGE.read_text("utf-8")


def _words(roff: str) -> str:
    """The page's text without the marks of bold and italic letters."""
    return re.sub(r"\\f[BIR]", "", roff).replace(r"\-", "-")


def test_the_page_is_current(tmp_path: Path) -> None:
    # In a process of its own: other tests add rows to the tables of names, which the help would show.
    code = "import make_man; print(make_man.make_page(), end='')"
    search = {"PYTHONPATH": f"{ROOT / 'docs'}:{ROOT}", "PYTHONIOENCODING": "utf-8"}
    made = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=search, capture_output=True, encoding="utf-8", check=True
    )
    assert made.stdout == TEXT, "run: python docs/make_man.py"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_of_a_command_is_in_its_section(command: str, tmp_path: Path) -> None:
    (section,) = re.findall(rf"^\.SH FLOWGIF {command.upper()}\n(.*?)^\.SH ", TEXT, re.MULTILINE | re.DOTALL)
    shown = run_flowgif(command, "--help", cwd=tmp_path, env={"COLUMNS": "200"}).out
    options = {*re.findall(r"(?<![\w-])--[a-z][\w-]*", shown)} - {"--help"}
    assert {*re.findall(r"(?<![\w-])--[a-z][\w-]*", _words(section))} == options


def test_every_exit_code_is_in_the_page() -> None:
    (section,) = re.findall(r"^\.SH EXIT STATUS\n(.*?)^\.SH ", TEXT, re.MULTILINE | re.DOTALL)
    assert [int(code) for code in re.findall(r"^\\fB(\d+)\\fR$", section, re.MULTILINE)] == [*map(int, ExitCode)]


def test_the_files_are_those_of_a_run(workplace: Path) -> None:
    (section,) = re.findall(r"^\.SH FILES\n(.*?)^\.SH ", TEXT, re.MULTILINE | re.DOTALL)
    named = {name for name in re.findall(r"^\\fI(.*)\\fR$", section, re.MULTILINE) if "/" not in name}
    assert named
    assert named <= {path.name for path in (workplace / "runs" / "cat").iterdir()}


@pytest.mark.skipif(
    shutil.which("groff") is None and os.environ.get("CI") != "true", reason="there is no groff (Debian: groff)"
)
def test_the_page_renders_without_a_warning() -> None:
    done = subprocess.run(
        ["groff", "-man", "-ww", "-Tutf8", "-P-cbou", PAGE], capture_output=True, encoding="utf-8", check=True
    )
    assert done.stderr == ""
    assert "--time-budget TEXT" in done.stdout
    assert r"a typed \n starts a new line" in " ".join(done.stdout.split())
