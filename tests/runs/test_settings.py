"""The settings of runs: of one that another starts from, of one that goes on, and where a new one goes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from settings import with_moons

import flowgif
from flowgif.config.recipes import MODELS
from flowgif.config.schema import RunConfig
from flowgif.errors import UnusableInput
from flowgif.runs.settings import read_settings


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
        flowgif.train(config, folder / name)
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
    first = flowgif.load(runs / name).run.config
    for flags in ({}, {"model": {"name": name}}):
        config = read_settings(None, {"training": {"from": runs / name}, **flags})
        assert config.model == first.model
        assert config.target == first.target
        assert config.training.steps == next(iter(MODELS[name].recipes.values())).steps
        assert config.training.seed == 0
    elsewhere = read_settings(None, {"target": {"data": "circles"}, "training": {"from": runs / name}})
    assert (elsewhere.target.data, elsewhere.model) == ("circles", first.model)


def test_weights_that_do_not_fit_the_models_size_are_refused(runs: Path, tmp_path: Path) -> None:
    config = read_settings(None, {"model": {"layers": 3}, "training": {"from": runs / "spline"}})
    with pytest.raises(UnusableInput, match=r"spline do not fit \[model\]"):
        flowgif.train(config, tmp_path / "run")
    assert not (tmp_path / "run").exists()
