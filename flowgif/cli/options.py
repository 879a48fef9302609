"""Options that several commands share, and access to the values of a command's options."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperOption

from flowgif.errors import UnusableInput

__all__ = [
    "MANY",
    "OUTPUT",
    "Cluster",
    "Command",
    "Json",
    "MaxGap",
    "Quiet",
    "SkipExisting",
    "Workers",
    "values_by_option",
]

OUTPUT = "Where it goes"  # title of a help panel that every command has

MANY = "Many at once"

Workers = Annotated[
    int | None,
    typer.Option(
        min=1, max=1024, help="Of several: processes of this machine (default: one a core).", rich_help_panel=MANY
    ),
]
Cluster = Annotated[
    str | None,
    typer.Option(
        help="Of several: a Dask scheduler's workers, as tcp://host:8786.",
        metavar="ADDRESS",
        rich_help_panel=MANY,
        show_default=False,
    ),
]
SkipExisting = Annotated[
    bool,
    typer.Option(
        "--skip-existing",
        help="Leave what was done before from the same input, settings and version.",
        rich_help_panel=MANY,
    ),
]
MaxGap = Annotated[float | None, typer.Option(help="Exit with 1 if the gap is larger (nats).")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing on stderr but errors.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")]


def values_by_option(context: typer.Context) -> dict[str, object]:
    """Returns the value of every option of a command by its long name, such as '--batch-size'; None if not given."""
    return {
        max(parameter.opts, key=len): context.params[parameter.name]
        for parameter in context.command.params
        if parameter.name in context.params
    }


class Command(TyperCommand):
    """A command that refuses a second value for an option with one value, and expands ~ in paths.

    A shell expands ~ only at the beginning of a word, so not in --img=~/logo.png. Temporary files of
    commands that were killed are removed first.
    """

    def invoke(self, ctx: Any) -> Any:
        import tempfile

        from flowgif.files.temporary import remove_leftovers

        remove_leftovers(Path(tempfile.gettempdir()))
        return super().invoke(ctx)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if not ctx.resilient_parsing:  # as a shell's completion does
            _, _, given = self.make_parser(ctx).parse_args(args=[*args])
            for parameter, times in Counter(given).items():
                if times > 1 and isinstance(parameter, TyperOption) and not _may_repeat(parameter):
                    shown = " or ".join([max(parameter.opts, key=len), *parameter.secondary_opts])
                    raise UnusableInput(f"{shown} is given {times} times; give it once")
        rest = super().parse_args(ctx, args)
        ctx.params.update({name: _expanded(value) for name, value in ctx.params.items()})
        return rest


def _may_repeat(option: TyperOption) -> bool:
    """Whether an option may be given again: it collects values, or is a flag that cannot contradict itself."""
    return option.multiple or option.count or (option.is_flag and not option.secondary_opts)


def _expanded(value: Any) -> Any:
    if isinstance(value, Path):
        return Path(os.path.expanduser(value))  # noqa: PTH111 (it never raises)
    if isinstance(value, (list, tuple)):
        return type(value)(_expanded(each) for each in value)
    return value
