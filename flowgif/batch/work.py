"""What workers do: functions from the contents of files to the contents of files.

A worker may be a process of this machine or of another one. It sees nothing of the caller's disk, and writes only to a
temporary folder of its own. PyTorch is imported by the first job.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from flowgif.batch.jobs import Outcome
from flowgif.config.schema import RunConfig
from flowgif.errors import ExitCode, FlowgifError, UnusableInput, as_flowgif_error
from flowgif.files.temporary import temporary_folder
from flowgif.runs.finished import Versions
from flowgif.runs.layout import FILES
from flowgif.runs.provenance import PROVENANCE, to_text

__all__ = ["Caller", "animate_run", "evaluate_run", "train_picture"]

# Settings of torch are of the whole process, and a cluster's worker may have several threads.
_one_at_a_time = threading.Lock()

Files = Mapping[str, bytes]


@dataclass(frozen=True)
class Caller:
    """Who asks for a job.

    Attributes:
        versions: the versions of the caller's programs, which the worker's must be equal to.
        command: the command, for the runs' provenance.
    """

    versions: Versions
    command: tuple[str, ...]

    @classmethod
    def here(cls) -> Caller:
        """Returns this process."""
        return cls(Versions.here(), tuple(sys.argv))


def train_picture(caller: Caller, settings: RunConfig, files: Files) -> Outcome:
    """Trains a run.

    Args:
        caller: who asks for it.
        settings: the settings.
        files: the contents of the files that the settings name, by their paths there.

    Returns:
        The run's files, with its gap.
    """

    def train(folder: Path) -> tuple[Files, dict[str, Any]]:
        from flowgif import session

        target = settings.target
        places = {path: folder / str(i) / (Path(path).name or "picture") for i, path in enumerate(files)}
        for path, place in places.items():
            place.parent.mkdir()
            place.write_bytes(files[path])
        here = {
            name: places.get(str(path), path)
            for name, path in (("img", target.img), ("font", target.font))
            if path is not None
        }
        run = folder / "run"
        try:
            local = settings.model_copy(update={"target": target.model_copy(update=here)})
            trained = session.train(local, run)
        except FlowgifError as error:
            raise _renamed(error, {str(place): path for path, place in places.items()}) from None
        made = {name: (run / name).read_bytes() for name in FILES if (run / name).exists()}
        made[PROVENANCE] = _provenance(made[PROVENANCE], caller, target.source)
        gap = {"gap": trained.gap.gap, "gap_se": trained.gap.standard_error}
        return made, {**gap, "steps": trained.steps}

    return _outcome_of(caller, train)


def evaluate_run(caller: Caller, name: str, files: Files, seed: int) -> Outcome:
    """Measures how well a run fits.

    Args:
        caller: who asks for it.
        name: the run's path, for messages.
        files: the run's files.
        seed: of the points.
    """

    def evaluate(folder: Path) -> tuple[Files, dict[str, Any]]:
        from flowgif.api import load
        from flowgif.evaluation.gap import evaluate as evaluate_flow

        loaded = load(_unpacked(folder / "run", files))
        return {}, asdict(evaluate_flow(loaded.flow, loaded.target, seed))

    return _outcome_of(caller, evaluate, name)


def animate_run(caller: Caller, name: str, files: Files, out: str, options: Mapping[str, Any]) -> Outcome:
    """Writes the animation of a run.

    Args:
        caller: who asks for it.
        name: the run's path, for messages.
        files: the run's files.
        out: the name of the animation's file.
        options: the look and the pace, by the names of the command line's options.

    Returns:
        The file, or the two files of both themes.
    """

    def animate(folder: Path) -> tuple[Files, dict[str, Any]]:
        from flowgif.api import load

        done = load(_unpacked(folder / "run", files)).animate(folder / out, **options)
        made = {file.path.name: file.path.read_bytes() for file in done.files}
        return made, {"frames": done.frames}

    return _outcome_of(caller, animate, name)


def _unpacked(folder: Path, files: Files) -> Path:
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


def _provenance(content: bytes, caller: Caller, source: str) -> bytes:
    """Returns a run's provenance with the caller's command, and the picture's path as the caller gave it."""
    found = json.loads(content)
    found["command"] = list(caller.command)
    if "picture" in found:
        found["picture"]["source"] = source
    return to_text(found).encode()


def _outcome_of(
    caller: Caller, work: Callable[[Path], tuple[Files, dict[str, Any]]], run: str | None = None
) -> Outcome:
    """Does a job in a temporary folder.

    Args:
        caller: who asks for it.
        work: returns the files that it made in the folder, and its figures.
        run: what messages call the folder's run; None if it has none.
    """
    start = time.perf_counter()
    try:
        if (here := Versions.here()) != caller.versions:
            raise UnusableInput(f"the worker has {here}, and this machine {caller.versions}; install the same on both")
        with _one_at_a_time, temporary_folder() as folder:
            try:
                files, figures = work(folder)
            except FlowgifError as error:
                raise _renamed(error, {} if run is None else {str(folder / "run"): run}) from None
    except (FlowgifError, OSError, MemoryError, OverflowError, RuntimeError) as error:
        known = as_flowgif_error(error)
        if known is None:
            raise
        message = " ".join(str(known).split())
        return Outcome(seconds=time.perf_counter() - start, error=message, exit_code=ExitCode(known.exit_code))
    return Outcome(files, figures, time.perf_counter() - start)


def _renamed(error: FlowgifError, names: Mapping[str, str]) -> FlowgifError:
    """Returns an error whose message has the caller's paths in the place of the worker's."""
    message = str(error)
    for place, name in names.items():
        message = message.replace(place, name)
    error.args = (message,)
    return error
