"""Reads a config from a file and flags, and reports errors in one line."""

from __future__ import annotations

import codecs
import os
import tomllib
from collections.abc import Callable, Mapping
from keyword import iskeyword
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from flowgif import names
from flowgif.config.fields import Mark, fields_by_key
from flowgif.config.patch import DEFAULTS, FLAGS, MODEL_KEY, ConfigLayer, Key, Origin, PartialConfig
from flowgif.config.recipes import MODELS
from flowgif.config.schema import DEFAULT_MODEL, RunConfig, TargetConfig, TrainingConfig
from flowgif.errors import UnusableInput, did_you_mean
from flowgif.files.reading import STDIN, missing, read_limited
from flowgif.units import parse_duration

__all__ = ["START", "group_keywords", "group_options", "read_config"]

START = Key("training", "from")
MOST_BYTES = 2**20  # of a config
STEPS, TIME_BUDGET = Key("training", "steps"), Key("training", "time_budget")


def read_config(
    path: Path | None,
    flags: Mapping[str, Mapping[str, Any]],
    start: Callable[[Path], RunConfig] | None = None,
) -> RunConfig:
    """Reads a config from four layers: the defaults, the start run, a file and flags; later layers override earlier.

    Args:
        path: the file, or None.
        flags: values by table and name; None means not given.
        start: reads the settings of the run that ``from`` names, whose model and target are taken over. None ignores
            that run; this is for a file that holds all settings, such as a run's.

    Returns:
        The config with the usual values in the place of None.

    Raises:
        UnusableInput: the file cannot be read, or a key or a value in it or in the flags is wrong.
    """
    file = PartialConfig() if path is None else _read_file(path)
    chosen = _choose_end(PartialConfig.of(flags, FLAGS))
    defaults = PartialConfig.of({"model": {"name": DEFAULT_MODEL}}, DEFAULTS)
    merged = defaults.updated(file).updated(chosen)
    folder = merged.value(START)
    if start is not None and isinstance(folder, (str, Path)):
        taken_over = _take_over(Path(folder), start, merged)
        merged = defaults.updated(taken_over).updated(file).updated(chosen)
    return _validated(merged).resolved()


def group_options(options: Mapping[str, object]) -> dict[str, dict[str, object]]:
    """Returns the options that are settings, by table and name, as :func:`read_config` takes flags.

    Args:
        options: the values by option, such as '--batch-size'.
    """
    tables: dict[str, dict[str, object]] = {}
    for option, key in _keys_by_option().items():
        if option in options:
            tables.setdefault(key.table, {})[key.name] = options[option]
    return tables


def group_keywords(keywords: Mapping[str, object]) -> dict[str, dict[str, object]]:
    """Returns the settings that keyword arguments give, as :func:`group_options` does for options.

    Args:
        keywords: the values by keyword: ``batch_size`` for '--batch-size', and ``from_`` for '--from', because ``from``
            is a word of Python's.

    Raises:
        UnusableInput: a keyword is no setting.
    """
    by_name = {option.removeprefix("--").replace("-", "_"): option for option in _keys_by_option()}
    known = {f"{name}_" if iskeyword(name) else name: option for name, option in by_name.items()}
    for keyword in keywords:
        if keyword not in known:
            raise UnusableInput(f"there is no setting '{keyword}'; {did_you_mean(keyword, known)}")
    return group_options({known[keyword]: value for keyword, value in keywords.items()})


def _keys_by_option() -> dict[str, Key]:
    """Returns all settings by their options; some of them have none on the command line."""
    keys = [Key("target", name) for name in fields_by_key(TargetConfig)]
    keys += [Key("model", name) for kind in MODELS.values() for name in fields_by_key(kind.config)]
    keys += [Key("training", name) for name in fields_by_key(TrainingConfig)]
    return {key.option: key for key in keys}


def _choose_end(flags: PartialConfig) -> PartialConfig:
    """Drops --time-budget if --steps is given too; the budget must still be a valid duration.

    Raises:
        UnusableInput: the budget is no valid duration.
    """
    if STEPS not in flags or TIME_BUDGET not in flags:
        return flags
    budget = str(flags.value(TIME_BUDGET))
    try:
        parse_duration(budget)
    except ValueError as error:
        raise UnusableInput(f"{FLAGS.describe(TIME_BUDGET, budget)}: {error}") from None
    return flags.without(TIME_BUDGET)


