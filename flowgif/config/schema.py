"""The settings of a run: typed, frozen, validated once, and kept with the weights.

A config file is TOML with the tables [target], [model] and [training]; paths in it are relative to it.
"""

from __future__ import annotations

import math
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, Self

import tomli_w
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from flowgif.errors import UnusableInput, did_you_mean

__all__ = [
    "MODELS",
    "ConditionerConfig",
    "FFJORDConfig",
    "GlowConfig",
    "ModelConfig",
    "RealNVPConfig",
    "RunConfig",
    "SplineConfig",
    "TargetConfig",
    "TrainingConfig",
    "parse_duration",
    "read_config",
]

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1, le=10**9, strict=True)]
Width = Annotated[int, Field(ge=4, le=4096, strict=True)]
Device = Literal["auto", "cpu", "cuda", "mps"]
Objective = Literal["flow-matching", "likelihood"]
Optimiser = Literal["adam", "muon"]
KINETIC = 0.01
DEFAULT_MODEL = "ffjord"

# Fourier features, their frequency, width and depth of the velocity network.
NETWORKS: dict[Objective, tuple[int, float, int, int]] = {
    "flow-matching": (128, 10.0, 112, 4),
    "likelihood": (64, 4.0, 64, 3),
}


_REPLACES = {
    "img": ("data", "noise"),
    "data": ("img", "invert", "threshold", "noise"),
    "steps": ("time_budget", "epochs"),
    "time_budget": ("steps", "epochs"),
    "epochs": ("steps", "time_budget"),
}


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class TargetConfig(_Table):
    """What is fitted: a picture or a data set, exactly one of them."""

    img: Path | None = None
    data: str | None = None
    noise: Annotated[float, Field(gt=0, le=1e6)] | None = None
    invert: bool | None = None
    threshold: Annotated[float, Field(ge=0, le=1)] | None = None
    max_side: Annotated[int, Field(ge=8, le=4096)] = 1024

    @model_validator(mode="after")
    def _one_target(self) -> Self:
        if self.img is None and self.data is None:
            raise ValueError("nothing to fit; give a picture (--img PATH) or a data set (--data NAME)")
        if self.img is not None and self.data is not None:
            raise ValueError("two targets; give a picture (--img PATH) or a data set (--data NAME), not both")
        if self.img is not None and self.noise is not None:
            raise ValueError("--noise goes with --data; a picture's components are half a pixel wide")
        if self.data is not None and (self.invert is not None or self.threshold is not None):
            raise ValueError("--invert and --threshold go with --img")
        return self


class FFJORDConfig(_Table):
    """The velocity network and how its ODE is solved; see ``flowgif.flows.continuous.ffjord``.

    Attributes:
        network: fourier, this project's own; or concatsquash, the FFJORD paper's, with tanh between its layers.
        features: number of Fourier frequencies.
        frequency: their standard deviation, radians per data unit.
        width, depth: of the hidden layers.
        end_time: of the paper's network before training, which fits it too; elsewhere time always ends at 1.
        aspect: how much finer details are along x than along y in data units; by default the target's own.
        divergence: exact, or Hutchinson's estimate with one noise vector a solve (training only).
        tolerance: of the solve that training by likelihood goes through, rtol and atol.
        solver: a solver of torchdiffeq, used for evaluation and animation.
        rtol, atol: its tolerances, where it is adaptive; 1e-7 keeps the inverse's error under 1e-3 data units.
        solver_steps: its number of steps, where it is not.
    """

    name: Literal["ffjord"] = "ffjord"
    network: Literal["fourier", "concatsquash"] = "fourier"
    features: Width | None = None
    frequency: Positive | None = None
    width: Width | None = None
    depth: Annotated[int, Field(ge=1, le=64, strict=True)] | None = None
    aspect: Positive | None = None
    end_time: Annotated[float, Field(gt=0, le=100)] = 1.0
    divergence: Literal["exact", "hutchinson"] = "exact"
    tolerance: Annotated[float, Field(gt=0, le=0.1)] = 1e-3
    solver: Literal["dopri5", "dopri8", "bosh3", "rk4", "midpoint", "euler"] = "dopri5"
    rtol: Positive = 1e-7
    atol: Positive = 1e-7
    solver_steps: Annotated[int, Field(ge=1, le=100_000, strict=True)] = 100

    def resolved(self, objective: Objective) -> FFJORDConfig:
        """With the network that suits the objective in the place of None.

        Flow matching affords a larger one: a step costs one evaluation, against some hundred through a solve.
        """
        features, frequency, width, depth = NETWORKS[objective]
        return self.model_copy(
            update={
                "features": self.features or features,
                "frequency": self.frequency or frequency,
                "width": self.width or width,
                "depth": self.depth or depth,
            }
        )


