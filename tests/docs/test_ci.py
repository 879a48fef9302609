"""docs/ci.md: its workflow, and its script with all that it installs."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest
import yaml
from conftest import CAT, ROOT
from documents import DOCUMENTS, Script, read_blocks, read_steps
from PIL import Image
from scripts import copy_checkout, run_script

from flowgif.errors import ExitCode

PAGE = DOCUMENTS["ci.md"]
TEXT = PAGE.read_text("utf-8")
ACTION = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
WORKFLOW, ARTIFACT, GITLAB = (yaml.safe_load(block) for block in read_blocks(PAGE, "yaml"))
NAMED = [step for step in read_steps(PAGE) if isinstance(step, Script) and step.name]


def test_the_workflow_uses_inputs_and_outputs_that_exist() -> None:
    steps = WORKFLOW["jobs"]["gif"]["steps"]
    (ours,) = (step for step in steps if "flowgif@" in step.get("uses", ""))
    assert ours["with"].keys() <= ACTION["inputs"].keys()
    assert all(isinstance(value, str) for value in ours["with"].values())
    used = re.findall(r"steps\.(\w+)\.outputs\.(\w+)", json.dumps([steps, ARTIFACT]))
    assert len(used) == 2
    assert {step for step, _ in used} == {ours["id"]}
    assert {name for _, name in used} <= ACTION["outputs"].keys()
    assert not any("${{" in step.get("run", "") for step in steps)


def test_the_page_lists_all_inputs_and_outputs() -> None:
    cells = re.findall(r"^\| (`.+?`) \| ", TEXT, re.MULTILINE)
    assert {name for cell in cells for name in re.findall(r"`([^`]+)`", cell)} == {
        *ACTION["inputs"],
        *ACTION["outputs"],
    }


def test_the_page_explains_every_exit_code() -> None:
    cells = re.findall(r"^\| ([\d, ]+) \| ", TEXT, re.MULTILINE)
    assert {int(code) for cell in cells for code in cell.split(",")} == {*map(int, ExitCode), 137}


def test_the_workflow_pushes_a_gif_that_has_changed(tmp_path: Path) -> None:
    (script,) = (step["run"] for step in WORKFLOW["jobs"]["gif"]["steps"] if "run" in step)
    env = {
        "PATH": os.environ["PATH"], "HOME": str(tmp_path), "GIT_CONFIG_NOSYSTEM": "1", "GIF": "-my logo.gif",
    }  # fmt: skip

    def git(*words: str) -> str:
        done = subprocess.run(
            ["git", "-c", "user.name=x", "-c", "user.email=x@y", "-C", tmp_path / "work", *words],
            env=env, capture_output=True, text=True, check=True,
        )  # fmt: skip
        return done.stdout

    def push() -> None:
        subprocess.run(["bash", "-e", "-c", script], env=env, cwd=tmp_path / "work", check=True, capture_output=True)

    subprocess.run(["git", "init", "--quiet", "--bare", tmp_path / "origin"], env=env, check=True)
    subprocess.run(["git", "clone", "--quiet", tmp_path / "origin", tmp_path / "work"], env=env, check=True)
    git("commit", "--quiet", "--allow-empty", "--message", "first")
    git("push", "--quiet", "--set-upstream", "origin", "HEAD")
    (tmp_path / "work" / "-my logo.gif").write_bytes(b"GIF89a")
    push()
    push()
    assert git("log", "--format=%s", "@{upstream}").splitlines() == ["The GIF of the logo", "first"]
    assert git("show", "--name-only", "--format=", "@{upstream}") == "-my logo.gif\n"


def test_others_run_the_script_of_the_page() -> None:
    (script,) = NAMED
    users = [json.dumps(GITLAB), *read_blocks(PAGE, "groovy"), *read_blocks(PAGE, "crontab")]
    assert len(users) == 3
    assert all(f"bash {script.name}" in user and "FLOWGIF" in user for user in users)


@pytest.mark.slow
def test_the_script_makes_a_gif_on_a_bare_machine(tmp_path: Path) -> None:
    """With all that it installs, and a training of full length."""
    (script,) = NAMED
    checkout = str(copy_checkout(tmp_path))
    Image.open(CAT).resize((64, 64)).save(tmp_path / "logo.png")
    first = run_script(script, tmp_path, FLOWGIF=checkout)
    assert first.code == 0, first.err
    assert (tmp_path / "logo.gif").read_bytes().startswith(b"GIF89a")
    gap = json.loads((tmp_path / "logo.json").read_text())["gap"]
    assert first.out == f"runs/logo\nlogo.gif\nthe gap is {gap} nats\n"
    weights = tmp_path / "runs" / "logo" / "weights.safetensors"
    written = weights.stat().st_mtime_ns
    assert run_script(script, tmp_path, FLOWGIF=checkout).out == first.out
    assert weights.stat().st_mtime_ns == written
