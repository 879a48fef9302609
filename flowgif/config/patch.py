"""Partial configs and how they are merged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from pathlib import Path
from typing import NamedTuple

from pydantic.fields import FieldInfo

from flowgif.config.fields import Mark, Replaces, Settings, fields_by_key, marks
from flowgif.config.recipes import MODELS
from flowgif.config.schema import TargetConfig, TrainingConfig

__all__ = ["DEFAULTS", "FLAGS", "MODEL_KEY", "ConfigLayer", "Key", "Origin", "PartialConfig", "Setting"]


class Key(NamedTuple):
    """Identifies a setting of a config.

    Attributes:
        table: the table that holds the setting: target, model or training.
        name: the setting's name as written in config files.
    """

    table: str
    name: str

    @property
    def option(self) -> str:
        """The setting's option on the command line: '--batch-size'; the model's name is '--model'."""
        return "--" + (self.table if self == MODEL_KEY else self.name).replace("_", "-")

    @property
    def declaration(self) -> FieldInfo | None:
        """The setting's declaration; None if no table or model has the key."""
        tables: dict[str, list[type[Settings]]] = {
            "target": [TargetConfig],
            "model": [kind.config for kind in MODELS.values()],
            "training": [TrainingConfig],
        }
        fields = (fields_by_key(table).get(self.name) for table in tables.get(self.table, []))
        return next((field for field in fields if field is not None), None)

    def has(self, mark: Mark) -> bool:
        """Whether the setting's declaration carries a mark."""
        return self.declaration is not None and mark in marks(self.declaration, Mark)


MODEL_KEY = Key("model", "name")


class ConfigLayer(Enum):
    """A layer of a config: the defaults, the run that training starts from, a config file, or the command line."""

    DEFAULTS = auto()
    START_RUN = auto()
    FILE = auto()
    FLAGS = auto()


@dataclass(frozen=True)
class Origin:
    """Where a value comes from.

    Attributes:
        layer: the layer that sets the value.
        path: the path of the config file, or of the run that training starts from.
    """

    layer: ConfigLayer
    path: Path | None = None

    def describe(self, key: Key, value: object) -> str:
        """Returns the start of an error message: 'c.toml: [training] steps = 0' or '--steps 0'."""
        if self.layer is ConfigLayer.FLAGS:
            return f"{key.option} {value}"
        return self.with_path(f"[{key.table}] {key.name} = {value}")

    def with_path(self, message: str) -> str:
        """Returns the message with the path in front of it, if there is a path."""
        return message if self.path is None else f"{self.path}: {message}"


DEFAULTS, FLAGS = Origin(ConfigLayer.DEFAULTS), Origin(ConfigLayer.FLAGS)


class Setting(NamedTuple):
    """A setting's value and origin."""

    value: object
    origin: Origin


@dataclass(frozen=True)
class PartialConfig:
    """A partial config: the settings that one layer sets, or several merged layers.

    The values are not validated: whether a key belongs to the model is known only when all layers are merged.
    """

    settings: Mapping[Key, Setting] = field(default_factory=dict[Key, Setting])

    @classmethod
    def of(cls, tables: Mapping[str, Mapping[str, object]], origin: Origin) -> PartialConfig:
        """Makes a partial config of values by table and name. None means not given; such values are skipped."""
        return cls(
            {
                Key(table, name): Setting(value, origin)
                for table, values in tables.items()
                for name, value in values.items()
                if value is not None
            }
        )

    def __contains__(self, key: Key) -> bool:
        return key in self.settings

    def value(self, key: Key) -> object:
        """Returns the value of a key; None if it is not set."""
        setting = self.settings.get(key)
        return None if setting is None else setting.value

    def without(self, *keys: Key) -> PartialConfig:
        """Returns the partial config without the given keys."""
        return PartialConfig({key: setting for key, setting in self.settings.items() if key not in keys})

    def updated(self, newer: PartialConfig) -> PartialConfig:
        """Returns this partial config with a newer one merged into it.

        A newer value overrides the older one. If it differs, it also removes the fields that its field lists in
        :class:`Replaces`. Another model removes the whole older model table and the training settings marked OF_MODEL.
        """
        replaced = {key for changed in self._changed_by(newer) for key in self._keys_replaced_by(changed)}
        return PartialConfig({**self.without(*replaced).settings, **newer.settings})

    def tables(self) -> dict[str, dict[str, object]]:
        """Returns the values by table and name; every table is present."""
        tables: dict[str, dict[str, object]] = {"target": {}, "model": {}, "training": {}}
        for key, setting in self.settings.items():
            tables.setdefault(key.table, {})[key.name] = setting.value
        return tables

    def origin_of(self, table: str | None) -> Origin:
        """Returns the origin that a message about several settings names: the file if one of them comes from the file.

        Args:
            table: the table of the settings; None, or a table without settings, stands for all tables.
        """
        of_table = [setting.origin for key, setting in self.settings.items() if key.table == table]
        origins = of_table or [setting.origin for setting in self.settings.values()]
        return next((origin for origin in origins if origin.layer is ConfigLayer.FILE), DEFAULTS)

    def _changed_by(self, newer: PartialConfig) -> Iterator[Key]:
        return (key for key, setting in newer.settings.items() if self.value(key) != setting.value)

    def _keys_replaced_by(self, changed: Key) -> Iterator[Key]:
        if changed == MODEL_KEY:
            yield from (key for key in self.settings if key.table == "model" or key.has(Mark.OF_MODEL))
        elif changed.declaration is not None:
            for replaces in marks(changed.declaration, Replaces):
                yield from (Key(changed.table, name) for name in replaces.keys)
