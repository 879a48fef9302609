"""What a newer value takes the place of."""

from __future__ import annotations

from pathlib import Path

import pytest
from settings import DISCRETE, read, with_moons

from flowgif.config.patch import DEFAULTS, FLAGS, ConfigLayer, Key, Origin, PartialConfig
from flowgif.config.reading import read_config

FILE = Origin(ConfigLayer.FILE, Path("c.toml"))


def _merged(older: dict[str, dict[str, object]], newer: dict[str, dict[str, object]]) -> dict[str, dict[str, object]]:
    tables = PartialConfig.of(older, FILE).updated(PartialConfig.of(newer, FLAGS)).tables()
    return {table: values for table, values in tables.items() if values}


def test_a_value_knows_its_origin() -> None:
    defaults = PartialConfig.of({"model": {"name": "ffjord"}}, DEFAULTS)
    file = PartialConfig.of({"training": {"lr": 0.5, "seed": 3}}, FILE)
    merged = defaults.updated(file).updated(PartialConfig.of({"training": {"lr": 0.25, "steps": None}}, FLAGS))
    assert {key.name: origin for key, (_, origin) in merged.settings.items()} == {
        "name": DEFAULTS, "lr": FLAGS, "seed": FILE,
    }  # fmt: skip
    assert FILE.describe(Key("training", "batch_size"), 3) == "c.toml: [training] batch_size = 3"
    assert FLAGS.describe(Key("training", "batch_size"), 3) == "--batch-size 3"
    assert FLAGS.describe(Key("model", "name"), "glow") == "--model glow"


@pytest.mark.parametrize(
    ("older", "newer", "kept"),
    [
        ({"data": "moons", "noise": 0.1}, {"img": "x.png"}, {}),
        ({"data": "moons", "noise": 0.1}, {"data": "circles"}, {}),
        ({"data": "moons", "noise": 0.1}, {"data": "moons"}, {"noise": 0.1}),
        ({"img": "x.png", "invert": True, "max_side": 64}, {"img": "y.png"}, {"invert": True, "max_side": 64}),
        ({"img": "x.png", "invert": True}, {"ink": "dark"}, {"img": "x.png"}),
        ({"img": "x.png", "ink": "dark"}, {"invert": True}, {"img": "x.png"}),
        ({"img": "x.png", "threshold": 0.5, "max_side": 64}, {"data": "moons"}, {"max_side": 64}),
    ],
)
def test_another_target_takes_the_place_of_the_older_one(
    older: dict[str, object], newer: dict[str, object], kept: dict[str, object]
) -> None:
    assert _merged({"target": older}, {"target": newer}) == {"target": {**kept, **newer}}


def test_patches_stay_as_they_are() -> None:
    older = PartialConfig.of({"target": {"data": "moons", "noise": 0.1}}, FILE)
    before = dict(older.settings)
    older.updated(PartialConfig.of({"target": {"data": "circles"}}, FLAGS))
    assert dict(older.settings) == before


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
    config = read(tmp_path, FFJORD_FILE, model={"name": name, "divergence": None})
    fresh = read_config(None, with_moons({"name": name}, seed=9))
    assert config == fresh  # what is nobody's in particular, the seed, stays
    assert config.training.seed == 9
    # What the flags say themselves is not dropped.
    asked = read(tmp_path, FFJORD_FILE, model={"name": name}, training={"steps": 5, "lr": 0.25})
    assert (asked.training.steps, asked.training.lr) == (5, 0.25)


def test_the_same_model_on_top_drops_nothing(tmp_path: Path) -> None:
    assert read(tmp_path, FFJORD_FILE, model={"name": "ffjord"}) == read(tmp_path, FFJORD_FILE)
    assert read(tmp_path, FFJORD_FILE).model.width == 24  # a file without a name is ffjord's
    text = '[model]\nname = "spline"\nbins = 5\n[training]\nlr = 0.5\n'
    config = read(tmp_path, text, model={"name": "spline"})
    assert (getattr(config.model, "bins", None), config.training.lr) == (5, 0.5)


def test_ffjord_on_top_of_a_layered_model_is_ffjord(tmp_path: Path) -> None:
    text = '[model]\nname = "spline"\nbins = 5\n[training]\nlr = 0.5\nsteps = 3\n'
    config = read(tmp_path, text, model={"name": "ffjord"})
    assert config == read_config(None, with_moons({"name": "ffjord"}))


@pytest.mark.parametrize("name", ["ffjord", "spline"])
def test_another_model_on_top_drops_the_samples_of_the_files_model(name: str, tmp_path: Path) -> None:
    text = '[model]\nname = "glow"\n[training]\nsamples = 300\nepochs = 2\nl2 = 0.5\ntime_budget = "2m"\n'
    text = text.replace("epochs = 2\n", "")
    training = read(tmp_path, text, model={"name": name}).training
    assert training.samples is None
    assert (training.l2, training.time_budget) == (0.5, 120)  # they make sense for any model
    asked = {"samples": 30, "objective": "likelihood"}
    assert read(tmp_path, text, model={"name": name}, training=asked).training.samples == 30


ENDS = {"steps": "steps = 5", "time_budget": 'time_budget = "1h"', "epochs": "epochs = 5"}
VALUES = {"steps": 8, "time_budget": "2m", "epochs": 8}
READ = {"steps": 8, "time_budget": 120.0, "epochs": 8}


@pytest.mark.parametrize("flag", VALUES)
@pytest.mark.parametrize("stored", ENDS)
def test_an_end_on_top_replaces_the_files(stored: str, flag: str, tmp_path: Path) -> None:
    text = f'[model]\nname = "glow"\n[training]\nsamples = 20\nbatch_size = 8\n{ENDS[stored]}\n'
    training = read(tmp_path, text, training={flag: VALUES[flag]}).training
    for end, value in READ.items():
        assert getattr(training, end) == (value if end == flag else None)
    assert training.samples == 20
    # Eight passes over twenty points in batches of eight.
    assert training.last_step == {"steps": 8, "time_budget": None, "epochs": 24}[flag]
