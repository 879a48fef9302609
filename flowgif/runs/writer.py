"""Writes a run: one training at a time, every checkpoint whole, and nothing before the first one."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from flowgif.config.schema import RunConfig
from flowgif.errors import NumericalError, UnusableInput
from flowgif.files.locks import Lock
from flowgif.files.writing import report_os_errors, settle, sync, written_together
from flowgif.runs.directory import FILES, INITIAL, METRICS, PICTURE, RESUME, Run, source_of
from flowgif.runs.provenance import PROVENANCE, PictureOrigin, make_provenance, read_provenance, to_text
from flowgif.runs.settings import CONFIG, WEIGHTS
from flowgif.runs.tensors import all_finite, to_bytes
from flowgif.targets.mixture import GaussianMixture

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["Row", "RunWriter"]

Row = Mapping[str, float]  # a line of the metrics
ATTEMPTS = 20  # at making a folder that another training may be removing


class RunWriter(AbstractContextManager["RunWriter"]):
    """The only writer of a run directory until it is closed, or its process ends.

    What is in the directory, such as a run that will be replaced, stays as it is until the first checkpoint, which puts
    all files of the run into their places at once. Folders that were made for nothing are removed at the end.

    Args:
        folder: the run directory, which need not exist yet.

    Raises:
        UnusableInput: the directory cannot be made, or another process is training there.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._made: list[Path] = []
        self._files: dict[str, bytes] = {}  # what the next checkpoint writes besides its own files
        self._replaces = False  # whether files that the next checkpoint does not write belong to another run
        self._provenance: dict[str, Any] = {}
        self._metrics = bytearray()
        with report_os_errors(folder, "choose another --out"):
            self._lock = self._open()
        try:
            settle(folder)
        except BaseException:
            self.close()
            raise

    def _open(self) -> Lock:
        for attempt in range(ATTEMPTS):
            missing = [path for path in (self._folder, *self._folder.absolute().parents) if not path.exists()]
            self._folder.mkdir(parents=True, exist_ok=True)
            self._made = missing
            try:
                return Lock.take(Path(os.path.realpath(self._folder)))
            except FileNotFoundError:  # another training has made the folder too, and removed it again
                if attempt == ATTEMPTS - 1:
                    raise
            except BlockingIOError:
                break
        raise UnusableInput(f"{self._folder} is being trained by another process; wait for it, or choose another --out")

    def close(self) -> None:
        """Lets others train there."""
        for folder in self._made:
            with suppress(OSError):  # it holds something by now
                folder.rmdir()
        self._lock.close()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def start(self, config: RunConfig, target: GaussianMixture, flow: torch.nn.Module) -> Run:
        """Prepares a new run.

        Args:
            config: the resolved config.
            target: the target that the config names.
            flow: the flow before training.
        """
        picture = target.picture
        origin = (
            None
            if picture is None
            else PictureOrigin(source=source_of(config.target), size_as_given=picture.size_as_given)
        )
        if picture is not None:
            stored = {"img": self._folder / PICTURE, "text": None, "font": None, "frame": None}
            config = config.model_copy(update={"target": config.target.model_copy(update=stored)})
            png = io.BytesIO()
            picture.image.save(png, "PNG")
            self._files[PICTURE] = png.getvalue()
        run = Run(self._folder, config)
        self._provenance = make_provenance(config.training.seed, torch.get_num_threads(), origin)
        self._files |= {INITIAL: to_bytes(flow.state_dict()), CONFIG: run.toml().encode("utf-8", "surrogateescape")}
        self._replaces = True
        return run

    def go_on(self, run: Run, config: RunConfig, step: int) -> Run:
        """Prepares to go on with a run.

        Args:
            run: the run.
            config: its settings from now on.
            step: the step from which training continues; metrics of later ones are dropped.
        """
        self._provenance = read_provenance(self._folder)
        self._add(row for row in run.read_metrics() if row["step"] <= step)
        if config == run.config:
            return run
        run = Run(self._folder, config)
        self._files[CONFIG] = run.toml().encode("utf-8", "surrogateescape")
        return run

    def write(self, state: Mapping[str, Tensor] | None, weights: Mapping[str, Tensor], rows: Iterable[Row]) -> None:
        """Writes a checkpoint, all of it or nothing.

        Args:
            state: the resume state: weights, averages, optimisers, generators. None leaves that of the last checkpoint.
            weights: the flow's weights.
            rows: new lines of the metrics.

        Raises:
            NumericalError: a number is not finite; what is stored stays as it is.
            UnusableInput: it cannot be written.
        """
        if not (all_finite(state or {}) and all_finite(weights)):
            raise NumericalError("weights are not finite; train again with a lower --lr")
        self._add(rows)
        provenance = {**self._provenance, "trained": datetime.now(UTC).isoformat()}
        files = {
            **self._files,
            **({} if state is None else {RESUME: to_bytes(state)}),
            WEIGHTS: to_bytes(weights),
            METRICS: bytes(self._metrics),
            PROVENANCE: to_text(provenance).encode(),
        }
        removed = [name for name in FILES if name not in files] if self._replaces else []
        with report_os_errors(self._folder), written_together(self._folder, removed) as stage:
            for name, content in files.items():
                (stage / name).write_bytes(content)
            for path in self._made:
                sync(path.parent)
        self._files, self._replaces, self._made = {}, False, []

    def _add(self, rows: Iterable[Row]) -> None:
        for row in rows:
            self._metrics += json.dumps(row).encode() + b"\n"
