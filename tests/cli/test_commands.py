"""The commands one after another, through their real entry point: streams, reports, and broken runs."""

from __future__ import annotations

import json
import shutil
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import CAT, Finished, MakeOnce, run_flowgif
from PIL import Image

REPORT_KEYS = [
    "schema", "run", "model", "target", "nll", "nll_se", "entropy", "gap", "gap_se", "bits_per_dim", "points", "nfe",
    "inversion_error", "seconds",
]  # fmt: skip

TINY = ("--steps", 20, "--batch-size", 64)

SHORT_GAP = 0.04


def test_eval_prints_one_object_with_its_keys(cat_report: dict[str, Any]) -> None:
    assert list(cat_report) == REPORT_KEYS
    assert cat_report["gap"] == pytest.approx(cat_report["nll"] - cat_report["entropy"], abs=1e-9)
    assert 0 < cat_report["gap"] < SHORT_GAP
    assert cat_report["inversion_error"] < 1e-3
    assert cat_report["target"] == str(CAT)


@pytest.fixture(scope="module")
def continuous(make_once: MakeOnce, small: Path) -> Path:
    """A run of an FFJORD with a small network."""

    def fill(folder: Path) -> None:
        done = run_flowgif("train", "--data", "moons", "--config", small, *TINY, "--out", "run", cwd=folder)
        assert done.code == 0, done.err

    return make_once("continuous", fill) / "run"


def test_eval_for_people_names_units(continuous: Path, tmp_path: Path, run_here: Callable[..., Finished]) -> None:
    done = run_here("eval", continuous, cwd=tmp_path)
    assert done.code == 0
    for word in ("NLL", "entropy", "gap", "nats", "bits/dim", "evaluations", "of the network", "inversion"):
        assert word in done.out
    assert len(done.out.splitlines()) == 11


def test_a_missed_bound_exits_with_one(continuous: Path, tmp_path: Path, run_here: Callable[..., Finished]) -> None:
    report = json.loads(run_here("eval", continuous, "--json", cwd=tmp_path).out)
    for option in ("gap", "nll"):
        for bound, code in ((report[option] - 1, 1), (report[option] + 1, 0)):
            done = run_here("eval", continuous, "--quiet", f"--max-{option}", bound, cwd=tmp_path)
            assert done.code == code
            assert f"--max-{option}" in done.err if code else done.err == ""
            assert done.out  # the report is printed all the same


def test_a_missed_bound_ends_the_process_with_one(continuous: Path, tmp_path: Path) -> None:
    done = run_flowgif("eval", continuous, "--quiet", "--max-gap", -1, cwd=tmp_path)
    assert done.code == 1
    assert "--max-gap" in done.err
    assert done.out


def test_eval_needs_the_original_no_more(tmp_path: Path, small: Path, run_here: Callable[..., Finished]) -> None:
    picture = tmp_path / "logo.png"
    shutil.copy(CAT, picture)
    assert run_here("train", "--img", picture, "--config", small, *TINY, cwd=tmp_path).code == 0
    picture.unlink()
    assert run_here("eval", "runs/logo", "--json", cwd=tmp_path).code == 0
    assert run_here("animate", "runs/logo", "--frames", 2, "--size", 64, cwd=tmp_path).code == 0


def test_stdout_carries_the_answer_and_quiet_says_nothing(
    tmp_path: Path, small: Path, run_here: Callable[..., Finished]
) -> None:
    train = ("train", "--data", "moons", "--config", small, *TINY)
    done = run_flowgif(*train, "--quiet", cwd=tmp_path)
    assert (done.out, done.err) == ("runs/moons\n", "")
    done = run_here(*train, "--force", "--json", cwd=tmp_path)
    assert json.loads(done.out)["run"] == "runs/moons"
    assert "\x1b" not in done.err
    done = run_here("animate", "--json", "-q", "--frames", 2, "--size", 64, cwd=tmp_path)
    answer = json.loads(done.out)
    assert (answer["frames"], answer["bytes"]) == (2, (tmp_path / answer["gif"]).stat().st_size)


@pytest.mark.parametrize("command", ["animate", "eval", "train --resume --out"])
@pytest.mark.parametrize("broken", ["weights.safetensors", "picture.png", "config.toml"])
def test_a_broken_run_is_named(
    workplace: Path, tmp_path: Path, run_here: Callable[..., Finished], command: str, broken: str
) -> None:
    if command.startswith("train") and broken == "weights.safetensors":
        broken = "resume.safetensors"
    shutil.copytree(workplace / "runs" / "cat", tmp_path / "run")
    (tmp_path / "run" / broken).write_bytes(b"\x00nonsense")
    done = run_here(*command.split(), "run", cwd=tmp_path)
    assert done.code == 2
    assert len(done.err.splitlines()) == 1, done.err
    assert f"run/{broken}" in done.err


def test_a_layered_model_goes_all_the_way(tmp_path: Path, run_here: Callable[..., Finished]) -> None:
    done = run_here("train", "--data", "moons", "--model", "spline", "--steps", 30, cwd=tmp_path)
    assert (done.code, done.out) == (0, "runs/moons\n"), done.err
    config = tomllib.loads((tmp_path / "runs/moons/config.toml").read_text())
    assert (config["model"]["name"], config["training"]["objective"]) == ("spline", "likelihood")
    done = run_here("eval", "--json", "-q", cwd=tmp_path)
    assert done.code == 0, done.err
    report = json.loads(done.out)
    assert list(report) == REPORT_KEYS
    assert report["model"] == "spline"
    assert report["nfe"] == config["model"]["layers"]
    assert 0 < report["gap"] < 1.65  # an untrained flow is at 1.70
    assert report["inversion_error"] < 1e-3
    assert "of the layers" in run_here("eval", cwd=tmp_path).out
    done = run_here("animate", "--frames", 4, "--size", 64, cwd=tmp_path)
    assert (done.code, done.out) == (0, "runs/moons/moons.gif\n"), done.err
    with Image.open(tmp_path / "runs/moons/moons.gif") as gif:
        assert getattr(gif, "n_frames", 1) > 1
