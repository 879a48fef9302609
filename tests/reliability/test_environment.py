"""Commands work in whatever surroundings they are called."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import Finished, run_flowgif
from safetensors.torch import load_file, save_file

pytestmark = pytest.mark.slow
TINY = ("--model", "spline", "--steps", 3, "--batch-size", 16)


def _optimised(*args: object, cwd: Path) -> Finished:
    """Runs a command without assertions, as python -O does."""
    # Without assertions all modules are compiled anew. They are kept for the next command, and out of our environment.
    env = {**os.environ, "PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(cwd / "compiled")}
    done = subprocess.run(
        [sys.executable, "-O", "-m", "flowgif", *map(str, args)], env=env,
        cwd=cwd, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    return Finished(done.returncode, done.stdout, done.stderr)


def test_assertions_decide_nothing(tmp_path: Path, small: Path) -> None:
    training = ("train", "--data", "moons", "--config", small, "--steps", 3, "--batch-size", 16, "--out", "run")
    done = _optimised(*training, cwd=tmp_path)
    assert (done.code, done.out) == (0, "run\n"), done.err
    assert _optimised("animate", "run", "--frames", 3, "--size", 64, "-q", cwd=tmp_path).code == 0
    # A solver of torchdiffeq's, too, meets velocities beyond all numbers.
    weights = load_file(tmp_path / "run" / "weights.safetensors")
    endless = {name: value + 1e30 if value.is_floating_point() else value for name, value in weights.items()}
    save_file(endless, tmp_path / "run" / "weights.safetensors")
    config = tmp_path / "run" / "config.toml"
    for solver in ("dopri5", "dopri8"):
        config.write_text(config.read_text().replace('"dopri5"', f'"{solver}"'))
        done = _optimised("eval", "run", "-q", cwd=tmp_path)
        assert done.code == 3, done.err


def test_matplotlibs_settings_and_a_foreign_locale_do_not_matter(tmp_path: Path) -> None:
    assert run_flowgif("train", "--data", "moons", *TINY, "--out", "run", cwd=tmp_path).code == 0
    env = {"MPLBACKEND": "nonsense", "LC_ALL": "de_DE.UTF-8", "COLUMNS": "1", "TERM": "nonsense"}
    done = run_flowgif("eval", "run", "--plots", "plots", cwd=tmp_path, env=env)
    assert done.code == 0, done.err
    assert "Traceback" not in done.err


def test_nothing_stays_in_the_folder_for_temporary_files(tmp_path: Path, small: Path) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    env = {"TMPDIR": str(temporary)}
    likelihood = ("--objective", "likelihood", "--steps", 2, "--batch-size", 16)
    for words in (
        ("train", "--data", "moons", *TINY, "--out", "layers"),
        ("train", "--data", "moons", "--config", small, *likelihood, "--out", "run"),
        ("train", "--data", "moons", "--steps", 2, "--out", "matching"),
        ("eval", "run", "--plots", "plots", "--save-samples", 10, "x.csv"),
        ("animate", "run", "--frames", 3, "--size", 64, "-o", "x.gif", "-o", "x.webm", "--max-size", "40KB"),
    ):
        done = run_flowgif(*words, cwd=tmp_path, env=env)
        assert done.code == 0, done.err
        assert os.listdir(temporary) == [], words  # noqa: PTH208 (the names are what is shown)
