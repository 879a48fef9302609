"""The three commands, for many: they train, evaluate and animate all, and keep what is done whatever fails."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from flowgif.batch.inputs import names_for
from flowgif.batch.jobs import Call, Outcome
from flowgif.batch.rows import Batch, Reporter, Row, Task, do_all
from flowgif.batch.work import Caller, animate_run, evaluate_run, train_picture
from flowgif.config.schema import RunConfig
from flowgif.errors import FlowgifError, UnusableInput
from flowgif.files.reading import missing, read_limited, read_regular
from flowgif.files.writing import write_atomically
from flowgif.runs.finished import find_finished, fingerprint_of, hash_file
from flowgif.runs.layout import CONFIG, PICTURE, WEIGHTS, check_free, check_outputs, read_whole
from flowgif.runs.place import RunPlace
from flowgif.runs.provenance import PROVENANCE
from flowgif.runs.results import find_result, keep_result, key_of
from flowgif.runs.settings import settings_of

__all__ = ["Training", "animate_all", "evaluate_all", "train_all"]

MOST_BYTES = 512 * 2**20  # of a picture, or of a file of a run

Files = Mapping[str, bytes]


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
    caller = Caller.here()

    def begin(training: Training) -> Row | Task:
        row, settings = Row(training.name, training.folder), training.settings
        if settings.training.start is not None:
            return row.failed(UnusableInput("--from goes with one training; leave it out"))
        try:
            if batch.skips and (done := find_finished(row.run, fingerprint_of(settings))) is not None:
                return replace(row, gap=done.gap, gap_se=done.gap_se, skipped=True)
            check_free(row.run, force)
        except FlowgifError as error:
            return row.failed(error)

        def keep(outcome: Outcome) -> Row:
            with RunPlace(row.run) as place:
                check_free(row.run, force)  # another training may have ended meanwhile
                place.put(outcome.files)
            return replace(row, gap=outcome.figures["gap"], gap_se=outcome.figures["gap_se"])

        return Task(row, lambda: (train_picture, (caller, settings, _files_of(settings))), keep)

    return do_all("training", [begin(training) for training in trainings], batch, reporter)


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
    caller = Caller.here()

    def begin(row: Row) -> Row | Task:
        def known(result: Mapping[str, Any]) -> Row | None:
            gap, error = result.get("gap"), result.get("gap_se")
            if not all(isinstance(value, float) and math.isfinite(value) for value in (gap, error)):
                return None
            return replace(row, gap=gap, gap_se=error)

        def keep(outcome: Outcome) -> tuple[Row, Mapping[str, Any]]:
            result = {name: outcome.figures[name] for name in ("gap", "gap_se")}
            return replace(row, **result), result

        def call(files: Files) -> Call:
            return evaluate_run, (caller, str(row.run), files, seed)

        return _begin(row, batch, ("eval", seed), call, keep, known)

    return do_all("evaluating", [begin(row) for row in _rows_of(folders)], batch, reporter)


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
    caller = Caller.here()

    def begin(row: Row) -> Row | Task:
        out, folder = f"{row.name}{suffix}", row.run if place is None else place

        def known(result: Mapping[str, Any]) -> Row | None:
            files = result.get("files")
            hashes = dict(files) if isinstance(files, dict) else {}  # pyright: ignore[reportUnknownVariableType]
            paths = {folder / Path(str(name)).name: value for name, value in hashes.items()}
            if not paths or any(value is None or hash_file(path) != value for path, value in paths.items()):
                return None
            return replace(row, files=tuple(paths))

        def keep(outcome: Outcome) -> tuple[Row, Mapping[str, Any]]:
            paths = {folder / name: content for name, content in outcome.files.items()}
            folder.mkdir(parents=True, exist_ok=True)
            check_outputs([row.run], paths)
            for path, content in paths.items():
                write_atomically(path, lambda beside, content=content: beside.write_bytes(content))
            hashes = {path.name: hashlib.sha256(content).hexdigest() for path, content in paths.items()}
            return replace(row, files=tuple(paths)), {"files": hashes}

        def call(files: Files) -> Call:
            return animate_run, (caller, str(row.run), files, out, options)

        return _begin(row, batch, ("animate", out, dict(options)), call, keep, known)

    return do_all("animating", [begin(row) for row in _rows_of(folders)], batch, reporter)


def _begin(
    row: Row,
    batch: Batch,
    question: tuple[object, ...],
    call: Callable[[Files], Call],
    keep: Callable[[Outcome], tuple[Row, Mapping[str, Any]]],
    known: Callable[[Mapping[str, Any]], Row | None],
) -> Row | Task:
    """Begins what is computed from a run: finds it among the results that the run keeps, or makes a task of it.

    Args:
        row: of the run.
        batch: how.
        question: what is computed; values that JSON can hold.
        call: returns what a worker calls, of the run's files.
        keep: stores what came of it; returns the row, and the result that the run keeps.
        known: returns the row that a kept result gives; None if it is not what it should be, or not so any more.
    """
    keys: list[str] = []  # of the files that the worker was given, which may have changed since

    def prepare() -> Call:
        files = _read_run(row.run)
        keys.append(key_of(files, *question))
        return call(files)

    def finish(outcome: Outcome) -> Row:
        done, result = keep(outcome)
        keep_result(row.run, keys[-1], result)
        return done

    if batch.skips:
        try:
            result = find_result(row.run, key_of(_read_run(row.run), *question))
        except FlowgifError as error:
            return row.failed(error)
        if result is not None and (done := known(result)) is not None:
            return replace(done, skipped=True)
    return Task(row, prepare, finish)


def _rows_of(folders: Sequence[Path]) -> list[Row]:
    names = names_for([folder.resolve() for folder in folders])
    return [Row(name, folder) for name, folder in zip(names, folders, strict=True)]


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

    def read() -> dict[str, bytes]:
        settings_of(folder)
        files: dict[str, bytes] = {}
        for name in (CONFIG, PROVENANCE, PICTURE, WEIGHTS):
            with suppress(FileNotFoundError):
                files[name] = read_regular(folder / name, MOST_BYTES)
        return files

    return read_whole(folder, read)
