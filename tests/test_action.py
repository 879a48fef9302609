"""The steps of action.yml, as GitHub would run them: expressions become values, and shell lines run in order."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import CAT, ROOT
from PIL import Image
from scripts import BARE, copy_checkout, put_cheap_flowgif

ACTION = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
STEPS: list[dict[str, Any]] = ACTION["runs"]["steps"]
EXPRESSION = re.compile(r"\$\{\{ (\S+) \}\}")
# GitHub's for `shell: bash`.
BASH = ("bash", "--noprofile", "--norc", "-e", "-o", "pipefail")
# In the place of flowgif: it only writes down what it is given, as one line of JSON.
LISTS = f"""#!{sys.executable}
import json, os, sys
with open(os.environ["LISTED"], "a") as file:
    print(json.dumps(sys.argv[1:]), file=file)
outs = [word.removeprefix("--out=") for word in sys.argv if word.startswith("--out=")]
print(json.dumps({{"gif": outs[0] if outs else "", "gap": 0.5}}))
"""
# What a shell would obey or take apart, if it were not in quotes.
HOSTILE = "$(touch hacked)`touch hacked`'\";touch hacked; * #\n--force"


@dataclass
class Runner:
    """A machine of GitHub's, on which jobs use the action.

    Attributes:
        workspace: the folder in which steps run.
        temporary: the folder that is empty when a job begins, but for what caches restore.
        env: the variables that steps have besides their own.
        without: what a step must not hold to be run.
        checkout: the folder of the action.
        caches: the keys that have been saved.
    """

    workspace: Path
    temporary: Path
    env: dict[str, str]
    without: str | None = None
    checkout: Path = ROOT
    caches: set[str] = field(default_factory=set)
    said: str = ""

    def use(self, **inputs: str) -> dict[str, str]:
        """Uses the action with inputs; returns its outputs. A failed step ends the job with its exit code."""
        given = {name: str(row.get("default", "")) for name, row in ACTION["inputs"].items()}
        assert inputs.keys() <= given.keys()
        self.values = {f"inputs.{name}": value for name, value in {**given, **inputs}.items()}
        try:
            for step in STEPS:
                if self._is_wanted(step):
                    self._run(step)
        finally:
            outputs = {name: self.evaluate(row["value"]) for name, row in ACTION["outputs"].items()}
        return outputs

    def evaluate(self, text: str) -> str:
        """Puts the values of expressions into a text; GitHub takes nothing for what is unknown."""
        for name in EXPRESSION.findall(text):
            assert name in self.values or name.startswith("steps."), name
        return EXPRESSION.sub(lambda found: self.values.get(found[1], ""), text)

    def _is_wanted(self, step: dict[str, Any]) -> bool:
        if self.without is not None and self.without in step.get("run", ""):
            return False
        if "if" not in step:
            return True
        (name, value) = re.fullmatch(r"(\S+) != '(\w+)'", step["if"]).groups()
        return self.values.get(name, "") != value

    def _run(self, step: dict[str, Any]) -> None:
        if "uses" in step:
            self._cache(step)
            return
        (self.temporary / "output").write_bytes(b"")
        env = {name: self.evaluate(value) for name, value in step.get("env", {}).items()}
        script = self.temporary / "script.sh"
        script.write_text(step["run"])
        done = subprocess.run(
            [*BASH, script],
            env={
                **self.env, **env, "GITHUB_OUTPUT": str(self.temporary / "output"),
                "GITHUB_ACTION_PATH": str(self.checkout), "RUNNER_TEMP": str(self.temporary),
            },
            cwd=self.workspace, capture_output=True, text=True, check=False, timeout=1800,
        )  # fmt: skip
        self.said = done.stderr
        output = (self.temporary / "output").read_text("utf-8", "surrogateescape")
        for name, _, value in re.findall(r"^(\S+?)<<(\S+)\n(.*?)\n\2$", output, re.MULTILINE | re.DOTALL):
            self.values[f"steps.{step['id']}.outputs.{name}"] = value
        assert not re.sub(r"^(\S+?)<<(\S+)\n(.*?)\n\2\n", "", output, flags=re.MULTILINE | re.DOTALL)
        done.check_returncode()

    def _cache(self, step: dict[str, Any]) -> None:
        if not step["uses"].startswith("actions/cache/"):
            return
        path, key = self.evaluate(step["with"]["path"]), self.evaluate(step["with"]["key"])
        assert Path(path).parent == self.temporary
        assert key
        if "/save@" in step["uses"]:
            assert key not in self.caches
            assert self.without is not None or Path(path).exists()
            self.caches.add(key)
        else:
            self.values[f"steps.{step['id']}.outputs.cache-hit"] = str(key in self.caches).lower()


def _runner(folder: Path, **env: str) -> Runner:
    """Returns a runner with an empty workspace, and a folder for a program that takes the place of flowgif."""
    for name in ("workspace", "temporary", "bin"):
        (folder / name).mkdir()
    path = os.pathsep.join([str(folder / "bin"), str(Path(sys.executable).parent), os.environ["PATH"]])
    return Runner(folder / "workspace", folder / "temporary", {**os.environ, "PATH": path, **env}, "pip install")


@pytest.fixture
def runner(tmp_path: Path, small: Path) -> Runner:
    """A runner that has this flowgif already, made cheap."""
    runner = _runner(tmp_path)
    put_cheap_flowgif(tmp_path / "bin", small)
    return runner


@pytest.fixture
def lister(tmp_path: Path) -> Runner:
    """A runner whose flowgif only writes down what it is given."""
    runner = _runner(tmp_path, LISTED=str(tmp_path / "listed"))
    (tmp_path / "bin" / "flowgif").write_text(LISTS)
    (tmp_path / "bin" / "flowgif").chmod(0o755)
    return runner


def _listed(runner: Runner) -> list[list[str]]:
    return [json.loads(line) for line in Path(runner.env["LISTED"]).read_text("utf-8").splitlines()]


@pytest.mark.slow
def test_the_action_trains_animates_and_evaluates(runner: Runner) -> None:
    """With a bound that is missed, which the outputs tell all the same; the next job trains nothing anew."""
    shutil.copy(CAT, runner.workspace / "my cat.png")
    with pytest.raises(subprocess.CalledProcessError) as failed:
        runner.use(**{"img": "my cat.png", "max-gap": "0.0001"})
    assert failed.value.returncode == 1, runner.said
    assert "above --max-gap" in runner.said
    gap = runner.values["steps.eval.outputs.gap"]
    assert (runner.workspace / "my cat.gif").read_bytes().startswith(b"GIF89a")
    assert {path.name for path in runner.workspace.iterdir()} == {"my cat.gif", "my cat.png"}
    (weights,) = runner.temporary.glob("flowgif-run-*/weights.safetensors")
    written = weights.stat().st_mtime_ns
    assert len(runner.caches) == 2
    assert runner.use(**{"img": "my cat.png", "max-gap": "10"}) == {"gif": "my cat.gif", "gap": gap}
    assert weights.stat().st_mtime_ns == written
    assert len(runner.caches) == 2


@pytest.mark.parametrize("name", ["-logo.png", "[x]*.png", f"folder of {HOSTILE}/{HOSTILE}.png"])
def test_an_input_is_one_word_of_a_command(lister: Runner, name: str) -> None:
    picture = lister.workspace / name
    picture.parent.mkdir(exist_ok=True)
    picture.touch()
    inputs = dict.fromkeys(("model", "style", "preset", "max-gap"), f"-{HOSTILE}")
    assert lister.use(img=name, out=f"{name}.svg", **inputs) == {"gif": f"{name}.svg", "gap": "0.5"}
    run = lister.values["steps.names.outputs.run"]
    assert _listed(lister) == [
        ["train", f"--img={name}", f"--model=-{HOSTILE}", f"--out={run}", "--skip-existing", "--force"],
        ["animate", run, f"--out={name}.svg", f"--style=-{HOSTILE}", f"--preset=-{HOSTILE}", "--json"],
        ["eval", run, f"--max-gap=-{HOSTILE}", "--json"],
    ]
    assert not [*lister.workspace.rglob("hacked")]


def test_inputs_that_are_not_given_are_no_options(lister: Runner) -> None:
    (lister.workspace / "logos").mkdir()
    (lister.workspace / "logos" / "-cat.old.png").touch()
    assert lister.use(img="logos/-cat.old.png")["gif"] == "-cat.old.gif"
    run = lister.values["steps.names.outputs.run"]
    assert _listed(lister) == [
        ["train", "--img=logos/-cat.old.png", f"--out={run}", "--skip-existing", "--force"],
        ["animate", run, "--out=-cat.old.gif", "--json"],
        ["eval", run, "--json"],
    ]


def test_a_picture_that_is_not_there_costs_nothing(lister: Runner) -> None:
    with pytest.raises(subprocess.CalledProcessError) as failed:
        lister.use(img="none.png")
    assert failed.value.returncode == 2
    assert "no such picture: none.png" in lister.said
    assert not Path(lister.env["LISTED"]).exists()
    assert not lister.caches


def test_runs_are_cached_by_picture_model_and_version(lister: Runner) -> None:
    shutil.copy(CAT, lister.workspace / "cat.png")
    shutil.copy(CAT, lister.workspace / "other name.png")

    def keys(**inputs: str) -> tuple[str, str]:
        lister.use(**inputs)
        return lister.values["steps.names.outputs.package-key"], lister.values["steps.names.outputs.run-key"]

    package, run = keys(img="cat.png")
    assert keys(img="other name.png", style="density", out="x.gif") == (package, run)
    assert keys(img="cat.png", model="glow") != (package, run)
    others = {keys(img="cat.png", model="glow"), keys(img="cat.png", version="0.1.0")}
    Image.open(CAT).resize((64, 64)).save(lister.workspace / "cat.png")
    others.add(keys(img="cat.png"))
    assert len({each for _, each in others} | {run}) == 4
    assert len({each for each, _ in others} | {package}) == 2


def test_no_expression_is_pasted_into_a_script() -> None:
    assert ACTION["runs"]["using"] == "composite"
    scripts = [step["run"] for step in STEPS if "run" in step]
    assert len(scripts) > 4
    assert not any("${{" in script for script in scripts)


def test_actions_of_others_are_pinned_to_bytes() -> None:
    lines = re.findall(r"^.*uses: (.+)$", (ROOT / "action.yml").read_text("utf-8"), re.MULTILINE)
    assert len(lines) == sum("uses" in step for step in STEPS) > 3
    for line in lines:
        assert re.fullmatch(r"actions/[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line)


def test_every_input_is_used_and_described() -> None:
    used = {name for step in STEPS for value in step.get("env", {}).values() for name in EXPRESSION.findall(value)}
    assert {name.removeprefix("inputs.") for name in used if name.startswith("inputs.")} == {*ACTION["inputs"]}
    assert all(row["description"] for row in (*ACTION["inputs"].values(), *ACTION["outputs"].values()))


@pytest.mark.slow
def test_all_steps_run_on_a_bare_machine(runner: Runner) -> None:
    """Also the installation, with nothing of this environment but pip's settings."""
    runner.env = {**BARE, "HOME": str(Path.home())}
    runner.without = None
    runner.checkout = copy_checkout(runner.workspace.parent)
    Image.open(CAT).resize((32, 32)).save(runner.workspace / "small cat.png")
    inputs = {"img": "small cat.png", "max-gap": "2", "model": "spline"}
    outputs = runner.use(**inputs)
    assert outputs["gif"] == "small cat.gif"
    assert 0 < float(outputs["gap"]) < 2
    assert len(runner.caches) == 2
    assert runner.use(**inputs) == outputs
