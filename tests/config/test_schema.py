"""A config keeps what it was given, says when it ends, and knows which of its fields belong to a model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from settings import with_moons

from flowgif.config.fields import Mark, Replaces, fields_by_key, marks
from flowgif.config.models import SplineConfig
from flowgif.config.reading import read_config
from flowgif.config.recipes import MODELS
from flowgif.config.schema import RunConfig, TargetConfig, TrainingConfig


@pytest.mark.parametrize("key", fields_by_key(TrainingConfig))
def test_every_field_of_the_training_belongs_to_a_model_or_is_general(key: str) -> None:
    declared = marks(fields_by_key(TrainingConfig)[key], Mark)
    assert (Mark.OF_MODEL in declared) != (Mark.GENERAL in declared)


@pytest.mark.parametrize("table", [TargetConfig, TrainingConfig])
def test_fields_replace_fields_that_exist(table: type[TargetConfig | TrainingConfig]) -> None:
    fields = fields_by_key(table)
    for key, field in fields.items():
        for replaces in marks(field, Replaces):
            assert key not in replaces.keys
            assert set(replaces.keys) <= set(fields)


def test_paths_are_marked() -> None:
    """So that they are read relative to the file that names them."""
    for table in (TargetConfig, TrainingConfig, *(kind.config for kind in MODELS.values())):
        for key, field in fields_by_key(table).items():
            assert (Mark.PATH in marks(field, Mark)) == ("Path" in str(field.annotation)), key


def test_a_model_may_be_given_as_a_table_or_as_an_object() -> None:
    table = {"name": "spline", "bins": 4}
    as_table = RunConfig.model_validate({"target": {"data": "moons"}, "model": table})
    as_object = RunConfig(target=TargetConfig(data="moons"), model=SplineConfig(bins=4))
    assert as_table == as_object
    assert as_object.model_dump()["model"]["bins"] == 4
    with pytest.raises(ValidationError, match="there is no such flow; did you mean 'spline'"):
        RunConfig.model_validate({"target": {"data": "moons"}, "model": {"name": "splin"}})
    with pytest.raises(ValidationError, match="frozen"):
        as_object.model.aspect = 2.0  # type: ignore[misc]


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
    config = read_config(None, with_moons({"name": name, **model}, **training))
    for key, value in model.items():
        assert getattr(config.model, key) == value
    (tmp_path / "c.toml").write_text(config.to_toml())
    again = read_config(tmp_path / "c.toml", {})
    assert again == config
    assert type(again.model) is MODELS[name].config
    assert again.to_toml() == config.to_toml()


def test_epochs_are_the_only_end_when_they_are_given() -> None:
    training = read_config(None, with_moons({"name": "glow"}, epochs=2, samples=9)).training
    assert (training.steps, training.time_budget) == (None, None)


@pytest.mark.parametrize(
    ("settings", "kind"),
    [({}, "auto"), ({"ink": "alpha"}, "alpha"), ({"invert": True}, "light"), ({"invert": False}, "dark")],
)
def test_the_older_setting_of_ink_still_counts(settings: dict[str, Any], kind: str) -> None:
    assert TargetConfig(img=Path("x.png"), **settings).kind_of_ink == kind


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"img": Path("x.png"), "ink": "dark", "invert": True}, "give one of them"),
        ({"data": "moons", "ink": "dark"}, "--ink, --invert and --threshold go with --img"),
        ({"img": Path("x.png"), "ink": "pale"}, "'auto', 'alpha', 'dark', 'light' or 'difference'"),
    ],
)
def test_settings_of_ink_that_cannot_be(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        TargetConfig(**settings)
