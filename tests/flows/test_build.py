"""A config's flow is built by its model's row, and a model from outside the package is one more row."""

from __future__ import annotations

from typing import Literal

import pytest
import torch

from flowgif.config.models import ModelConfig
from flowgif.config.schema import RunConfig, TargetConfig, TrainingConfig
from flowgif.flows.build import BUILDERS, build_flow
from flowgif.flows.continuous.ffjord import NETWORKS
from flowgif.flows.discrete.actnorm import ActNorm
from flowgif.flows.discrete.chain import DiscreteFlow
from flowgif.flows.discrete.conditioner import ACTIVATIONS
from flowgif.names import Table

MOONS = TargetConfig(data="moons")


@pytest.mark.parametrize("table", [BUILDERS, NETWORKS, ACTIVATIONS], ids=lambda table: table.names.setting)
def test_tables_have_the_rows_that_help_names(table: Table[object]) -> None:
    assert list(table) == list(table.names)


def test_the_seed_decides_the_weights() -> None:
    flows = [
        build_flow(RunConfig(target=MOONS, training=TrainingConfig(seed=seed)).resolved()).state_dict()
        for seed in (3, 3, 4)
    ]
    assert all(torch.equal(value, flows[1][name]) for name, value in flows[0].items())
    assert not torch.equal(flows[0]["field.first.weight"], flows[2]["field.first.weight"])


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