class ConditionerConfig(_Table):
    """What the flows made of coupling layers share; see ``flowgif.flows.discrete.coupling``.

    Attributes:
        layers: of the flow; a layer of Glow is one of its steps.
        features: number of Fourier frequencies of a network's one input; 0 for none.
        frequency: their standard deviation, radians per data unit.
        width, depth: of the hidden layers of each network.
        activation: between them.
        aspect: how much finer details are along x than along y in data units; by default the target's own.
    """

    layers: Annotated[int, Field(ge=1, le=200, strict=True)]
    features: Annotated[int, Field(ge=0, le=4096, strict=True)] = 0
    frequency: Positive = 3.0
    width: Width = 64
    depth: Annotated[int, Field(ge=1, le=64, strict=True)] = 2
    activation: Literal["silu", "relu", "tanh"] = "relu"
    aspect: Positive | None = None

    def resolved(self, objective: Objective) -> Self:
        """Itself: nothing hangs on the objective."""
        return self


class RealNVPConfig(ConditionerConfig):
    """RealNVP. ``scale_bound``: a layer's log-scale stays below it."""

    name: Literal["realnvp"] = "realnvp"
    layers: Annotated[int, Field(ge=1, le=200, strict=True)] = 20
    width: Width = 32
    scale_bound: Annotated[float, Field(gt=0, le=20)] = 2.0


class GlowConfig(ConditionerConfig):
    """Glow. ``scale_bound``: the log-scale of a coupling, and of an ActNorm, stays below it."""

    name: Literal["glow"] = "glow"
    layers: Annotated[int, Field(ge=1, le=200, strict=True)] = 16
    width: Width = 32
    scale_bound: Annotated[float, Field(gt=0, le=20)] = 2.0


class SplineConfig(ConditionerConfig):
    """Rational-quadratic splines with ``bins`` bins on [-bound, bound], data units."""

    name: Literal["spline"] = "spline"
    layers: Annotated[int, Field(ge=1, le=200, strict=True)] = 4
    features: Annotated[int, Field(ge=0, le=4096, strict=True)] = 32
    frequency: Positive = 6.0
    activation: Literal["silu", "relu", "tanh"] = "silu"
    bins: Annotated[int, Field(ge=2, le=256, strict=True)] = 32
    bound: Annotated[float, Field(gt=0, le=100)] = 4.5  # further out, in the cloud, are seven points of a million


ModelConfig = Annotated[FFJORDConfig | RealNVPConfig | GlowConfig | SplineConfig, Field(discriminator="name")]
MODELS: dict[str, type[FFJORDConfig | RealNVPConfig | GlowConfig | SplineConfig]] = {
    "ffjord": FFJORDConfig,
    "realnvp": RealNVPConfig,
    "glow": GlowConfig,
    "spline": SplineConfig,
}


class Recipe(NamedTuple):
    """What stands for None in a TrainingConfig."""

    steps: int
    batch_size: int
    lr: float
    optimiser: Optimiser


# What each model can be trained by, the usual objective first, and how where nothing else is said.
RECIPES: dict[str, dict[Objective, Recipe]] = {
    "ffjord": {
        "flow-matching": Recipe(1200, 2048, 0.04, "muon"),
        "likelihood": Recipe(400, 512, 0.005, "adam"),
    },
    "realnvp": {"likelihood": Recipe(2000, 1024, 0.005, "adam")},
    "glow": {"likelihood": Recipe(2000, 512, 0.008, "adam")},
    "spline": {"likelihood": Recipe(2000, 1024, 0.005, "adam")},
}


class TrainingConfig(_Table):
    """How it is fitted; None stands for the model's and objective's own value.

    Attributes:
        objective: what is minimised.
        steps, time_budget (seconds), epochs: one of them ends the training; an epoch is a pass over ``samples``.
        samples: likelihood sees only that many points of the target, drawn once; by default fresh ones every step.
        batch_size: points a step.
        lr: learning rate, the highest.
        optimiser: adam, or muon for the matrices between layers (with a quarter of the rate, adam for the others).
        schedule: linear, a short rise and a fall to zero at the end; or constant.
        kinetic, jacobian: weights of the regularisers of a continuous flow's likelihood.
        l2: weight of the sum of the networks' squared weights, biases left out, in the loss.
        seed: of weights, points and noise.
        device: where.
        start: the run whose weights are the first ones; ``from`` in a file.
    """

    objective: Objective | None = None
    steps: Count | None = None
    time_budget: Positive | None = None
    epochs: Count | None = None
    samples: Annotated[int, Field(ge=2, le=100_000_000, strict=True)] | None = None
    batch_size: Annotated[int, Field(ge=2, le=1_000_000, strict=True)] | None = None
    lr: Annotated[float, Field(gt=0, le=1e20)] | None = None
    optimiser: Optimiser | None = None
    schedule: Literal["linear", "constant"] = "linear"
    kinetic: NotNegative | None = None
    jacobian: NotNegative | None = None
    l2: NotNegative = 0.0
    seed: Annotated[int, Field(ge=0, lt=2**63, strict=True)] = 0
    device: Device = "auto"
    start: Annotated[Path | None, Field(alias="from")] = None

    @field_validator("time_budget", mode="before")
    @classmethod
    def _seconds(cls, value: object) -> object:
        return parse_duration(value) if isinstance(value, str) else value

    @model_validator(mode="after")
    def _one_end(self) -> Self:
        if sum(end is not None for end in (self.steps, self.time_budget, self.epochs)) > 1:
            raise ValueError("give one of steps, time_budget and epochs")
        if self.epochs is not None and self.samples is None:
            raise ValueError("an epoch is a pass over a number of points; give --samples too")
        return self

    @property
    def last_step(self) -> int | None:
        """At which step a resolved training ends, None where that depends on the time."""
        if self.epochs is None:
            return self.steps
        assert self.samples is not None
        assert self.batch_size is not None
        return self.epochs * math.ceil(self.samples / self.batch_size)


