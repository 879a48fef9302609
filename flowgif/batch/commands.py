"""The three commands, for many: they train, evaluate and animate all, and keep what is done whatever fails."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from flowgif.batch.engines import open_engine
from flowgif.batch.inputs import names_for
from flowgif.batch.jobs import Call, Job, Outcome
from flowgif.batch.run import run_jobs
from flowgif.batch.work import Caller, animate_run, evaluate_run, train_picture
from flowgif.config.schema import RunConfig
from flowgif.errors import ExitCode, FlowgifError, Interrupted, Stopped, UnusableInput
from flowgif.files.reading import missing, read_limited, read_regular
from flowgif.files.writing import write_atomically
from flowgif.runs.finished import Versions, find_finished, fingerprint_of
from flowgif.runs.layout import CONFIG, PICTURE, WEIGHTS, check_free, check_outputs
from flowgif.runs.place import RunPlace
from flowgif.runs.provenance import PROVENANCE
from flowgif.runs.results import find_result, hash_file, keep_result, key_of
from flowgif.runs.settings import settings_of

__all__ = ["Batch", "Reporter", "Row", "Training", "animate_all", "evaluate_all", "train_all"]

MOST_BYTES = 512 * 2**20  # of a picture, or of a file of a run


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
        command: the command, for the runs' provenance.
    """

    workers: int | None = None
    cluster: str | None = None
    skips: bool = False
    command: tuple[str, ...] = ()


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
class Training:
    """One of many trainings.

    Attributes:
        name: its name in the batch.
        settings: its settings.
        folder: the run directory.
    """

    name: str
    settings: RunConfig
    folder: Path


@dataclass(frozen=True)
class _Task:
    """One of many, which has to be computed.

    Attributes:
        row: what is known of it.
        prepare: reads its input.
        keep: stores what came of it, and returns the row with it.
    """

    row: Row
    prepare: Callable[[], Call]
    keep: Callable[[Outcome], Row]


def train_all(trainings: Sequence[Training], batch: Batch, force: bool, reporter: Reporter) -> list[Row]:
    """Trains all.

    Args:
        trainings: the trainings.
        batch: how.
        force: whether runs that are there may be replaced.
        reporter: receives the progress.

    Raises:
        UnusableInput: no worker can be had.
        Interrupted: a signal ended the batch.
    """
    caller = Caller(Versions.here(), batch.command)

    def begin(training: Training) -> Row | _Task:
        row = Row(training.name, training.folder)
        if training.settings.training.start is not None:
            return row.failed(UnusableInput("--from goes with one training; leave it out"))
        try:
            if batch.skips and (done := find_finished(row.run, fingerprint_of(training.settings))) is not None:
                return replace(row, gap=done.gap, gap_se=done.gap_se, skipped=True)
            check_free(row.run, force)
        except FlowgifError as error:
            return row.failed(error)

        def keep(outcome: Outcome) -> Row:
            with RunPlace(row.run) as place:
                check_free(row.run, force)  # another training may have ended meanwhile
                place.put(outcome.files)
            return replace(row, gap=outcome.figures["gap"], gap_se=outcome.figures["gap_se"])

        return _Task(row, lambda: (train_picture, (caller, training.settings, _files_of(training.settings))), keep)

    return _do_all(f"training {_runs(len(trainings))}", [begin(training) for training in trainings], batch, reporter)


def evaluate_all(folders: Sequence[Path], batch: Batch, seed: int, reporter: Reporter) -> list[Row]:
    """Measures the gaps of all runs.

    Args:
        folders: the run directories.
        batch: how.
        seed: of the points.
        reporter: receives the progress.

    Raises:
        UnusableInput, Interrupted: as :func:`train_all`.
    """
    caller = Caller(Versions.here(), batch.command)

    def begin(row: Row) -> Row | _Task:
        try:
            files = _read_run(row.run)
        except FlowgifError as error:
            return row.failed(error)
        key = key_of(files, "eval", seed)
        if batch.skips and (known := _gap_of(find_result(row.run, key))) is not None:
            return replace(row, gap=known[0], gap_se=known[1], skipped=True)

        def keep(outcome: Outcome) -> Row:
            gap, error = outcome.figures["gap"], outcome.figures["gap_se"]
            keep_result(row.run, key, {"gap": gap, "gap_se": error})
            return replace(row, gap=gap, gap_se=error)

        return _Task(row, lambda: (evaluate_run, (caller, str(row.run), _read_run(row.run), seed)), keep)

    rows = [Row(name, folder) for name, folder in zip(_names_of(folders), folders, strict=True)]
    return _do_all(f"evaluating {_runs(len(rows))}", [begin(row) for row in rows], batch, reporter)


