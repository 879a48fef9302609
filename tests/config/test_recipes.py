"""Each model has a recipe for each objective that trains it."""

from __future__ import annotations

from typing import Any

import pytest
from settings import MOONS, with_moons

from flowgif import names
from flowgif.config.models import FFJORDConfig, ModelConfig
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
    assert training.steps == recipe.steps_for(config.model)
    # The steps of the default network depend on the target, which only training reads.
    assert (training.steps is None) == (name == "ffjord")
    assert (training.batch_size, training.lr, training.optimiser) == (recipe.batch_size, recipe.lr, recipe.optimiser)
    assert (training.kinetic, training.jacobian) == (recipe.kinetic, recipe.jacobian)
    assert (training.kinetic is None) == (name != "ffjord")  # what a model has not is not written down


def test_steps_may_be_a_number_or_follow_from_the_settings() -> None:
    numbers = MODELS["spline"].recipes["likelihood"]
    assert numbers.steps_for(MODELS["spline"].config(name="spline")) == numbers.steps
    steps_for = MODELS["ffjord"].recipes["flow-matching"].steps_for
    grids = FFJORDConfig(network="grid")
    assert steps_for(grids) is None
    counts = [steps_for(grids.model_copy(update={"nodes": nodes})) for nodes in (1, 100, 1_000, 10_000, 90_000)]
    known = [count for count in counts if count is not None]
    assert len(known) == len(counts)
    assert known == sorted(known)
    assert known[0] > 0
    assert known[-1] > 2 * known[0]
    # Other networks have no nodes.
    assert steps_for(FFJORDConfig(network="fourier")) == steps_for(FFJORDConfig(network="fourier", nodes=9))
    assert isinstance(steps_for(FFJORDConfig(network="fourier")), int)


@pytest.mark.parametrize(
    ("objective", "network"), [(None, "grid"), ("flow-matching", "grid"), ("likelihood", "fourier")]
)
def test_the_objective_decides_the_network_unless_it_is_given(objective: str | None, network: str) -> None:
    flags = {} if objective is None else {"objective": objective}
    chosen = read_config(None, with_moons(**flags)).model
    assert isinstance(chosen, FFJORDConfig)
    assert chosen.network == network
    for given in ("grid", "fourier"):
        model = read_config(None, with_moons({"network": given}, **flags)).model
        assert isinstance(model, FFJORDConfig)
        assert model.network == given
        assert (model.channels is None) == (given != "grid")
        assert (model.features is None) == (given != "fourier")
        assert model.width is not None


def test_without_a_model_it_is_ffjord() -> None:
    assert read_config(None, {"target": MOONS}).model.name == "ffjord"


def test_a_regulariser_is_on_unless_it_is_switched_off() -> None:
    kinetic: dict[str, Any] = {}
    for value in (None, 0.0, 0.5):
        kinetic[str(value)] = read_config(None, with_moons(kinetic=value)).training.kinetic
    assert kinetic == {"None": KINETIC, "0.0": 0.0, "0.5": 0.5}
