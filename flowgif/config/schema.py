"""The settings of a run: typed, frozen, validated once, and kept with the weights.

A config file is TOML with the tables [target], [model] and [training]; paths in it are relative to it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Self

import tomli_w
from pydantic import Field, SerializeAsAny, field_validator, model_validator

from flowgif import names
from flowgif.config.fields import Count, Mark, NotNegative, Positive, Replaces, Settings, one_of
from flowgif.config.models import (
    FFJORDConfig,
    ModelConfig,
)
from flowgif.config.recipes import MODELS, Recipe
from flowgif.errors import did_you_mean
from flowgif.files.reading import STDIN
from flowgif.units import parse_duration

__all__ = [
    "RunConfig",
    "TargetConfig",
    "TrainingConfig",
]

DEFAULT_MODEL = "ffjord"
MOST_WEIGHTS = 20_000_000  # with what training keeps besides, half a gigabyte
_OF_PICTURES = ("ink", "invert", "threshold", "frame")  # settings of pictures alone


class TargetConfig(Settings, frozen=True):
    """The target of a fit: a picture, a text or a data set, exactly one of them.

    Attributes:
        img: the picture's path; - stands for standard input.
        text: a text to draw as a picture; new lines may be written as \\n.
        font: the file of the text's font; None stands for DejaVu Sans Bold.
        data: the data set's name.
        noise: standard deviation of a data set's noise, in its own units; by default the set's own.
        ink: what counts as a picture's ink, a name of :data:`flowgif.names.INKS`; None stands for auto.
        invert: the older setting for it: True stands for light, False for dark.
        threshold: share of the strongest ink above which ink counts as 1; ink below it counts as 0.
        frame: which frame or page of the picture is taken, from 1; None stands for the first.
        max_side: the longer side to which a larger picture is shrunk, and that of an SVG's or a text's drawing, pixels;
            None stands for 1024, and for 512 of a drawing.
    """

    img: Annotated[Path | None, Mark.PATH, Replaces(("text", "font", "data", "noise", "frame"))] = None
    text: Annotated[str | None, Replaces(("img", "data", "noise", "frame"))] = None
    font: Annotated[Path | None, Mark.PATH] = None
    data: Annotated[str | None, Replaces(("img", "text", "font", "noise", *_OF_PICTURES))] = None
    noise: Annotated[float, Field(gt=0, le=1e6)] | None = None
    ink: Annotated[Annotated[str, one_of(names.INKS)] | None, Replaces(("invert",))] = None
    invert: Annotated[bool | None, Replaces(("ink",))] = None
    threshold: Annotated[float, Field(ge=0, le=1)] | None = None
    frame: Count | None = None
    max_side: Annotated[int, Field(ge=8, le=4096)] | None = None

    @model_validator(mode="after")
    def _check_one_target(self) -> Self:
        given = [name for name in names.TARGETS if getattr(self, name, None) is not None]
        ways = "a picture (--img PATH), a text (--text TEXT) or a data set (--data NAME)"
        if not given:
            raise ValueError(f"nothing to fit; give {ways}")
        if len(given) > 1:
            raise ValueError(f"two targets; give {ways}, not two of them")
        if self.data is None and self.noise is not None:
            raise ValueError("--noise goes with --data; a picture's components are half a pixel wide")
        if self.data is not None and any(value is not None for value in (self.ink, self.invert, self.threshold)):
            raise ValueError("--ink, --invert and --threshold go with --img and --text")
        if self.ink is not None and self.invert is not None:
            raise ValueError("--invert is --ink light, and --no-invert is --ink dark; give one of them")
        if self.img is None and self.frame is not None:
            raise ValueError("--frame goes with --img")
        if self.text is None and self.font is not None:
            raise ValueError("--font goes with --text")
        return self

    @property
    def kind_of_ink(self) -> str:
        """What counts as the picture's ink, a name of :data:`flowgif.names.INKS`."""
        if self.invert is not None:
            return "light" if self.invert else "dark"
        return self.ink or "auto"

    @property
    def source(self) -> str:
        """What reports call the target: the picture's path, stdin, the text, or the data set's name."""
        if self.text is not None:
            shown = self.text.replace("\n", r"\n")
            return f'text "{shown}"'
        return "stdin" if self.img == STDIN else str(self.img or self.data)


