"""Partial configs, and the one rule by which a newer one is put on top of an older one."""

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

__all__ = ["DEFAULTS", "FLAGS", "MODEL_NAME", "Key", "Origin", "Patch", "Setting", "Source"]


class Key(NamedTuple):
    """The place of a setting in a config.

    Attributes:
        table: target, model or training.
        name: in that table, as files spell it.
    """

    table: str
    name: str

    @property
    def option(self) -> str:
        """What the command line calls the setting: '--batch-size'; the model's name is '--model'."""
        return "--" + (self.table if self == MODEL_NAME else self.name).replace("_", "-")

    @property
    def field(self) -> FieldInfo | None:
        """The setting's declaration; None for a key that no table has, or none of the models."""
        tables: dict[str, list[type[Settings]]] = {
            "target": [TargetConfig],
            "model": [kind.config for kind in MODELS.values()],
            "training": [TrainingConfig],
        }
        found = (fields_by_key(table).get(self.name) for table in tables.get(self.table, []))
        return next((declaration for declaration in found if declaration is not None), None)

    def has(self, mark: Mark) -> bool:
        """Whether the setting's declaration carries a mark."""
        return self.field is not None and mark in marks(self.field, Mark)


MODEL_NAME = Key("model", "name")


class Source(Enum):
    """What gives a value: the defaults, the run that is started from, a config file, or the command line."""

    DEFAULTS = auto()
    START_RUN = auto()
    FILE = auto()
    FLAGS = auto()


@dataclass(frozen=True)
class Origin:
    """Where a value came from.

    Attributes:
        source: what gave it.
        path: of the config file, or of the run that is started from.
    """

    source: Source
    path: Path | None = None

    def describe(self, key: Key, value: object) -> str:
        """Returns what a message about a wrong value begins with: 'c.toml: [training] steps = 0' or '--steps 0'."""
        if self.source is Source.FLAGS:
            return f"{key.option} {value}"
        return self.prefix(f"[{key.table}] {key.name} = {value}")

    def prefix(self, message: str) -> str:
        """Returns a message with the path, where there is one, in front of it."""
        return message if self.path is None else f"{self.path}: {message}"


DEFAULTS, FLAGS = Origin(Source.DEFAULTS), Origin(Source.FLAGS)


class Setting(NamedTuple):
    """A value, and where it came from."""

    value: object
    origin: Origin


@dataclass(frozen=True)
class Patch:
    """A partial config: the settings that the defaults, a start run, a file or flags give.

    The values are not validated: whether a key belongs to the model is known only when all patches are merged.
    """

    settings: Mapping[Key, Setting] = field(default_factory=dict[Key, Setting])

    @classmethod
    def of(cls, tables: Mapping[str, Mapping[str, object]], origin: Origin) -> Patch:
        """Makes a patch of values by table and key; a value of None was not given."""
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
        """Returns the value of a key; None where it is not set."""
        setting = self.settings.get(key)
        return None if setting is None else setting.value

    def without(self, *keys: Key) -> Patch:
        """Returns the patch without some of its settings."""
        return Patch({key: setting for key, setting in self.settings.items() if key not in keys})

    def updated(self, newer: Patch) -> Patch:
        """Returns the patch with a newer one on top: this is the one rule of merging.

        A newer value takes the place of the older one. If it differs, it also takes the place of the fields that its
        field declares by :class:`Replaces`; and another model takes the place of the whole table of the older model,
        and of all settings of the training that are marked as belonging to a model.
        """
        replaced = {key for changed in self._changed_by(newer) for key in self._replaced_with(changed)}
        return Patch({**self.without(*replaced).settings, **newer.settings})

    def tables(self) -> dict[str, dict[str, object]]:
        """Returns the values by table and key; every table is there."""
        tables: dict[str, dict[str, object]] = {"target": {}, "model": {}, "training": {}}
        for key, setting in self.settings.items():
            tables.setdefault(key.table, {})[key.name] = setting.value
        return tables

    def origin_of(self, table: str | None) -> Origin:
        """Returns the origin that a message about several settings names: the file, where one of them is the file's.

        Args:
            table: of the settings; None for all tables, and so is one without settings.
        """
        of_table = [setting.origin for key, setting in self.settings.items() if key.table == table]
        origins = of_table or [setting.origin for setting in self.settings.values()]
        return next((origin for origin in origins if origin.source is Source.FILE), DEFAULTS)

    def _changed_by(self, newer: Patch) -> Iterator[Key]:
        return (key for key, setting in newer.settings.items() if self.value(key) != setting.value)

    def _replaced_with(self, changed: Key) -> Iterator[Key]:
        if changed == MODEL_NAME:
            yield from (key for key in self.settings if key.table == "model" or key.has(Mark.OF_MODEL))
        elif changed.field is not None:
            for replaces in marks(changed.field, Replaces):
                yield from (Key(changed.table, name) for name in replaces.keys)
