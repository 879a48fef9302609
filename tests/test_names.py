"""Every table has the rows that its names promise, and every name that help shows has its row."""

from __future__ import annotations

import importlib
import pkgutil

import flowgif
from flowgif import names
from flowgif.names import Names, Table

# What a device is called is torch's, so it has no table. Kinds of ink are branches of one decision.
WITHOUT_ROWS = {"DEVICES", "INKS"}


def _tables() -> dict[str, Table[object]]:
    found: dict[str, Table[object]] = {}
    for module in pkgutil.walk_packages(flowgif.__path__, "flowgif."):
        if not module.name.endswith("__main__"):
            members = vars(importlib.import_module(module.name))
            found |= {f"{module.name}.{name}": value for name, value in members.items() if isinstance(value, Table)}
    return found


def test_every_table_has_a_row_for_each_of_its_names_and_no_other() -> None:
    for name, table in _tables().items():
        assert list(table) == list(table.names), name


def test_every_list_of_names_has_a_table() -> None:
    held = {id(table.names) for table in _tables().values()}
    lists = {name: value for name, value in vars(names).items() if isinstance(value, Names)}
    assert {name for name, value in lists.items() if id(value) not in held} == WITHOUT_ROWS
