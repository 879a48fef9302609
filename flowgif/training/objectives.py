"""The table of objectives. A new objective is one row."""

from __future__ import annotations

from collections.abc import Callable

import torch

from flowgif import names
from flowgif.config.schema import TrainingConfig
from flowgif.flows.base import Flow
from flowgif.names import Table
from flowgif.training.base import Objective, Target
from flowgif.training.flow_matching import FlowMatching
from flowgif.training.likelihood import Likelihood

__all__ = ["OBJECTIVES", "Builder"]

# Makes the objective that fits a flow to a target by a resolved config. The generator, on the CPU, draws all that is
# random; the device is where the flow is.
Builder = Callable[[Flow, Target, TrainingConfig, torch.Generator, torch.device], Objective]

OBJECTIVES: Table[Builder] = Table(
    names.OBJECTIVES, {"flow-matching": FlowMatching.build, "likelihood": Likelihood.build}
)
