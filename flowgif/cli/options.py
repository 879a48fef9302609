"""Options that several commands share, and access to the values of a command's options."""

from __future__ import annotations

from typing import Annotated

import typer

__all__ = ["OUTPUT", "Json", "Quiet", "values_by_option"]

OUTPUT = "Where it goes"  # title of a help panel that every command has

Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing on stderr but errors.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")]


def values_by_option(context: typer.Context) -> dict[str, object]:
    """Returns the value of every option of a command by its long name, such as '--batch-size'; None if not given."""
    return {
        max(parameter.opts, key=len): context.params[parameter.name]
        for parameter in context.command.params
        if parameter.name in context.params
    }