class RunConfig(_Table):
    """All of a run's settings."""

    target: TargetConfig
    model: ModelConfig = FFJORDConfig()
    training: TrainingConfig = TrainingConfig()

    @model_validator(mode="after")
    def _they_go_together(self) -> Self:
        name, training = self.model.name, self.training
        if training.objective is not None and training.objective not in RECIPES[name]:
            raise ValueError(f"{name} is trained by {', '.join(RECIPES[name])}; leave --objective out")
        if name != "ffjord" and (training.kinetic is not None or training.jacobian is not None):
            raise ValueError(f"--kinetic and --jacobian regularise a velocity, which {name} has not; leave them out")
        if self._objective == "flow-matching" and training.samples is not None:
            raise ValueError("flow matching uses the whole target; --samples goes with --objective likelihood")
        return self

    @property
    def _objective(self) -> Objective:
        return self.training.objective or next(iter(RECIPES[self.model.name]))

    def resolved(self) -> RunConfig:
        """With the model's and the objective's own values in the place of None."""
        objective, training = self._objective, self.training
        recipe = RECIPES[self.model.name][objective]
        ends = (training.steps, training.time_budget, training.epochs)
        updates: dict[str, Any] = {
            "objective": objective,
            "steps": training.steps or (None if any(ends) else recipe.steps),
            "batch_size": training.batch_size or recipe.batch_size,
            "lr": training.lr or recipe.lr,
            "optimiser": training.optimiser or recipe.optimiser,
        }
        if self.model.name == "ffjord":
            updates["kinetic"] = KINETIC if training.kinetic is None else training.kinetic
            updates["jacobian"] = training.jacobian or 0.0
        return self.model_copy(
            update={"training": training.model_copy(update=updates), "model": self.model.resolved(objective)}
        )

    def for_aspect(self, aspect: float) -> RunConfig:
        """With the target's aspect where none is set."""
        if self.model.aspect is not None:
            return self
        return self.model_copy(update={"model": self.model.model_copy(update={"aspect": round(aspect, 4)})})

    def to_toml(self) -> str:
        """What :func:`read_config` reads back."""
        tables = self.model_dump(mode="json", exclude_none=True, by_alias=True)
        return tomli_w.dumps(tables)


def _checked_duration(value: object) -> None:
    try:
        parse_duration(str(value))
    except ValueError as error:
        raise UnusableInput(f"--time-budget {value}: {error}") from None


def parse_duration(text: str) -> float:
    """'30s', '2m', '1.5h' or a bare number of seconds, in seconds.

    Raises:
        ValueError: it is neither, or not positive.
    """
    units = {"s": 1.0, "m": 60.0, "h": 3600.0}
    number, unit = (text[:-1], units[text[-1]]) if text and text[-1] in units else (text, 1.0)
    try:
        seconds = float(number) * unit
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise ValueError(f"'{text}' is no duration; write 30s, 2m or 1.5h")
    return seconds


def read_config(path: Path | None, flags: Mapping[str, Mapping[str, Any]]) -> RunConfig:
    """A config file with the command line's flags on top.

    Args:
        path: the file, or None for the defaults.
        flags: table -> key -> value; a value of None was not given.

    Raises:
        UnusableInput: the file cannot be read, or a key or a value in it or in the flags is wrong.
    """
    tables: dict[str, dict[str, Any]] = {}
    if path is not None:
        tables = _read_toml(path)
        for table, key in (("target", "img"), ("training", "from")):
            value = tables.get(table, {}).get(key)
            if isinstance(value, str):
                tables[table][key] = str(path.parent / os.path.expanduser(value))  # noqa: PTH111 (it never raises)
    for table, given in flags.items():
        _put_on_top(tables, table, {key: value for key, value in given.items() if value is not None})
    _take_from_start(tables)
    name = tables.setdefault("model", {}).setdefault("name", DEFAULT_MODEL)
    if not isinstance(name, str) or name not in MODELS:
        where = "--model" if flags.get("model", {}).get("name") else f"{path}: [model] name ="
        raise UnusableInput(f"{where} {name}: there is no such flow; {did_you_mean(str(name), MODELS)}")
    try:
        config = RunConfig.model_validate(tables)
    except ValidationError as error:
        raise UnusableInput(_one_line(error, path, flags)) from None
    return config.resolved()


