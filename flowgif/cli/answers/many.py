"""What the three commands print of many trainings, evaluations or animations."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import typer

from flowgif import names
from flowgif.cli.progress import Progress
from flowgif.errors import CheckFailed, ExitCode, UnusableInput, printable

if TYPE_CHECKING:
    from flowgif.batch.rows import Row

__all__ = ["do_many", "refuse_with_many"]

WIDEST = 40  # columns of a name


def refuse_with_many(options: Mapping[str, object]) -> None:
    """Refuses options that go with one run.

    Args:
        options: their values; None, False and nothing in a list mean not given.

    Raises:
        UnusableInput: one is given.
    """
    given = [option for option, value in options.items() if value not in (None, False, [], ())]
    if given:
        go = "goes" if len(given) == 1 else "go"
        raise UnusableInput(f"{names.listed(given, 'and')} {go} with one run; leave that out, or name one run")


def do_many(do: Callable[[Progress], Sequence[Row]], quiet: bool, as_json: bool, by_gap: bool = False) -> None:
    """Does a batch, and prints its table or its JSON object.

    Args:
        do: does it.
        quiet: whether no progress is shown.
        as_json: whether JSON is printed.
        by_gap: whether the best come first.

    Raises:
        CheckFailed: something failed, or missed a bound.
    """
    start = time.monotonic()
    with Progress(quiet) as progress:
        rows = do(progress)
    if by_gap:
        rows = sorted(rows, key=lambda row: (row.gap is None, row.gap or 0.0))
    failed = sum(row.error is not None for row in rows)
    typer.echo(_answer(rows, failed, time.monotonic() - start) if as_json else _table(rows))
    if failed:
        raise CheckFailed(f"{failed} of {len(rows)} failed; the table says why")


def _answer(rows: Sequence[Row], failed: int, seconds: float) -> str:
    from flowgif.cli.answers.models import BatchAnswer, BatchRow

    objects = [
        BatchRow(
            name=row.name,
            run=str(row.run),
            files=[str(file) for file in row.files],
            gap=row.gap,
            gap_se=row.gap_se,
            seconds=row.seconds,
            skipped=row.skipped,
            error=row.error,
            exit_code=int(row.exit_code),
        )
        for row in rows
    ]
    return BatchAnswer(rows=objects, failed=failed, seconds=round(seconds, 3)).line()


def _table(rows: Sequence[Row]) -> str:
    """Returns the rows as a text: name, gap, seconds, and where it is or why it failed."""
    cells = [("name", "gap", "seconds", "result"), *(_cells(row) for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(3)]
    widths[0] = min(widths[0], WIDEST)
    return "\n".join(
        f"{name:<{widths[0]}}  {gap:>{widths[1]}}  {seconds:>{widths[2]}}  {result}"
        for name, gap, seconds, result in cells
    )


def _cells(row: Row) -> tuple[str, str, str, str]:
    if row.error is not None:
        kind = "" if row.exit_code is ExitCode.CHECK_FAILED else "error: "
        result = f"{kind}{row.error}"
    else:
        result = ", ".join(map(str, row.files)) or str(row.run)
    gap = "" if row.gap is None else f"{row.gap:.4f}"
    seconds = "done" if row.skipped else "" if row.seconds is None else f"{row.seconds:.1f}"
    return printable(row.name), gap, seconds, printable(result)