def _take_over(folder: Path, start: Callable[[Path], RunConfig], merged: PartialConfig) -> PartialConfig:
    """Returns the start run's model, which its weights fit, and its target unless another one is given.

    Raises:
        UnusableInput: there is no such run, or another model is given.
    """
    config = start(folder)
    model = merged.settings[MODEL_KEY]
    if model.origin is not DEFAULTS and model.value != config.model.name:
        raise UnusableInput(f"the weights in {folder} are a {config.model.name}'s; leave --model {model.value} out")
    tables = {"model": config.model.model_dump()}
    if not any(Key("target", name) in merged for name in names.TARGETS):
        tables["target"] = config.target.model_dump()
    return PartialConfig.of(tables, Origin(ConfigLayer.START_RUN, folder))


def _read_file(path: Path) -> PartialConfig:
    try:
        with path.open("rb") as file:
            content = read_limited(file, path, MOST_BYTES)
    except FileNotFoundError:
        raise missing("config", path) from None
    except OSError as error:
        raise UnusableInput(f"{path} cannot be read: {error.strerror or error}; give a TOML file") from None
    try:
        # Paths in a run's config need not be valid Unicode. Editors of Windows write a mark at the beginning.
        tables = tomllib.loads(content.removeprefix(codecs.BOM_UTF8).decode("utf-8", "surrogateescape"))
    except tomllib.TOMLDecodeError as error:
        raise UnusableInput(f"{path} is no valid TOML: {error}; mend that line") from None
    except (ValueError, RecursionError):  # a number of thousands of digits, or brackets within brackets
        remedy = "give a TOML file of settings"
        raise UnusableInput(f"{path} holds too long a number, or nests too deep; {remedy}") from None
    for name, table in tables.items():
        if name not in RunConfig.model_fields:
            raise UnusableInput(f"{path}: unknown table or key '{name}'; {did_you_mean(name, RunConfig.model_fields)}")
        if not isinstance(table, dict):
            raise UnusableInput(f"{path}: '{name}' is a table; write [{name}]")
        for key, value in table.items():
            if isinstance(value, str) and Key(name, key).has(Mark.PATH) and value != str(STDIN):
                table[key] = str(path.parent / os.path.expanduser(value))  # noqa: PTH111 (it never raises)
    return PartialConfig.of(tables, Origin(ConfigLayer.FILE, path))


def _validated(merged: PartialConfig) -> RunConfig:
    name, origin = merged.settings[MODEL_KEY]
    if not isinstance(name, str) or name not in MODELS:
        start = origin.describe(MODEL_KEY, name)
        raise UnusableInput(f"{start}: there is no such flow; {did_you_mean(str(name), MODELS)}")
    try:
        return RunConfig.model_validate(merged.tables())
    except ValidationError as error:
        raise UnusableInput(_one_line(error, merged, name)) from None


def _one_line(error: ValidationError, merged: PartialConfig, model: str) -> str:
    """Returns pydantic's first error as one line that names the setting, its origin and the remedy."""
    first = error.errors()[0]
    message = first["msg"].removeprefix("Value error, ")
    location = [str(part) for part in first["loc"]]
    if len(location) < 2:  # a rule about several settings of a table, or of all tables
        return merged.origin_of(location[0] if location else None).with_path(message)
    key = Key(location[0], location[1])
    origin = merged.settings[key].origin if key in merged else DEFAULTS
    if first["type"] == "extra_forbidden":
        return _unknown_key(key, origin, model)
    value = first["input"]
    shown = value if origin is FLAGS else repr(value)
    return f"{origin.describe(key, shown)}: {message[0].lower()}{message[1:]}"


def _unknown_key(key: Key, origin: Origin, model: str) -> str:
    if origin is FLAGS:
        return f"{key.option} does not go with --model {model}; leave it out"
    table = {"target": TargetConfig, "model": MODELS[model].config, "training": TrainingConfig}[key.table]
    known = did_you_mean(key.name, fields_by_key(table))
    return origin.with_path(f"unknown key '{key.name}' in [{key.table}]; {known}")
