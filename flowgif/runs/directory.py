"""The run directory: everything that a training leaves behind. Files are written whole; only the metrics grow.

config.toml                   all settings, resolved; this file is itself a valid config file
provenance.json               versions, machine, times, the picture's source and its size as given
picture.png                   the picture as it was used, in colour
weights.safetensors           the flow, as averaged over the last steps
weights-initial.safetensors   the flow before training
resume.safetensors            the resume state: weights, averages, optimisers, generators
metrics.jsonl                 one object per line: {"step", "loss", "seconds"}, at checkpoints "gap" and "gap_se" too
"""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from flowgif.config.schema import RunConfig, TargetConfig
from flowgif.errors import UnusableInput
from flowgif.files import report_os_errors, staged_folder, write_atomically
from flowgif.flows.base import Flow
from flowgif.flows.build import build_flow
from flowgif.runs.provenance import PROVENANCE, PictureOrigin, is_run, provenance, read_origin, record_time
from flowgif.runs.settings import CONFIG, WEIGHTS, settings_of
from flowgif.runs.tensors import read_tensors, to_bytes, write_tensors
from flowgif.targets.build import build_target
from flowgif.targets.mixture import GaussianMixture
from flowgif.targets.reading.loading import AS_IT_IS, load_picture
from flowgif.targets.reading.picture import Picture

__all__ = ["INITIAL", "METRICS", "WEIGHTS", "Run", "open_target"]

PICTURE, INITIAL, RESUME, METRICS = (
    "picture.png",
    "weights-initial.safetensors",
    "resume.safetensors",
    "metrics.jsonl",
)
FILES = (CONFIG, PROVENANCE, PICTURE, WEIGHTS, INITIAL, RESUME, METRICS)


def _run_of_picture(target: TargetConfig) -> Path | None:
    """Returns the run whose stored picture a config names; None if the picture is not stored in a run."""
    if target.img is None or target.img.name != PICTURE or not is_run(target.img.parent):
        return None
    return target.img.parent


def _stored_picture(target: TargetConfig) -> Picture | None:
    """Returns a run's picture as it was used if a config names that picture; else None.

    The picture is not shrunk again, and its coordinates are those of the picture as given.

    Raises:
        UnusableInput: the run's picture is missing.
    """
    folder = _run_of_picture(target)
    if folder is None:
        return None
    path = folder / PICTURE
    if not path.exists():
        raise UnusableInput(f"{path} is missing; train the run again (--force)")
    origin = read_origin(folder)
    return Picture(load_picture(path, AS_IT_IS).image, origin.size_as_given)


def _source(target: TargetConfig) -> str:
    """Returns what reports call a config's target; of a run's picture, what they called it then."""
    folder = _run_of_picture(target)
    return target.source if folder is None else read_origin(folder).source


def open_target(config: RunConfig) -> GaussianMixture:
    """Builds the target that a config names; a run's picture is used as the run used it.

    Raises:
        UnusableInput: the picture or data set cannot be used.
    """
    return build_target(config.target, _stored_picture(config.target))


