"""Flows on another device: torch's meta device has shapes without numbers, and refuses tensors of the CPU."""

from __future__ import annotations

import inspect

import pytest
import torch

from flowgif.config.models import FFJORDConfig, ModelConfig, RealNVPConfig, SplineConfig
from flowgif.config.schema import RunConfig, TargetConfig, TrainingConfig
from flowgif.flows.base import ContinuousFlow, Flow
from flowgif.flows.build import build_flow, fit_config
from flowgif.flows.continuous.ffjord import FFJORD
from flowgif.targets.toy import ToyTarget

META = torch.device("meta")


def _flow(model: ModelConfig) -> Flow:
    target = ToyTarget("moons")
    training = TrainingConfig(seed=0)
    config = fit_config(RunConfig(target=TargetConfig(data="moons"), model=model, training=training).resolved(), target)
    flow = build_flow(config)
    flow.fit_to(target)
    return flow.to(META)


@pytest.mark.parametrize("network", ["grid", "fourier", "concatsquash"])
def test_a_velocity_and_its_gradients_stay_on_the_device(network: str) -> None:
    flow = _flow(FFJORDConfig(network=network))
    assert isinstance(flow, ContinuousFlow)
    x, time = torch.empty(10, 2, device=META), torch.empty(10, device=META)
    for prepared in flow.prepare(x, time, 4):
        velocity = flow.velocity_of(prepared)
        assert velocity.device == META
        velocity.sum().backward()
    assert all(p.grad is not None and p.grad.device == META for p in flow.parameters())
    assert isinstance(flow, FFJORD)
    derivatives = flow.field.derivatives(x, time)
    assert derivatives.divergence().device == derivatives.velocity.device == META
    derivatives.divergence().sum().backward()


def test_one_time_of_all_points_is_a_number_to_the_grids() -> None:
    flow = _flow(FFJORDConfig(network="grid"))
    assert isinstance(flow, FFJORD)
    derivatives = flow.field.derivatives(torch.empty(10, 2, device=META), torch.tensor(0.7))
    assert derivatives.divergence().device == derivatives.velocity.device == META


@pytest.mark.parametrize("model", [RealNVPConfig(), SplineConfig()], ids=lambda model: model.name)
def test_layers_stay_on_the_device(model: ModelConfig) -> None:
    flow = _flow(model)
    # What lies around it looks at the points' values, which there are none of.
    mapped = inspect.unwrap(type(flow).to_base)(flow, torch.empty(10, 2, device=META))
    assert mapped.point.device == mapped.ladj.device == META
    mapped.ladj.sum().backward()
    assert all(p.grad is None or p.grad.device == META for p in flow.parameters())
