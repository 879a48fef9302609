"""Builds the flow that a config names. A new kind of flow is one row of :data:`BUILDERS`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from flowgif.config.models import FFJORDConfig
from flowgif.config.schema import RunConfig
from flowgif.flows.base import Flow, Ink
from flowgif.flows.continuous.ffjord import FFJORD, NETWORKS
from flowgif.flows.discrete.glow import glow
from flowgif.flows.discrete.realnvp import realnvp
from flowgif.flows.discrete.spline import spline_flow
from flowgif.names import MODELS, Table

__all__ = ["BUILDERS", "Builder", "build_flow", "chosen_for", "fit_config"]

# Makes an untrained flow from its model's resolved config; the generator draws the weights.
Builder = Callable[[Any, torch.Generator], Flow]

BUILDERS: Table[Builder] = Table(
    MODELS,
    {"ffjord": FFJORD.from_config, "realnvp": realnvp, "glow": glow, "spline": spline_flow},
)


def fit_config(config: RunConfig, target: Ink) -> RunConfig:
    """Returns a resolved config with the settings that follow from the target, unless they are given.

    Args:
        config: the settings.
        target: the target that the config names.
    """
    model = config.model
    if model.aspect is None:
        model = model.model_copy(update={"aspect": round(float(target.scale[0] / target.scale[1]), 4)})
    # A flow that starts from a run keeps that run's grids, because its weights belong to them.
    if isinstance(model, FFJORDConfig) and (model.nodes is None or config.training.start is None):
        assert model.network is not None
        model = NETWORKS.find(model.network).fit_config(model, target)
    return config.model_copy(update={"model": model}).resolved()


def chosen_for(given: RunConfig, fitted: RunConfig, target: Ink) -> tuple[str, ...]:
    """Says in a sentence what was chosen for a target.

    Args:
        given: the settings before :func:`fit_config`.
        fitted: the settings after it.
        target: the target.

    Returns:
        The sentence; nothing if nothing was chosen.
    """
    model, training = fitted.model, fitted.training
    parts: list[str] = []
    if isinstance(model, FFJORDConfig) and model.finest is not None and given.model != model:
        pixels = model.finest / (2 * float(target.std.prod().sqrt()))
        parts.append(f"{model.nodes} nodes near the outline, down to {pixels:.2g} pixels apart")
    if training.steps is not None and given.training.steps is None:
        parts.append(f"{training.steps} steps of {training.batch_size} points")
    return (f"chosen for it: {', '.join(parts)}",) if parts else ()


def build_flow(config: RunConfig) -> Flow:
    """Builds the untrained flow of a resolved config; the config's seed determines the weights.

    Raises:
        UnusableInput: no flow has the model's name.
    """
    build = BUILDERS.find(config.model.name)
    return build(config.model, torch.Generator().manual_seed(config.training.seed))
