"""Settings: what goes together, what a flag on top takes away, and what is said of the rest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import flowgif
from flowgif.config.schema import MODELS, RECIPES, RunConfig, read_config
from flowgif.errors import UnusableInput

MOONS = {"data": "moons"}
DISCRETE = ["realnvp", "glow", "spline"]


def _flags(model: dict[str, Any] | None = None, **training: Any) -> dict[str, dict[str, Any]]:
    return {"target": MOONS, "model": model or {}, "training": training}


def _file(folder: Path, text: str) -> Path:
    path = folder / "c.toml"
    path.write_text('[target]\ndata = "moons"\n' + text)
    return path


def _read(folder: Path, text: str, **flags: dict[str, Any]) -> RunConfig:
    return read_config(_file(folder, text), flags)


@pytest.mark.parametrize("name", MODELS)
def test_a_model_alone_is_a_whole_config(name: str) -> None:
    config = read_config(None, _flags({"name": name}))
    assert config.model.name == name
    objective, recipe = next(iter(RECIPES[name].items()))
    training = config.training
    assert training.objective == objective
    assert (training.steps, training.batch_size, training.lr, training.optimiser) == tuple(recipe)
    assert (training.kinetic is None) == (name != "ffjord")  # what a model has not is not written down


def test_without_a_model_it_is_ffjord() -> None:
    assert read_config(None, {"target": MOONS}).model.name == "ffjord"


SETTINGS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "ffjord": ({"network": "concatsquash", "end_time": 0.5, "width": 8}, {"objective": "likelihood", "kinetic": 0.5}),
    "realnvp": (
        {"layers": 3, "features": 0, "activation": "relu", "scale_bound": 1.5, "aspect": 2.0},
        {"epochs": 2, "samples": 30, "l2": 0.25, "schedule": "constant", "optimiser": "muon"},
    ),
    "glow": ({"layers": 5, "width": 8, "frequency": 0.5}, {"time_budget": "2m"}),
    "spline": ({"layers": 2, "bins": 4, "bound": 2.5}, {"steps": 7, "samples": 30, "seed": 3}),
}


@pytest.mark.parametrize("name", SETTINGS)
def test_a_config_survives_its_file(name: str, tmp_path: Path) -> None:
    model, training = SETTINGS[name]
    config = read_config(None, _flags({"name": name, **model}, **training))
    for key, value in model.items():
        assert getattr(config.model, key) == value
    (tmp_path / "c.toml").write_text(config.to_toml())
    again = read_config(tmp_path / "c.toml", {})
    assert again == config
    assert type(again.model) is MODELS[name]
    assert again.to_toml() == config.to_toml()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[model]\nname = "realnpv"\n', r"c\.toml: \[model\] name = realnpv: .*did you mean 'realnvp'"),
        ("[model]\nname = 3\n", r"\[model\] name = 3: there is no such flow; known: ffjord, realnvp, glow, spline"),
        ('[model]\nname = ["glow"]\n', r"c\.toml: \[model\] name = .*there is no such flow"),
        ('[model]\nname = "realnvp"\nlayer = 3\n', r"unknown key 'layer' in \[model\]; did you mean 'layers'"),
        ('[model]\nname = "realnvp"\nbins = 3\n', r"unknown key 'bins' in \[model\]"),
        ('[model]\nname = "spline"\nbin = 3\n', r"unknown key 'bin' in \[model\]; did you mean 'bins'"),
        ("[model]\nlayers = 3\n", r"unknown key 'layers' in \[model\]"),
        ('[model]\nname = "glow"\nlayers = 0\n', r"c\.toml: \[model\] layers = 0"),
        ('[model]\nname = "glow"\nlayers = 1.5\n', r"\[model\] layers = 1.5"),
        ('[model]\nname = "spline"\nbins = 1\n', r"\[model\] bins = 1"),
        ('[model]\nname = "spline"\nbound = inf\n', r"\[model\] bound = inf"),
        ('[model]\nname = "realnvp"\nscale_bound = nan\n', r"\[model\] scale_bound = nan"),
        ('[model]\nname = "realnvp"\nactivation = "gelu"\n', r"\[model\] activation = 'gelu'.*'silu'"),
        ('[model]\nnetwork = "concat"\n', r"\[model\] network = 'concat'.*'concatsquash'"),
        ("[training]\nepochs = 3\n", "c.toml: an epoch is a pass over a number of points; give --samples"),
        ("[training]\nepoch = 3\n", r"unknown key 'epoch' in \[training\]; did you mean 'epochs'"),
        ('[training]\nschedule = "cosine"\n', r"\[training\] schedule = 'cosine'.*'constant'"),
        ('[training]\noptimiser = "sgd"\n', r"\[training\] optimiser = 'sgd'.*'muon'"),
        ("[training]\nl2 = -1.0\n", r"\[training\] l2 = -1"),
        ("[training]\nsamples = 100\n", "flow matching uses the whole target; --samples"),
        ('[training]\nsteps = 5\ntime_budget = "5s"\n', "one of steps, time_budget and epochs"),
        ("[training]\nsteps = 5\nepochs = 5\nsamples = 9\n", "one of steps, time_budget and epochs"),
        ('[training]\ntime_budget = "5s"\nepochs = 5\nsamples = 9\n', "one of steps, time_budget and epochs"),
    ],
)
def test_a_wrong_file_is_told_what_is_wrong(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(UnusableInput, match=message) as error:
        _read(tmp_path, text)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", DISCRETE)
@pytest.mark.parametrize(
    ("model", "training", "message"),
    [
        ({}, {"kinetic": 0.1}, "--kinetic and --jacobian .*{name}"),
        ({}, {"jacobian": 0.1}, "--kinetic and --jacobian .*{name}"),
        ({}, {"kinetic": 0.0}, "--kinetic and --jacobian .*{name}"),
        ({"divergence": "exact"}, {}, "--divergence does not go with --model {name}"),
        ({}, {"objective": "flow-matching"}, "{name} is trained by likelihood; leave --objective out"),
    ],
)
def test_a_layered_model_has_no_velocity(
    name: str, model: dict[str, Any], training: dict[str, Any], message: str
) -> None:
    with pytest.raises(UnusableInput, match=message.format(name=name)):
        read_config(None, _flags({"name": name, **model}, **training))


def test_flags_are_named_as_they_were_written() -> None:
    for training, message in (
        ({"epochs": 3}, "give --samples too"),
        ({"samples": 9}, "--samples goes with --objective likelihood"),
        ({"samples": 1, "objective": "likelihood"}, "--samples 1: "),
        ({"epochs": 2, "samples": 9, "time_budget": "3s", "objective": "likelihood"}, "one of steps, time_budget"),
        ({"epochs": 2, "samples": 9, "steps": 3, "objective": "likelihood"}, "one of steps, time_budget"),
        ({"l2": -1.0}, "--l2 -1"),
    ):
        with pytest.raises(UnusableInput, match=message):
            read_config(None, _flags(**training))
    with pytest.raises(UnusableInput, match="--model spine: there is no such flow; did you mean 'spline'"):
        read_config(None, _flags({"name": "spine"}))


FFJORD_FILE = """
[model]
network = "concatsquash"
width = 24
divergence = "hutchinson"
[training]
objective = "likelihood"
steps = 17
batch_size = 33
lr = 0.5
optimiser = "muon"
kinetic = 0.7
jacobian = 0.3
seed = 9
"""


@pytest.mark.parametrize("name", DISCRETE)
def test_another_model_on_top_drops_the_files_model_and_its_recipe(name: str, tmp_path: Path) -> None:
    config = _read(tmp_path, FFJORD_FILE, model={"name": name, "divergence": None})
    fresh = read_config(None, _flags({"name": name}, seed=9))
    assert config == fresh  # what is nobody's in particular, the seed, stays
    assert config.training.seed == 9
    # What the flags say themselves is not dropped.
    asked = _read(tmp_path, FFJORD_FILE, model={"name": name}, training={"steps": 5, "lr": 0.25})
    assert (asked.training.steps, asked.training.lr) == (5, 0.25)


def test_the_same_model_on_top_drops_nothing(tmp_path: Path) -> None:
    assert _read(tmp_path, FFJORD_FILE, model={"name": "ffjord"}) == _read(tmp_path, FFJORD_FILE)
    assert _read(tmp_path, FFJORD_FILE).model.width == 24  # a file without a name is ffjord's
    text = '[model]\nname = "spline"\nbins = 5\n[training]\nlr = 0.5\n'
    config = _read(tmp_path, text, model={"name": "spline"})
    assert (getattr(config.model, "bins", None), config.training.lr) == (5, 0.5)


def test_ffjord_on_top_of_a_layered_model_is_ffjord(tmp_path: Path) -> None:
    text = '[model]\nname = "spline"\nbins = 5\n[training]\nlr = 0.5\nsteps = 3\n'
    config = _read(tmp_path, text, model={"name": "ffjord"})
    assert config == read_config(None, _flags({"name": "ffjord"}))


ENDS = {"steps": "steps = 5", "time_budget": 'time_budget = "1h"', "epochs": "epochs = 5"}
VALUES = {"steps": 8, "time_budget": "2m", "epochs": 8}
READ = {"steps": 8, "time_budget": 120.0, "epochs": 8}


@pytest.mark.parametrize("flag", VALUES)
@pytest.mark.parametrize("stored", ENDS)
def test_an_end_on_top_replaces_the_files(stored: str, flag: str, tmp_path: Path) -> None:
    text = f'[model]\nname = "glow"\n[training]\nsamples = 20\nbatch_size = 8\n{ENDS[stored]}\n'
    training = _read(tmp_path, text, training={flag: VALUES[flag]}).training
    for end, value in READ.items():
        assert getattr(training, end) == (value if end == flag else None)
    assert training.samples == 20
    # Eight passes over twenty points in batches of eight.
    assert training.last_step == {"steps": 8, "time_budget": None, "epochs": 24}[flag]


def test_epochs_are_the_only_end_when_they_are_given() -> None:
    training = read_config(None, _flags({"name": "glow"}, epochs=2, samples=9)).training
    assert (training.steps, training.time_budget) == (None, None)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    for name in ("ffjord", "spline"):
        size = {"layers": 2} if name == "spline" else {}
        config = read_config(None, _flags({"name": name, "width": 8, **size}, steps=2, batch_size=16, seed=4))
        flowgif.train(config, folder / name)
    return folder


@pytest.mark.parametrize(("start", "wanted"), [("ffjord", "spline"), ("spline", "realnvp"), ("spline", "ffjord")])
def test_the_weights_of_another_model_are_refused(runs: Path, start: str, wanted: str, tmp_path: Path) -> None:
    message = f"the weights in .*{start} are a {start}'s; leave --model {wanted} out"
    with pytest.raises(UnusableInput, match=message):
        read_config(None, {"model": {"name": wanted}, "training": {"from": runs / start}})
    with pytest.raises(UnusableInput, match=message):
        _read(tmp_path, f'[model]\nname = "{wanted}"\n', training={"from": runs / start})


@pytest.mark.parametrize("name", ["ffjord", "spline"])
def test_a_start_brings_its_model_and_target_but_not_its_recipe(runs: Path, name: str) -> None:
    first = flowgif.load(runs / name).run.config
    for flags in ({}, {"model": {"name": name}}):
        config = read_config(None, {"training": {"from": runs / name}, **flags})
        assert config.model == first.model
        assert config.target == first.target
        assert config.training.steps == next(iter(RECIPES[name].values())).steps
        assert config.training.seed == 0
    elsewhere = read_config(None, {"target": {"data": "circles"}, "training": {"from": runs / name}})
    assert (elsewhere.target.data, elsewhere.model) == ("circles", first.model)


def test_weights_that_do_not_fit_the_models_size_are_refused(runs: Path, tmp_path: Path) -> None:
    config = read_config(None, {"model": {"layers": 3}, "training": {"from": runs / "spline"}})
    with pytest.raises(UnusableInput, match=r"spline do not fit \[model\]"):
        flowgif.train(config, tmp_path / "run")
    assert not (tmp_path / "run").exists()
