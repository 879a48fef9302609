"""Each model has a recipe for each objective that trains it."""

from __future__ import annotations

from typing import Any

import pytest
from settings import MOONS, with_moons

from flowgif import names
from flowgif.config.models import ModelConfig
from flowgif.config.reading import read_config
from flowgif.config.recipes import KINETIC, MODELS


def test_the_table_has_the_models_that_help_names() -> None:
    assert list(MODELS) == list(names.MODELS)


@pytest.mark.parametrize("name", MODELS)
def test_a_model_is_found_by_the_name_in_its_settings(name: str) -> None:
    kind = MODELS[name]
    assert issubclass(kind.config, ModelConfig)
    assert kind.config.model_fields["name"].default == name
    assert kind.usual_objective in names.OBJECTIVES
    for objective, recipe in kind.recipes.items():
        assert objective in names.OBJECTIVES
        assert recipe.optimiser in names.OPTIMISERS
        assert (recipe.kinetic is None) == (recipe.jacobian is None)


@pytest.mark.parametrize("name", MODELS)
def test_a_model_alone_is_a_whole_config(name: str) -> None:
    config = read_config(None, with_moons({"name": name}))
    assert config.model.name == name
    objective, recipe = next(iter(MODELS[name].recipes.items()))
    training = config.training
    assert training.objective == objective
    assert (training.steps, training.batch_size, training.lr, training.optimiser) == (
        recipe.steps, recipe.batch_size, recipe.lr, recipe.optimiser,
    )  # fmt: skip
    assert (training.kinetic, training.jacobian) == (recipe.kinetic, recipe.jacobian)
    assert (training.kinetic is None) == (name != "ffjord")  # what a model has not is not written down


def test_without_a_model_it_is_ffjord() -> None:
    assert read_config(None, {"target": MOONS}).model.name == "ffjord"


def test_a_regulariser_is_on_unless_it_is_switched_off() -> None:
    kinetic: dict[str, Any] = {}
    for value in (None, 0.0, 0.5):
        kinetic[str(value)] = read_config(None, with_moons(kinetic=value)).training.kinetic
    assert kinetic == {"None": KINETIC, "0.0": 0.0, "0.5": 0.5}
