"""Does what is not done of many, and keeps a row of each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from flowgif.batch.engines import open_engine
from flowgif.batch.jobs import Call, Job, Outcome
from flowgif.batch.run import run_jobs
from flowgif.errors import ExitCode, FlowgifError, Interrupted, Stopped, as_flowgif_error

__all__ = ["Batch", "Reporter", "Row", "Task", "do_all"]


class Reporter(Protocol):
    """Receives the progress of a batch."""

    def begin(self, task: str) -> None:
        """Receives the name of a task that begins."""

    def advance(self, share: float, *fields: str) -> None:
        """Receives the share of the task that is done, within [0, 1], and its figures."""


@dataclass(frozen=True)
class Batch:
    """How a batch is worked on.

    Attributes:
        workers: number of processes of this machine; None for one a processor.
        cluster: the address of a Dask scheduler in their place.
        skips: whether what was done before from the same input is left as it is.
    """

    workers: int | None = None
    cluster: str | None = None
    skips: bool = False


@dataclass(frozen=True)
class Row:
    """What came of one of many.

    Attributes:
        name: its name in the batch.
        run: its run directory.
        files: other files that were written.
        gap, gap_se: nats; None if it was not measured.
        seconds: the time that it took; None if it was not tried.
        skipped: whether it was done before.
        error: the line that says why it failed; None if it did not.
        exit_code: what the command would have ended with, alone.
    """

    name: str
    run: Path
    files: tuple[Path, ...] = ()
    gap: float | None = None
    gap_se: float | None = None
    seconds: float | None = None
    skipped: bool = False
    error: str | None = None
    exit_code: ExitCode = ExitCode.DONE

    def failed(self, error: FlowgifError) -> Row:
        """Returns the row with an error."""
        return replace(self, error=" ".join(str(error).split()), exit_code=ExitCode(error.exit_code))

    def held_to(self, max_gap: float | None) -> Row:
        """Returns the row, which has failed if its gap is larger than a bound."""
        if self.error is not None or self.gap is None or max_gap is None or self.gap <= max_gap:
            return self
        error = f"the gap of {self.gap:.4f} nats is above --max-gap {max_gap:g}"
        return replace(self, error=error, exit_code=ExitCode.CHECK_FAILED)


@dataclass(frozen=True)
class Task:
    """One of many, which has to be computed.

    Attributes:
        row: what is known of it.
        prepare: reads its input.
        keep: stores what came of it, and returns the row with it.
    """

    row: Row
    prepare: Callable[[], Call]
    keep: Callable[[Outcome], Row]


def do_all(doing: str, begun: Sequence[Row | Task], batch: Batch, reporter: Reporter) -> list[Row]:
    """Does what is not done yet, and returns all rows in their order.

    Args:
        doing: a word for it, such as 'training'.
        begun: rows that are done, and tasks.
        batch: how the tasks are worked on.
        reporter: receives the progress.

    Raises:
        UnusableInput: no worker can be had.
        Interrupted: a signal ended the batch.
    """
    rows: list[Row] = [each.row if isinstance(each, Task) else each for each in begun]
    tasks = {str(i): each for i, each in enumerate(begun) if isinstance(each, Task)}
    if not tasks:
        return rows
    reporter.begin(f"{doing} {len(rows)} run{'' if len(rows) == 1 else 's'}")
    done = len(rows) - len(tasks)

    def show(numbers: Iterable[str]) -> None:
        working = ", ".join(rows[int(number)].name for number in numbers)
        reporter.advance(done / len(rows), f"{done} of {len(rows)}", *([working] if working else []))

    try:
        with ExitStack() as stack:
            engine = stack.enter_context(open_engine(batch.workers, batch.cluster, len(tasks)))
            for job, outcome in run_jobs((Job(number, task.prepare) for number, task in tasks.items()), engine, show):
                rows[int(job.name)] = _finished(tasks[job.name], outcome)
                done += 1
                show([])
    except KeyboardInterrupt as stopped:
        code = stopped.exit_code if isinstance(stopped, Stopped) else ExitCode.INTERRUPTED
        message = f"{code.meaning} after {done} of {len(rows)}, which are kept; go on with the same and --skip-existing"
        raise Interrupted(message, code) from None
    return rows


def _finished(task: Task, outcome: Outcome) -> Row:
    row = replace(task.row, seconds=round(outcome.seconds, 3))
    if outcome.error is not None:
        return replace(row, error=outcome.error, exit_code=outcome.exit_code)
    try:
        return replace(task.keep(outcome), seconds=row.seconds)
    except (FlowgifError, OSError) as error:
        known = as_flowgif_error(error)
        assert known is not None
        return row.failed(known)
