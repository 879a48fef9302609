"""The models by name and their default training settings."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from flowgif import names
from flowgif.config.models import FFJORDConfig, GlowConfig, ModelConfig, RealNVPConfig, SplineConfig
from flowgif.names import Table

__all__ = ["KINETIC", "MODELS", "ModelKind", "Recipe"]

KINETIC = 0.01  # weight of the kinetic energy in a continuous flow's likelihood, if none is given


@dataclass(frozen=True)
class Recipe:
    """The values that stand for None in a TrainingConfig, and what else follows from a model and an objective.

    Attributes:
        steps: see TrainingConfig; or a function that returns them for the model's settings, None before these are
            fitted to the target.
        batch_size, lr, optimiser: see TrainingConfig.
        kinetic, jacobian: see TrainingConfig; None for a flow that has no velocity to regularise.
        takes_samples: whether ``samples`` may limit the training to a fixed number of points of the target.
        heavy: whether a step's operations are so large that an accelerator pays, as those of solves with gradients are.
            docs/figures.md has the times.
    """

    steps: int | Callable[[Any], int | None]
    batch_size: int
    lr: float
    optimiser: str
    kinetic: float | None = None
    jacobian: float | None = None
    takes_samples: bool = True
    heavy: bool = False

    def steps_for(self, model: ModelConfig) -> int | None:
        """Returns the number of steps for a model's settings; None if they are not fitted to a target yet."""
        return self.steps(model) if callable(self.steps) else self.steps


@dataclass(frozen=True)
class ModelKind:
    """A model that configs may name.

    Attributes:
        config: the class of the model's settings.
        recipes: the recipes by objective, the usual objective first. An objective from outside the package adds a
            recipe here, so that the model can be trained by it.
    """

    config: type[ModelConfig]
    recipes: dict[str, Recipe] = field(default_factory=dict[str, Recipe])

    @property
    def usual_objective(self) -> str:
        """The objective by which the model is trained if none is given."""
        return next(iter(self.recipes))


def flow_matching_steps(model: FFJORDConfig) -> int | None:
    """Returns a number of steps after which more steps gain little: a longer and finer outline needs more."""
    if model.network != "grid":
        return 1200
    return None if model.nodes is None else max(300, round(0.14 * math.sqrt(model.nodes)) * 100)


MODELS: Table[ModelKind] = Table(
    names.MODELS,
    {
        "ffjord": ModelKind(
            FFJORDConfig,
            {
                "flow-matching": Recipe(flow_matching_steps, 1024, 0.04, "muon", KINETIC, 0.0, takes_samples=False),
                "likelihood": Recipe(400, 256, 0.02, "muon", KINETIC, 0.0, heavy=True),
            },
        ),
        "realnvp": ModelKind(RealNVPConfig, {"likelihood": Recipe(2000, 2048, 0.01, "adam")}),
        "glow": ModelKind(GlowConfig, {"likelihood": Recipe(2000, 2048, 0.01, "adam")}),
        "spline": ModelKind(SplineConfig, {"likelihood": Recipe(2000, 4096, 0.005, "adam")}),
    },
)
