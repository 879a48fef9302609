"""Runs the documents' scripts: in a bare environment, and with a flowgif that has options to make it cheap."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from conftest import FLOWGIF, ROOT, Finished
from documents import Script

__all__ = ["BARE", "copy_checkout", "put_cheap_flowgif", "run_script"]

# The variables of a machine that has Python, the system's programs and its settings of pip. Where PyTorch's index is
# out of reach, pip does not ask again and again; and Python compiles the few modules that are used.
BARE = {
    "PATH": f"{Path(sys.base_prefix) / 'bin'}:/usr/bin:/bin",
    **{name: value for name, value in os.environ.items() if name.startswith("PIP_")},
    "PIP_RETRIES": "1",
    "PIP_COMPILE": "0",  # PIP_NO_COMPILE=1 would compile: pip takes the value for that of the setting itself
}
PROGRAM = """#!{python}
import os, sys
_, command, *words = sys.argv
cheap = {options}.get(command, {{}})
kept = [
    word for before, word in zip(["", *words], words)
    if word.partition("=")[0] not in cheap and before not in cheap
]
# The scripts' environment is empty, and the tests' checkout may be another than the one that is installed.
os.environ["PYTHONPATH"] = {root!r}
options = [f"{{name}}={{value}}" for name, value in cheap.items()]
os.execv({flowgif!r}, ["flowgif", command, *options, *kept])
"""


def copy_checkout(folder: Path) -> Path:
    """Copies the checkout into a folder, so that an installation leaves nothing in it; returns the copy."""
    made = (".*_cache", ".git", ".hypothesis", ".venv", "__pycache__", "build", "dist", "*.egg-info")
    return shutil.copytree(ROOT, folder / "checkout", ignore=shutil.ignore_patterns(*made))


def run_script(script: Script, place: Path, **env: str) -> Finished:
    """Runs a script in a folder, with nothing in its environment but what is bare, a home, a checkout and ``env``."""
    file = place / (script.name or "script.sh")
    file.write_text(script.text, "utf-8")
    done = subprocess.run(
        ["/bin/bash", file.name],
        env={**BARE, "HOME": str(place), "FLOWGIF": str(ROOT), **env},
        cwd=place,
        capture_output=True,
        text=True,
        check=False,
        timeout=1800,
    )
    return Finished(done.returncode, done.stdout, done.stderr)


def put_cheap_flowgif(folder: Path, small: Path) -> None:
    """Puts a program by the name of flowgif into a folder; ``small`` is a config with a small network."""
    options = {
        "train": {"--config": str(small), "--steps": "3", "--batch-size": "64", "--max-side": "32"},
        "animate": {"--frames": "3", "--points": "100", "--size": "64"},
    }
    program = folder / "flowgif"
    text = PROGRAM.format(python=sys.executable, options=options, root=str(ROOT), flowgif=str(FLOWGIF))
    program.write_text(text, "utf-8")
    program.chmod(0o755)
