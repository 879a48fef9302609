"""A config's flow is built by its model's row, and a model from outside the package is one more row."""

from __future__ import annotations

from typing import Literal

import pytest
import torch

from flowgif.config.models import FFJORDConfig, ModelConfig
from flowgif.config.schema import RunConfig, TargetConfig, TrainingConfig
from flowgif.flows.base import Flow
from flowgif.flows.build import BUILDERS, build_flow, fit_config
from flowgif.flows.continuous.ffjord import NETWORKS
from flowgif.flows.discrete.actnorm import ActNorm
from flowgif.flows.discrete.chain import DiscreteFlow
from flowgif.flows.discrete.conditioner import ACTIVATIONS
from flowgif.names import Table
from flowgif.targets.toy import ToyTarget

MOONS = TargetConfig(data="moons")


@pytest.mark.parametrize("table", [BUILDERS, NETWORKS, ACTIVATIONS], ids=lambda table: table.names.setting)
def test_tables_have_the_rows_that_help_names(table: Table[object]) -> None:
    assert list(table) == list(table.names)


def _build(model: FFJORDConfig, seed: int = 0, target: str = "moons") -> Flow:
    config = RunConfig(target=TargetConfig(data=target), model=model, training=TrainingConfig(seed=seed))
    return build_flow(fit_config(config.resolved(), ToyTarget(target)))


@pytest.mark.parametrize("network", [None, "fourier"])
def test_the_seed_decides_the_weights(network: str | None) -> None:
    flows = [_build(FFJORDConfig(network=network), seed).state_dict() for seed in (3, 3, 4)]
    assert all(torch.equal(value, flows[1][name]) for name, value in flows[0].items())
    assert not torch.equal(flows[0]["field.first.weight"], flows[2]["field.first.weight"])
    if network is None:
        assert not torch.equal(flows[0]["field.table.weight"], flows[2]["field.table.weight"])


def test_a_config_is_fitted_to_the_target_where_it_leaves_the_choice() -> None:
    config, target = RunConfig(target=MOONS).resolved(), ToyTarget("moons")
    assert isinstance(config.model, FFJORDConfig)
    assert (config.model.finest, config.model.box, config.model.nodes) == (None, None, None)
    assert config.training.steps is None
    fitted = fit_config(config, target)
    assert isinstance(fitted.model, FFJORDConfig)
    assert fitted.model.aspect == pytest.approx(float(target.scale[0] / target.scale[1]), abs=1e-4)  # four digits
    assert None not in (fitted.model.finest, fitted.model.box, fitted.model.nodes)
    assert fitted.training.steps is not None
    assert fit_config(fitted, target) == fitted
    assert fit_config(fitted, ToyTarget("8gaussians")).model.box == fitted.model.box


def test_what_is_given_stays() -> None:
    model = FFJORDConfig(aspect=2.0, finest=0.5, box=(-5.0, -6.0, 7.0, 8.0))
    config = RunConfig(target=MOONS, model=model, training=TrainingConfig(steps=7)).resolved()
    fitted = fit_config(config, ToyTarget("moons"))
    assert isinstance(fitted.model, FFJORDConfig)
    assert (fitted.model.aspect, fitted.model.finest, fitted.model.box) == (2.0, 0.5, model.box)
    assert fitted.training.steps == 7


def test_a_network_without_grids_needs_only_the_aspect() -> None:
    config = RunConfig(target=MOONS, model=FFJORDConfig(network="fourier")).resolved()
    fitted = fit_config(config, ToyTarget("moons"))
    assert fitted.model == config.model.model_copy(update={"aspect": fitted.model.aspect})
    assert fitted.training == config.training


def test_a_flow_is_fitted_to_its_target_before_it_is_trained() -> None:
    flow = _build(FFJORDConfig())
    before = {name: value.clone() for name, value in flow.state_dict().items()}
    flow.fit_to(ToyTarget("moons"))
    changed = {name for name, value in flow.state_dict().items() if not torch.equal(value, before[name])}
    assert changed == {"field.places"}


class Scales(ModelConfig, frozen=True):
    """The settings of a made-up model."""

    name: Literal["scales"] = "scales"
    count: int = 3


def test_another_model_is_one_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BUILDERS, "_rows", dict(BUILDERS))
    monkeypatch.setattr(BUILDERS.names, "_names", list(BUILDERS.names))
    BUILDERS.register("scales", lambda config, generator: DiscreteFlow([ActNorm(1.0) for _ in range(config.count)]))
    config = RunConfig.model_construct(target=MOONS, model=Scales(), training=TrainingConfig())
    assert len(build_flow(config).layer_ends()) == 3
