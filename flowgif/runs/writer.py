"""Writes a run: one training at a time, every checkpoint whole, and nothing before the first one."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from flowgif.config.schema import RunConfig
from flowgif.errors import NumericalError
from flowgif.runs.directory import Run, source_of
from flowgif.runs.layout import CONFIG, INITIAL, METRICS, PICTURE, RESUME, WEIGHTS
from flowgif.runs.place import RunPlace
from flowgif.runs.provenance import PROVENANCE, PictureOrigin, make_provenance, read_provenance, to_text
from flowgif.runs.tensors import all_finite, to_bytes
from flowgif.targets.mixture import GaussianMixture

if TYPE_CHECKING:
    pass

__all__ = ["Row", "RunWriter"]

Row = Mapping[str, float]  # a line of the metrics


class RunWriter(RunPlace):
    """The writer of a training.

    Nothing is written before the first checkpoint, which puts all files of the run into their places at once.

    Args:
        folder: the run directory, which need not exist yet.

    Raises:
        UnusableInput: the directory cannot be made, or another process is training there.
    """

    def __init__(self, folder: Path) -> None:
        self._files: dict[str, bytes] = {}  # what the next checkpoint writes besides its own files
        self._replaces = False  # whether files that the next checkpoint does not write belong to another run
        self._provenance: dict[str, Any] = {}
        self._metrics = bytearray()
        super().__init__(folder)

    def start(
        self, config: RunConfig, target: GaussianMixture, flow: torch.nn.Module, fingerprint: str | None = None
    ) -> Run:
        """Prepares a new run.

        Args:
            config: the resolved config.
            target: the target that the config names.
            flow: the flow before training.
            fingerprint: of the training; see :func:`flowgif.runs.finished.fingerprint_of`.
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
        self._provenance = make_provenance(config.training.seed, torch.get_num_threads(), origin, fingerprint)
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
        self._provenance["fingerprint"] = None
        run = Run(self._folder, config)
        self._files[CONFIG] = run.toml().encode("utf-8", "surrogateescape")
        return run

    def write(
        self,
        state: Mapping[str, Tensor] | None,
        weights: Mapping[str, Tensor],
        rows: Iterable[Row],
        finished: bool = False,
    ) -> None:
        """Writes a checkpoint, all of it or nothing.

        Args:
            state: the resume state: weights, averages, optimisers, generators. None leaves that of the last checkpoint.
            weights: the flow's weights.
            rows: new lines of the metrics.
            finished: whether the training has ended, and its gap is measured.

        Raises:
            NumericalError: a number is not finite; what is stored stays as it is.
            UnusableInput: it cannot be written.
        """
        if not (all_finite(state or {}) and all_finite(weights)):
            raise NumericalError("weights are not finite; train again with a lower --lr")
        self._add(rows)
        provenance = {**self._provenance, "trained": datetime.now(UTC).isoformat(), "finished": finished}
        files = {
            **self._files,
            **({} if state is None else {RESUME: to_bytes(state)}),
            WEIGHTS: to_bytes(weights),
            METRICS: bytes(self._metrics),
            PROVENANCE: to_text(provenance).encode(),
        }
        if self._replaces:
            self.put(files)
        else:
            self._put(files, [])
        self._files, self._replaces = {}, False

    def _add(self, rows: Iterable[Row]) -> None:
        for row in rows:
            self._metrics += json.dumps(row).encode() + b"\n"
