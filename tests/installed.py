"""Builds flowgif's archives and installs it into environments of their own, as a user does."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from conftest import CAT, ROOT, SMALL_NETWORK, Finished

# The three commands on a picture, a drawing and a data set, so short that they take little more than their start.
QUICK = ("--steps", 3, "--batch-size", 64, "--config", "small.toml")
SMALL_ANIMATION = ("--frames", 3, "--size", 64, "--points", 100)
COMMANDS = (
    ("train", "--img", "cat.png", *QUICK, "--max-side", 32, "--out", "cat"),
    ("train", "--img", "circle.svg", *QUICK, "--max-side", 32, "--out", "circle"),
    ("train", "--data", "moons", "--model", "spline", "--steps", 3, "--out", "moons"),
    ("animate", "cat", *SMALL_ANIMATION, "-o", "cat.gif", "-o", "cat.webp", "-o", "cat.svg"),
    ("animate", "moons", *SMALL_ANIMATION, "--style", "density", "--cmap", "viridis", "-o", "moons.gif"),
    ("eval", "cat", "--plots", "plots"),
    ("eval", "moons", "--json"),
)
CIRCLE = '<svg xmlns="http://www.w3.org/2000/svg"><circle cx="9" cy="9" r="7"/></svg>'
# Variables by which this environment would reach into the other one, whose Python keeps what it has compiled.
OURS = ("PYTHONDONTWRITEBYTECODE", "PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "COVERAGE_PROCESS_START")


def clean_environment() -> dict[str, str]:
    """Returns the variables of this process without those that name this environment and this checkout."""
    return {name: value for name, value in os.environ.items() if name not in OURS}


def _run(words: list[object], cwd: Path, seconds: int = 900) -> Finished:
    done = subprocess.run(
        [*map(str, words)], cwd=cwd, env=clean_environment(), capture_output=True, text=True, check=False,
        timeout=seconds,
    )  # fmt: skip
    return Finished(done.returncode, done.stdout, done.stderr)


@dataclass(frozen=True)
class Installed:
    """An environment in which flowgif is installed, and nothing of this checkout.

    Attributes:
        folder: of the environment.
    """

    folder: Path

    @property
    def bin(self) -> Path:
        """The folder of the environment's programs."""
        return self.folder / ("Scripts" if sys.platform == "win32" else "bin")

    def python(self, *words: object, cwd: Path) -> Finished:
        """Runs the environment's Python."""
        return _run([self.bin / "python", *words], cwd)

    def flowgif(self, *words: object, cwd: Path) -> Finished:
        """Runs the environment's ``flowgif``."""
        return _run([self.bin / "flowgif", *words], cwd)


def tracked_files() -> list[str]:
    """Returns the paths of the repository's files that are kept, or will be; all files where there is no repository."""
    if (ROOT / ".git").exists():
        words = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
        listed = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True).stdout
        return sorted(path for path in {*listed.split("\0")} if path and (ROOT / path).is_file())
    made = {".venv", "__pycache__", "flowgif.egg-info", "build", "dist", "runs", "PKG-INFO", "setup.cfg"}
    files = (path.relative_to(ROOT) for path in ROOT.rglob("*") if path.is_file())
    return sorted(path.as_posix() for path in files if not made & {*path.parts})


def build(folder: Path) -> None:
    """Builds the source archive, and the wheel from it, into a folder; nothing is downloaded.

    A copy of the repository is built, so that the build leaves nothing in the checkout and takes nothing from an
    earlier one.
    """
    copy = folder / "copy"
    for path in tracked_files():
        (copy / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / path, copy / path)
    done = _run([sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, copy], folder)
    assert done.code == 0, done.out + done.err
    shutil.rmtree(copy)


def install(folder: Path, *words: object) -> Installed:
    """Makes an empty environment and installs what the words say, as they are given to ``pip install``."""
    installed = Installed(folder / "environment")
    done = _run([sys.executable, "-m", "venv", installed.folder], folder)
    assert done.code == 0, done.err
    # Python compiles the few modules that are used; pip would compile the thousands of torch.
    options = ("--quiet", "--disable-pip-version-check", "--no-compile")
    done = installed.python("-m", "pip", "install", *options, *words, cwd=folder)
    assert done.code == 0, done.err
    return installed


def work(installed: Installed, folder: Path) -> None:
    """Trains, animates and evaluates in a folder, with the environment's ``flowgif``."""
    shutil.copy(CAT, folder / "cat.png")
    (folder / "circle.svg").write_text(CIRCLE)
    (folder / "small.toml").write_text(
        "[model]\n" + "\n".join(f"{key} = {size}" for key, size in SMALL_NETWORK.items())
    )
    for words in COMMANDS:
        done = installed.flowgif(*words, "--quiet", cwd=folder)
        assert (done.code, done.err) == (0, ""), words
    assert json.loads(done.out)["run"] == "moons"
    assert (folder / "cat.gif").read_bytes().startswith(b"GIF89a")
    assert (folder / "cat.svg").read_text().startswith("<svg")
    assert len([*(folder / "plots").glob("*.png")]) > 3
