"""The table of objectives. A new objective is one row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

from flowgif import names
from flowgif.config.schema import TrainingConfig
from flowgif.flows.base import Flow
from flowgif.names import Table
from flowgif.training.base import Objective, Target
from flowgif.training.flow_matching import FlowMatching
from flowgif.training.likelihood import Likelihood

__all__ = ["OBJECTIVES", "Builder", "ObjectiveKind"]

# Makes the objective that fits a flow to a target by a resolved config. The generator, on the CPU, makes all random
# draws; the device is the flow's.
Builder = Callable[[Flow, Target, TrainingConfig, torch.Generator, torch.device], Objective]


@dataclass(frozen=True)
class ObjectiveKind:
    """A row of OBJECTIVES.

    Attributes:
        build: makes the objective.
        loss: a description of the loss, for plots.
        unit: the unit of the loss.
        is_nll: whether the loss is a negative log-likelihood, which is never below the target's entropy.
    """

    build: Builder
    loss: str
    unit: str
    is_nll: bool = False


OBJECTIVES: Table[ObjectiveKind] = Table(
    names.OBJECTIVES,
    {
        "flow-matching": ObjectiveKind(
            FlowMatching.build, "weighted mean squared error of the velocity", "data units² / time²"
        ),
        "likelihood": ObjectiveKind(Likelihood.build, "negative log-likelihood", "nats", is_nll=True),
    },
)
