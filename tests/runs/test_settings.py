"""The settings of runs: of one that another starts from, of one that goes on, and where a new one goes."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from settings import with_moons

from flowgif import session
from flowgif.config.schema import RunConfig
from flowgif.errors import UnusableInput
from flowgif.flows.build import build_flow, fit_config
from flowgif.runs.directory import Run, open_target
from flowgif.runs.settings import default_folder, newest_run, read_settings, settings_of, settings_to_resume
from flowgif.runs.writer import RunWriter


def _read(folder: Path, text: str, **flags: dict[str, Any]) -> RunConfig:
    path = folder / "c.toml"
    path.write_text('[target]\ndata = "moons"\n' + text)
    return read_settings(path, flags)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    for name in ("ffjord", "spline"):
        size = {"layers": 2} if name == "spline" else {}
        config = read_settings(None, with_moons({"name": name, "width": 8, **size}, steps=2, batch_size=16, seed=4))
        target = open_target(config)
        config = fit_config(config, target)
        flow = build_flow(config)
        flow.fit_to(target)
        with RunWriter(folder / name) as writer:
            writer.start(config, target, flow)
            writer.write({}, flow.state_dict(), [])
    return folder


@pytest.mark.parametrize(("start", "wanted"), [("ffjord", "spline"), ("spline", "realnvp"), ("spline", "ffjord")])
def test_the_weights_of_another_model_are_refused(runs: Path, start: str, wanted: str, tmp_path: Path) -> None:
    message = f"the weights in .*{start} are a {start}'s; leave --model {wanted} out"
    with pytest.raises(UnusableInput, match=message):
        read_settings(None, {"model": {"name": wanted}, "training": {"from": runs / start}})
    with pytest.raises(UnusableInput, match=message):
        _read(tmp_path, f'[model]\nname = "{wanted}"\n', training={"from": runs / start})


@pytest.mark.parametrize("name", ["ffjord", "spline"])
def test_a_start_brings_its_model_and_target_but_not_its_recipe(runs: Path, name: str) -> None:
    first, fresh = settings_of(runs / name), read_settings(None, with_moons({"name": name}))
    fresh = fit_config(fresh, open_target(fresh))
    for flags in ({}, {"model": {"name": name}}):
        config = read_settings(None, {"training": {"from": runs / name}, **flags})
        assert config.model == first.model
        assert config.target == first.target
        assert config.training.steps == fresh.training.steps
        assert config.training.steps != first.training.steps
        assert config.training.seed == 0
    elsewhere = read_settings(None, {"target": {"data": "circles"}, "training": {"from": runs / name}})
    assert (elsewhere.target.data, elsewhere.model) == ("circles", first.model)


def test_weights_that_do_not_fit_the_models_size_are_refused(runs: Path, tmp_path: Path) -> None:
    config = read_settings(None, {"model": {"layers": 3}, "training": {"from": runs / "spline"}})
    with pytest.raises(UnusableInput, match=r"spline do not fit \[model\]"):
        session.train(config, tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"training": {"lr": 0.1}}, "was trained with lr = 0.005; --resume cannot change it"),
        ({"training": {"from": Path("a")}}, "was trained with from = None"),
        ({"target": {"data": "circles"}}, "was trained with data = moons"),
        ({"target": {"img": Path("x.png")}}, "was trained with img = None"),
        ({"model": {"name": "glow"}}, "was trained with name = spline"),
    ],
)
def test_a_training_that_goes_on_keeps_its_settings(
    runs: Path, changes: dict[str, dict[str, Any]], message: str
) -> None:
    with pytest.raises(UnusableInput, match=message):
        settings_to_resume(runs / "spline", changes)


def test_a_training_that_goes_on_may_end_and_run_elsewhere(runs: Path) -> None:
    before = settings_of(runs / "spline")
    repeated = {"target": {"data": "moons"}, "model": {"name": "spline"}, "training": {"lr": 0.005, "steps": 2}}
    assert settings_to_resume(runs / "spline", repeated) == before
    changed = settings_to_resume(runs / "spline", {"training": {"time_budget": "2m", "device": "cpu"}})
    assert (changed.training.steps, changed.training.time_budget, changed.training.device) == (None, 120, "cpu")
    updates = {"steps": 2, "time_budget": None, "device": "auto"}
    assert changed.training.model_copy(update=updates) == before.training


def test_a_run_goes_where_its_target_says(runs: Path, tmp_path: Path) -> None:
    (tmp_path / "configs").mkdir()
    assert default_folder(Path("imgs/cat.png"), None) == Path("runs/cat")
    assert default_folder(Path("-"), None) == Path("runs/stdin")
    for text, name in (
        ("Hello,\\n World!", "Hello-World"),
        ("../x", "x"),
        ("→", "run"),
        ("ab " * 50, "ab-" * 13 + "a"),
    ):
        assert default_folder(None, None, text=text) == Path("runs") / name
    for odd in ("...png", "..png", ". .png"):  # they lead nowhere outside of runs/
        assert default_folder(Path(odd), None).parent == Path("runs")
        assert default_folder(Path(odd), None).name.strip(". ")
    assert default_folder(None, "moons") == Path("runs/moons")
    assert default_folder(None, "moons", config=tmp_path / "configs" / "mine.toml") == Path("runs/mine")
    assert default_folder(None, "moons", start=runs / "spline") == Path("runs/spline-continued")
    # A run's config does not name what it was made from; its picture, or its data set, does.
    assert default_folder(None, "moons", config=runs / "spline" / "config.toml") == Path("runs/moons")
    assert default_folder(runs / "spline" / "picture.png", None) == Path("runs/spline")


def test_the_newest_run_is_the_one_that_was_trained_last(runs: Path, tmp_path: Path) -> None:
    assert newest_run(runs) == runs / "spline"
    run = Run.open(runs / "ffjord")
    with RunWriter(run.folder) as writer:
        writer.go_on(run, run.config, 0)
        writer.write({}, run.flow().state_dict(), [])
    assert newest_run(runs) == runs / "ffjord"
    with pytest.raises(UnusableInput, match="no run in "):
        newest_run(tmp_path)


def test_a_copied_run_is_not_the_newest(runs: Path, tmp_path: Path) -> None:
    for name, written in (("first", 100), ("second", 200), ("copy", 300)):
        shutil.copytree(runs / ("ffjord" if name == "copy" else "spline"), tmp_path / name)
        os.utime(tmp_path / name / "weights.safetensors", (written, written))
    for name, trained in (("first", 1), ("second", 2), ("copy", 1)):
        _record(tmp_path / name, trained=f"2026-01-0{trained}T12:00:00+00:00")
    assert newest_run(tmp_path) == tmp_path / "second"
    # Of equal times, that of the original.
    _record(tmp_path / "copy", trained="2026-01-02T12:00:00+00:00")
    assert newest_run(tmp_path) == tmp_path / "second"


def test_a_run_that_records_no_time_has_its_files(runs: Path, tmp_path: Path) -> None:
    for name in ("old", "new"):
        shutil.copytree(runs / "spline", tmp_path / name)
    _record(tmp_path / "old", trained=None, created="no time")
    _record(tmp_path / "new", trained=None, created="2026-01-01T12:00:00+00:00")
    os.utime(tmp_path / "old" / "weights.safetensors", (1, 1))
    assert newest_run(tmp_path) == tmp_path / "new"
    (tmp_path / "old" / "provenance.json").unlink()
    os.utime(tmp_path / "old" / "weights.safetensors", (2**31, 2**31))
    assert newest_run(tmp_path) == tmp_path / "old"


def _record(folder: Path, **entries: str | None) -> None:
    path = folder / "provenance.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | entries))