@dataclass(frozen=True)
class Run:
    """A run directory.

    Attributes:
        folder: the directory's path.
        config: the run's resolved settings.
    """

    folder: Path
    config: RunConfig

    @staticmethod
    def check_free(folder: Path, force: bool) -> None:
        """Checks that a run may be made in a folder.

        Raises:
            UnusableInput: the folder is a file, or holds a run (without force) or files of the same names that were not
                written by flowgif.
        """
        if folder.exists() and not folder.is_dir():
            raise UnusableInput(f"{folder} is a file; choose another --out")
        if is_run(folder):
            if not force:
                quoted = shlex.quote(str(folder))
                raise UnusableInput(
                    f"{folder} holds a run already; go on with it (--resume --out {quoted}), replace it (--force), "
                    "or choose another --out"
                )
        elif foreign := [name for name in FILES if (folder / name).exists()]:
            raise UnusableInput(f"{folder} holds a {foreign[0]} that is not a run's; choose another --out")

    @classmethod
    def create(cls, folder: Path, config: RunConfig, target: GaussianMixture, flow: torch.nn.Module) -> Run:
        """Makes the directory with all files that are known before training; an existing run is replaced.

        All files are first written to a temporary folder beside it, before any file is replaced.

        Args:
            folder: the directory's path.
            config: the resolved config.
            target: the target that the config names.
            flow: the flow before training.

        Raises:
            UnusableInput: the directory cannot be written.
        """
        picture = target.picture
        origin = (
            None
            if picture is None
            else PictureOrigin(source=_source(config.target), size_as_given=picture.size_as_given)
        )
        if picture is not None:
            stored = {"img": folder / PICTURE, "text": None, "font": None, "frame": None}
            config = config.model_copy(update={"target": config.target.model_copy(update=stored)})
        run = cls(folder, config)
        with report_os_errors(folder, "choose another --out"), staged_folder(folder) as stage:
            # The provenance marks a folder as a run, so it comes first; the config makes it usable, so it comes last.
            text = provenance(config.training.seed, torch.get_num_threads(), origin)
            (stage / PROVENANCE).write_text(text, encoding="utf-8")
            if picture is not None:
                picture.image.save(stage / PICTURE)
            (stage / INITIAL).write_bytes(to_bytes(flow.state_dict()))
            (stage / CONFIG).write_text(run.toml(), encoding="utf-8")
            folder.mkdir(parents=True, exist_ok=True)
            for name in (CONFIG, *(name for name in FILES if name != CONFIG)):
                (folder / name).unlink(missing_ok=True)
            for name in (PROVENANCE, PICTURE, INITIAL, CONFIG):
                if (stage / name).exists():
                    (stage / name).replace(folder / name)
        return run

    def toml(self) -> str:
        """Returns the text of config.toml, in which paths are relative to the directory."""
        updates: dict[str, Any] = {}
        if self.config.target.img is not None:
            updates["target"] = self.config.target.model_copy(update={"img": Path(PICTURE)})
        if self.config.training.start is not None:
            start = Path(os.path.relpath(self.config.training.start, self.folder))
            updates["training"] = self.config.training.model_copy(update={"start": start})
        return self.config.model_copy(update=updates).to_toml()

    def with_config(self, config: RunConfig) -> Run:
        """Returns the run with other settings, and writes these to the directory.

        Raises:
            UnusableInput: the settings cannot be written.
        """
        run = Run(self.folder, config)
        write_atomically(self.folder / CONFIG, lambda path: path.write_text(run.toml(), encoding="utf-8"))
        return run

    @classmethod
    def open(cls, folder: Path) -> Run:
        """Opens an existing run.

        Raises:
            UnusableInput: there is no run, or its config is broken.
        """
        return cls(folder, settings_of(folder))

    @property
    def source(self) -> str:
        """What reports call the target: the picture's path as it was given, its text, or the data set's name."""
        return self.config.target.data or read_origin(self.folder).source

    def target(self) -> GaussianMixture:
        """Returns the target, rebuilt from the directory's files.

        Raises:
            UnusableInput: the stored picture is missing or broken.
        """
        return open_target(self.config)

    def flow(self, weights: str = WEIGHTS) -> Flow:
        """Returns the flow with the weights of one of the directory's files.

        Raises:
            UnusableInput: the weights are missing or broken.
        """
        flow = build_flow(self.config)
        path = self.folder / weights
        tensors = read_tensors(path, f"; train it first (flowgif train --resume --out {self.folder})")
        try:
            flow.load_state_dict(tensors)
        except RuntimeError:
            raise UnusableInput(f"{path} does not fit {CONFIG}; train the run again (--force)") from None
        return flow.eval().requires_grad_(False)

    def write_weights(self, flow: torch.nn.Module, name: str = WEIGHTS) -> None:
        """Writes a flow's weights, and records the time."""
        write_tensors(self.folder / name, flow.state_dict())
        record_time(self.folder)

    def write_state(self, state: Mapping[str, Tensor]) -> None:
        """Writes the resume state: weights, averages, optimisers, generators."""
        write_tensors(self.folder / RESUME, state)

    def read_state(self) -> dict[str, Tensor] | None:
        """Returns the resume state, or None if training was stopped before its first checkpoint.

        Raises:
            UnusableInput: the file is broken.
        """
        path = self.folder / RESUME
        return read_tensors(path) if path.exists() else None

    def append_metrics(self, rows: list[dict[str, float]]) -> None:
        """Appends lines to the metrics."""
        with (self.folder / METRICS).open("a", encoding="utf-8") as file:
            file.writelines(json.dumps(row) + "\n" for row in rows)

    def read_metrics(self) -> list[dict[str, float]]:
        """Returns all readable lines of the metrics."""
        path = self.folder / METRICS
        rows: list[dict[str, float]] = []
        for line in path.read_text("utf-8", errors="replace").splitlines() if path.exists() else []:
            # A line that a crash cut short cannot be read. The other lines can.
            with suppress(ValueError):
                row = json.loads(line)
                if isinstance(row, dict) and "step" in row:
                    rows.append(row)  # pyright: ignore[reportUnknownArgumentType]
        return rows

    def keep_metrics_up_to(self, step: int) -> None:
        """Drops the metrics of all steps after ``step``, from which training continues."""
        kept = "".join(json.dumps(row) + "\n" for row in self.read_metrics() if row["step"] <= step)
        write_atomically(self.folder / METRICS, lambda path: path.write_text(kept, encoding="utf-8"))