def _put_on_top(tables: dict[str, dict[str, Any]], table: str, values: dict[str, Any]) -> None:
    here = tables.setdefault(table, {})
    if table == "model" and values.get("name", here.get("name", DEFAULT_MODEL)) != here.get("name", DEFAULT_MODEL):
        # Another model has settings of its own, and is not trained the same way.
        here.clear()
        for key in ("objective", "optimiser", "schedule", "lr", "steps", "epochs", "batch_size", "kinetic", "jacobian"):
            tables.get("training", {}).pop(key, None)
    for name, others in _REPLACES.items():
        # Another target, or another end of the training, takes what belongs to the old one away.
        if name in values and values[name] != here.get(name):
            for key in others:
                here.pop(key, None)
    here.update(values)
    if values.keys() >= {"steps", "time_budget"}:  # steps win, but a budget must be one
        _checked_duration(here.pop("time_budget"))


def _take_from_start(tables: dict[str, dict[str, Any]]) -> None:
    """The weights fit the model they were trained as, and the target goes with them unless another is given.

    Raises:
        UnusableInput: there is no such run, or the model is another.
    """
    start = tables.get("training", {}).get("from")
    complete = {"features", "frequency", "width", "depth"} <= tables.get("model", {}).keys()
    if isinstance(start, (str, Path)) and not (complete and tables.get("target", {}).keys() & {"img", "data"}):
        if not (Path(start) / "config.toml").is_file():
            raise UnusableInput(f"no run at {start}; make one with: flowgif train --img PICTURE")
        base = read_config(Path(start) / "config.toml", {})
        wanted = tables.get("model", {}).get("name", base.model.name)
        if wanted != base.model.name:
            raise UnusableInput(f"the weights in {start} are a {base.model.name}'s; leave --model {wanted} out")
        tables["model"] = base.model.model_dump() | tables.get("model", {})
        if not tables.get("target", {}).keys() & {"img", "data"}:
            tables["target"] = base.target.model_dump(exclude_none=True) | tables.get("target", {})


def _read_toml(path: Path) -> dict[str, dict[str, Any]]:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UnusableInput(f"no such config: {path}; check the path") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UnusableInput(f"{path} cannot be read as a config: {error}; give a TOML file") from None
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UnusableInput(f"{path} is no valid TOML: {error}; mend that line") from None
    for name, table in tables.items():
        if name not in RunConfig.model_fields:
            raise UnusableInput(f"{path}: unknown table or key '{name}'; {did_you_mean(name, RunConfig.model_fields)}")
        if not isinstance(table, dict):
            raise UnusableInput(f"{path}: '{name}' is a table; write [{name}]")
    return tables


def _one_line(error: ValidationError, path: Path | None, flags: Mapping[str, Mapping[str, Any]]) -> str:
    """pydantic's first complaint in the project's form: what and where, then the remedy."""
    first = error.errors()[0]
    message = first["msg"].removeprefix("Value error, ")
    table, *keys = [str(part) for part in first["loc"]] or [""]
    where = f"{path}: " if path is not None else ""
    if first["type"] == "missing":
        return f"{where}nothing to fit; give a picture (--img PATH) or a data set (--data NAME)"
    flow = keys.pop(0) if table == "model" and keys else DEFAULT_MODEL  # a union's location begins with its tag
    if not keys:  # a rule about several keys
        return f"{where}{message}"
    key = keys[0]
    if first["type"] == "extra_forbidden":
        if flags.get(table, {}).get(key) is not None:
            return f"--{key} does not go with --model {flow}; leave it out"
        model: type[BaseModel] = {"target": TargetConfig, "model": MODELS[flow], "training": TrainingConfig}[table]
        known = [field.alias or name for name, field in model.model_fields.items()]
        return f"{where}unknown key '{key}' in [{table}]; {did_you_mean(key, known)}"
    value = first["input"]
    if flags.get(table, {}).get(key) is not None:
        return f"--{key.replace('_', '-')} {value}: {message[0].lower()}{message[1:]}"
    return f"{where}[{table}] {key} = {value!r}: {message[0].lower()}{message[1:]}"