class TrainingConfig(Settings, frozen=True):
    """The settings of training; None stands for the usual value of the model and the objective.

    Attributes:
        objective: the quantity to minimise.
        steps, time_budget (seconds), epochs: one of them ends the training; an epoch is a pass over ``samples``.
        samples: the number of the target's points that likelihood uses, drawn once; by default fresh points every step.
        batch_size: number of points per step.
        lr: peak learning rate.
        optimiser: adam; or muon for the matrices between layers, and adam with a quarter of the rate for the others.
        schedule: linear, a short rise and a fall to zero at the end; or constant.
        kinetic, jacobian: weights of the regularisers of a continuous flow's likelihood.
        l2: weight in the loss of the sum of the networks' squared weights, biases left out.
        seed: the seed of weights, points and noise.
        device: the device on which the flow is trained.
        start: the run whose weights training starts from; ``from`` in a file.
    """

    objective: Annotated[Annotated[str, one_of(names.OBJECTIVES)] | None, Mark.OF_MODEL] = None
    steps: Annotated[Count | None, Mark.OF_MODEL, Mark.RESUMABLE, Replaces(("time_budget", "epochs"))] = None
    time_budget: Annotated[Positive | None, Mark.GENERAL, Mark.RESUMABLE, Replaces(("steps", "epochs"))] = None
    epochs: Annotated[Count | None, Mark.OF_MODEL, Mark.RESUMABLE, Replaces(("steps", "time_budget"))] = None
    samples: Annotated[Annotated[int, Field(ge=2, le=100_000_000, strict=True)] | None, Mark.OF_MODEL] = None
    batch_size: Annotated[Annotated[int, Field(ge=2, le=1_000_000, strict=True)] | None, Mark.OF_MODEL] = None
    lr: Annotated[Annotated[float, Field(gt=0, le=1e20)] | None, Mark.OF_MODEL] = None
    optimiser: Annotated[Annotated[str, one_of(names.OPTIMISERS)] | None, Mark.OF_MODEL] = None
    schedule: Annotated[str, one_of(names.SCHEDULES), Mark.OF_MODEL] = "linear"
    kinetic: Annotated[NotNegative | None, Mark.OF_MODEL] = None
    jacobian: Annotated[NotNegative | None, Mark.OF_MODEL] = None
    l2: Annotated[NotNegative, Mark.GENERAL] = 0.0
    seed: Annotated[int, Field(ge=0, lt=2**63, strict=True), Mark.GENERAL] = 0
    device: Annotated[str, one_of(names.DEVICES), Mark.GENERAL, Mark.RESUMABLE] = "auto"
    start: Annotated[Path | None, Field(alias="from"), Mark.GENERAL, Mark.PATH] = None

    @field_validator("time_budget", mode="before")
    @classmethod
    def _read_duration(cls, value: object) -> object:
        return parse_duration(value) if isinstance(value, str) else value

    @model_validator(mode="after")
    def _check_one_end(self) -> Self:
        if sum(end is not None for end in (self.steps, self.time_budget, self.epochs)) > 1:
            raise ValueError("give one of steps, time_budget and epochs")
        if self.epochs is not None and self.samples is None:
            raise ValueError("an epoch is a pass over a number of points; give --samples too")
        return self

    @property
    def last_step(self) -> int | None:
        """The step at which a resolved training ends; None if the end depends on the time."""
        if self.epochs is None:
            return self.steps
        assert self.samples is not None
        assert self.batch_size is not None
        return self.epochs * math.ceil(self.samples / self.batch_size)

    def resolved(self, objective: str, recipe: Recipe, model: ModelConfig) -> Self:
        """Returns these settings with None replaced by the recipe's values for a model."""
        ends = (self.steps, self.time_budget, self.epochs)
        usual = {
            "objective": objective,
            "steps": None if any(ends) else recipe.steps_for(model),
            "batch_size": recipe.batch_size,
            "lr": recipe.lr,
            "optimiser": recipe.optimiser,
            "kinetic": recipe.kinetic,
            "jacobian": recipe.jacobian,
        }
        return self.model_copy(update={key: value for key, value in usual.items() if getattr(self, key) is None})


class RunConfig(Settings, frozen=True):
    """All settings of a run."""

    target: TargetConfig
    model: SerializeAsAny[ModelConfig] = FFJORDConfig()
    training: TrainingConfig = TrainingConfig()

    @field_validator("model", mode="before")
    @classmethod
    def _read_model(cls, value: object) -> object:
        """Reads the table by the class of the model that it names, so that registered models work too."""
        if not isinstance(value, Mapping):
            return value
        table: dict[str, Any] = {"name": DEFAULT_MODEL, **value}
        name = table["name"]
        if not isinstance(name, str) or name not in MODELS:
            raise ValueError(f"name = {name}: there is no such flow; {did_you_mean(str(name), MODELS)}")
        return MODELS[name].config.model_validate(table)

    @model_validator(mode="after")
    def _check_they_go_together(self) -> Self:
        name, training, recipes = self.model.name, self.training, MODELS[self.model.name].recipes
        if training.objective is not None and training.objective not in recipes:
            raise ValueError(f"{name} is trained by {', '.join(recipes)}; leave --objective out")
        recipe = self.recipe
        if recipe.kinetic is None and (training.kinetic is not None or training.jacobian is not None):
            raise ValueError(f"--kinetic and --jacobian regularise a velocity, which {name} has not; leave them out")
        if not recipe.takes_samples and training.samples is not None:
            by = self._objective.replace("-", " ")
            raise ValueError(f"{by} uses the whole target; --samples goes with --objective likelihood")
        if (weights := self.model.resolved(self._objective).count_weights()) > MOST_WEIGHTS:
            raise ValueError(f"the flow would have {weights / 1e6:.0f} million weights, more than 20; make it smaller")
        return self

    @property
    def _objective(self) -> str:
        return self.training.objective or MODELS[self.model.name].usual_objective

    @property
    def recipe(self) -> Recipe:
        """What follows from the model and the objective."""
        return MODELS[self.model.name].recipes[self._objective]

    def resolved(self) -> Self:
        """Returns these settings with the model's and the objective's usual values in the place of None."""
        objective = self._objective
        model = self.model.resolved(objective)
        training = self.training.resolved(objective, self.recipe, model)
        return self.model_copy(update={"training": training, "model": model})

    def to_toml(self) -> str:
        """Returns the settings as TOML, which :func:`flowgif.config.reading.read_config` reads back."""
        tables = self.model_dump(mode="json", exclude_none=True, by_alias=True)
        return tomli_w.dumps(tables)
