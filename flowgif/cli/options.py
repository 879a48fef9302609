"""Options that several commands share."""

from __future__ import annotations

from typing import Annotated

import typer

__all__ = ["OUTPUT", "Json", "Quiet"]

OUTPUT = "Where it goes"  # the panel of help that every command has

Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing on stderr but errors.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")]
