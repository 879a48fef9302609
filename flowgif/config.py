"""The settings of a run: typed, frozen, validated once, and kept with the weights.

A config file is TOML with the tables [target], [model] and [training]; paths in it are relative to it.
"""

from __future__ import annotations

import math
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import tomli_w
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from flowgif.errors import UnusableInput, did_you_mean

__all__ = ["FFJORDConfig", "RunConfig", "TargetConfig", "TrainingConfig", "parse_duration", "read_config"]

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1, le=10**9, strict=True)]
Width = Annotated[int, Field(ge=4, le=4096, strict=True)]
Device = Literal["auto", "cpu", "cuda", "mps"]
Objective = Literal["flow-matching", "likelihood"]

# Steps, batch size and learning rate where nothing else is said. Flow matching has a Muon learning rate.
RECIPES: dict[Objective, tuple[int, int, float]] = {
    "flow-matching": (1200, 2048, 0.04),
    "likelihood": (400, 512, 0.005),
}
# Fourier features, their frequency, width and depth of the velocity network.
NETWORKS: dict[Objective, tuple[int, float, int, int]] = {
    "flow-matching": (128, 10.0, 112, 4),
    "likelihood": (64, 4.0, 64, 3),
}


_REPLACES = {
    "img": ("data", "noise"),
    "data": ("img", "invert", "threshold", "noise"),
    "steps": ("time_budget",),
    "time_budget": ("steps",),
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
    """The velocity network and how its ODE is solved; see ``flowgif.flows.ffjord``.

    Attributes:
        features: number of Fourier frequencies.
        frequency: their standard deviation, radians per data unit.
        width, depth: of the hidden layers.
        aspect: how much finer details are along x than along y in data units; by default the target's own.
        divergence: exact, or Hutchinson's estimate with one noise vector a solve (training only).
        solver: a solver of torchdiffeq, used for evaluation and animation.
        rtol, atol: its tolerances, where it is adaptive; 1e-7 keeps the inverse's error under 1e-3 data units.
        solver_steps: its number of steps, where it is not.
    """

    name: Literal["ffjord"] = "ffjord"
    features: Width | None = None
    frequency: Positive | None = None
    width: Width | None = None
    depth: Annotated[int, Field(ge=1, le=64, strict=True)] | None = None
    aspect: Positive | None = None
    divergence: Literal["exact", "hutchinson"] = "exact"
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


class TrainingConfig(_Table):
    """How it is fitted. ``steps`` or ``time_budget`` ends the training; None stands for the objective's own value."""

    objective: Objective = "flow-matching"
    steps: Count | None = None
    time_budget: Positive | None = None
    batch_size: Annotated[int, Field(ge=2, le=1_000_000, strict=True)] | None = None
    lr: Annotated[float, Field(gt=0, le=1e20)] | None = None
    kinetic: NotNegative = 0.01
    jacobian: NotNegative = 0.0
    seed: Annotated[int, Field(ge=0, lt=2**63, strict=True)] = 0
    device: Device = "auto"
    start: Annotated[Path | None, Field(alias="from")] = None

    @field_validator("time_budget", mode="before")
    @classmethod
    def _seconds(cls, value: object) -> object:
        return parse_duration(value) if isinstance(value, str) else value

    @model_validator(mode="after")
    def _one_end(self) -> Self:
        if self.steps is not None and self.time_budget is not None:
            raise ValueError("give steps or time_budget, not both")
        return self

    def resolved(self) -> TrainingConfig:
        """With the objective's own values in the place of None."""
        steps, batch_size, lr = RECIPES[self.objective]
        return self.model_copy(
            update={
                "steps": self.steps or (None if self.time_budget else steps),
                "batch_size": self.batch_size or batch_size,
                "lr": self.lr or lr,
            }
        )


class RunConfig(_Table):
    """All of a run's settings."""

    target: TargetConfig
    model: FFJORDConfig = FFJORDConfig()
    training: TrainingConfig = TrainingConfig()

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
        values = {key: value for key, value in given.items() if value is not None}
        here = tables.setdefault(table, {})
        for name, others in _REPLACES.items():
            # Another target, or another end of the training, takes what belongs to the old one away.
            if name in values and values[name] != here.get(name):
                for key in others:
                    here.pop(key, None)
        here.update(values)
        if values.keys() >= {"steps", "time_budget"}:  # steps win, but a budget must be one
            _checked_duration(here.pop("time_budget"))
    start = tables.get("training", {}).get("from")
    complete = {"features", "frequency", "width", "depth"} <= tables.get("model", {}).keys()
    if isinstance(start, (str, Path)) and not (complete and tables.get("target", {}).keys() & {"img", "data"}):
        # The weights fit the model they were trained as, and the target goes with them unless another is given.
        if not (Path(start) / "config.toml").is_file():
            raise UnusableInput(f"no run at {start}; make one with: flowgif train --img PICTURE")
        base = read_config(Path(start) / "config.toml", {})
        tables["model"] = base.model.model_dump() | tables.get("model", {})
        if not tables.get("target", {}).keys() & {"img", "data"}:
            tables["target"] = base.target.model_dump(exclude_none=True) | tables.get("target", {})
    try:
        config = RunConfig.model_validate(tables)
    except ValidationError as error:
        raise UnusableInput(_one_line(error, path, flags)) from None
    training = config.training.resolved()
    return config.model_copy(update={"training": training, "model": config.model.resolved(training.objective)})


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
    table, *keys = [str(part) for part in first["loc"]]
    where = f"{path}: " if path is not None else ""
    if first["type"] == "missing":
        return f"{where}nothing to fit; give a picture (--img PATH) or a data set (--data NAME)"
    if not keys:  # a rule about several keys
        return f"{where}{message}"
    key = keys[0]
    if first["type"] == "extra_forbidden":
        model: type[BaseModel] = {"target": TargetConfig, "model": FFJORDConfig, "training": TrainingConfig}[table]
        known = [field.alias or name for name, field in model.model_fields.items()]
        return f"{where}unknown key '{key}' in [{table}]; {did_you_mean(key, known)}"
    value = first["input"]
    if flags.get(table, {}).get(key) is not None:
        return f"--{'model' if key == 'name' else key.replace('_', '-')} {value}: {message[0].lower()}{message[1:]}"
    return f"{where}[{table}] {key} = {value!r}: {message[0].lower()}{message[1:]}"
