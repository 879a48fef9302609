"""The parts of a config's tables: their base class, types of values, and marks that a field may carry."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import Annotated, TypeVar

from pydantic import BaseModel, BeforeValidator, Field
from pydantic.fields import FieldInfo
from pydantic_core import PydanticCustomError

from flowgif.names import Names, listed

__all__ = [
    "Count",
    "Mark",
    "NotNegative",
    "Positive",
    "Replaces",
    "Settings",
    "Width",
    "fields_by_key",
    "marks",
    "one_of",
]

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1, le=10**9, strict=True)]
Width = Annotated[int, Field(ge=4, le=4096, strict=True)]

MarkType = TypeVar("MarkType")


class Settings(BaseModel, frozen=True, extra="forbid"):
    """A table of a config. It is immutable and refuses unknown keys. Derived classes repeat ``frozen=True``."""


class Mark(Enum):
    """A property of a field, given in the field's annotation.

    Attributes:
        OF_MODEL: the setting belongs to a model and its training, so another model drops it.
        GENERAL: the setting makes sense for every model, so another model keeps it.
        RESUMABLE: a resumed training may change the setting.
        PATH: the setting is a path, which is relative to the config file that names it.
    """

    OF_MODEL = auto()
    GENERAL = auto()
    RESUMABLE = auto()
    PATH = auto()


@dataclass(frozen=True)
class Replaces:
    """Marks a field whose new value also removes other fields: a new number of steps removes a time budget.

    Attributes:
        keys: the names of the other fields, in the same table.
    """

    keys: tuple[str, ...]


def one_of(names: Names) -> BeforeValidator:
    """Returns a check that a value is one of the names, including names that are registered later."""

    def check(value: object) -> object:
        if value in names:
            return value
        expected = listed([f"'{name}'" for name in names], "or")
        raise PydanticCustomError("unknown_name", "Input should be {expected}", {"expected": expected})

    return BeforeValidator(check)


def fields_by_key(table: type[Settings]) -> dict[str, FieldInfo]:
    """Returns the fields of a table by their names in config files."""
    return {field.alias or name: field for name, field in table.model_fields.items()}


def marks(field: FieldInfo, kind: type[MarkType]) -> list[MarkType]:
    """Returns the marks of one kind that a field carries."""
    return [mark for mark in field.metadata if isinstance(mark, kind)]