def animate_all(
    folders: Sequence[Path],
    batch: Batch,
    place: Path | None,
    suffix: str,
    options: Mapping[str, Any],
    reporter: Reporter,
) -> list[Row]:
    """Writes an animation of each run.

    Args:
        folders: the run directories.
        batch: how.
        place: the folder of the files, which is made if need be; None for each run's own directory.
        suffix: of the files' names, with the dot.
        options: the look and the pace, by the names of the command line's options.
        reporter: receives the progress.

    Raises:
        UnusableInput, Interrupted: as :func:`train_all`.
    """
    caller = Caller(Versions.here(), batch.command)

    def begin(row: Row) -> Row | _Task:
        out, folder = f"{row.name}{suffix}", row.run if place is None else place
        try:
            files = _read_run(row.run)
        except FlowgifError as error:
            return row.failed(error)
        key = key_of(files, "animate", out, dict(options))
        if batch.skips and (known := _files_in(folder, find_result(row.run, key))):
            return replace(row, files=known, skipped=True)

        def keep(outcome: Outcome) -> Row:
            folder.mkdir(parents=True, exist_ok=True)
            check_outputs([row.run], [folder / name for name in outcome.files])
            hashes: dict[str, str | None] = {}
            for name, content in outcome.files.items():
                write_atomically(folder / name, lambda path, content=content: path.write_bytes(content))
                hashes[name] = hash_file(folder / name)
            keep_result(row.run, key, {"files": hashes})
            return replace(row, files=tuple(folder / name for name in outcome.files))

        return _Task(row, lambda: (animate_run, (caller, str(row.run), _read_run(row.run), out, options)), keep)

    rows = [Row(name, folder) for name, folder in zip(_names_of(folders), folders, strict=True)]
    return _do_all(f"animating {_runs(len(rows))}", [begin(row) for row in rows], batch, reporter)


def _runs(count: int) -> str:
    return "1 run" if count == 1 else f"{count} runs"


def _do_all(title: str, begun: Sequence[Row | _Task], batch: Batch, reporter: Reporter) -> list[Row]:
    """Does what is not done yet, and returns all rows in their order."""
    rows: list[Row] = [each.row if isinstance(each, _Task) else each for each in begun]
    tasks = {str(i): each for i, each in enumerate(begun) if isinstance(each, _Task)}
    if not tasks:
        return rows
    reporter.begin(title)
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


def _finished(task: _Task, outcome: Outcome) -> Row:
    row = replace(task.row, seconds=round(outcome.seconds, 3))
    if outcome.error is not None:
        return replace(row, error=outcome.error, exit_code=outcome.exit_code)
    try:
        return replace(task.keep(outcome), seconds=row.seconds)
    except FlowgifError as error:
        return row.failed(error)
    except OSError as error:
        return row.failed(
            UnusableInput(f"{error.filename or row.run}: {error.strerror or error}; choose another place")
        )


def _files_of(settings: RunConfig) -> dict[str, bytes]:
    """Reads the files that settings name, by their paths there."""
    files: dict[str, bytes] = {}
    for kind, path in (("picture", settings.target.img), ("font", settings.target.font)):
        if path is None:
            continue
        if not path.exists():
            raise missing(kind, path)
        if path.is_dir():
            raise UnusableInput(f"{path} is a folder; name one {kind} in it")
        try:
            with path.open("rb") as file:
                files[str(path)] = read_limited(file, path, MOST_BYTES)
        except OSError as error:
            raise UnusableInput(f"{path} cannot be read: {error.strerror or error}; check its permissions") from None
    return files


def _read_run(folder: Path) -> dict[str, bytes]:
    """Reads the files of a run that show what was trained."""
    settings_of(folder)
    files: dict[str, bytes] = {}
    for name in (CONFIG, PROVENANCE, PICTURE, WEIGHTS):
        with suppress(FileNotFoundError):
            files[name] = read_regular(folder / name, MOST_BYTES)
    return files


def _names_of(folders: Sequence[Path]) -> list[str]:
    # A dot in the name of a folder begins no suffix.
    return names_for([folder.resolve().with_name(f"{folder.resolve().name}.run") for folder in folders])


def _gap_of(result: Mapping[str, Any] | None) -> tuple[float, float] | None:
    """Returns the gap and its standard error of a result that a run keeps; None if it is none."""
    found = (result or {}).get("gap"), (result or {}).get("gap_se")
    gap, error = found
    return (gap, error) if isinstance(gap, float) and isinstance(error, float) else None


def _files_in(folder: Path, result: Mapping[str, Any] | None) -> tuple[Path, ...]:
    """Returns the files of a result that a run keeps; none if one of them has changed."""
    files = (result or {}).get("files")
    if not isinstance(files, dict):
        return ()
    paths = {folder / Path(str(name)).name: value for name, value in files.items()}  # pyright: ignore[reportUnknownVariableType]
    if any(value is None or hash_file(path) != value for path, value in paths.items()):
        return ()
    return tuple(paths)
