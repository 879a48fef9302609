"""The run directory: everything that a training leaves behind. Its files are written whole, but the metrics grow.

config.toml                   all settings, resolved; a config file in its own right
provenance.json               versions, machine, the picture's source and its size as given
picture.png                   the picture as it was used, in colour
weights.safetensors           the flow, as averaged over the last steps
weights-initial.safetensors   the flow before training
resume.safetensors            what going on needs: weights, averages, optimisers, generators
metrics.jsonl                 one object a line: {"step", "loss", "seconds"}, at checkpoints "gap" and "gap_se" too
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
from flowgif.runs.provenance import PROVENANCE, Origin, is_run, provenance, read_origin
from flowgif.runs.settings import CONFIG, WEIGHTS, newest_run, settings_of
from flowgif.runs.tensors import read_tensors, to_bytes, write_tensors
from flowgif.targets.build import build_target
from flowgif.targets.mixture import GaussianMixture
from flowgif.targets.picture import Picture, load_picture

__all__ = ["INITIAL", "METRICS", "WEIGHTS", "Run", "open_target"]

PICTURE, INITIAL, RESUME, METRICS = (
    "picture.png",
    "weights-initial.safetensors",
    "resume.safetensors",
    "metrics.jsonl",
)
FILES = (CONFIG, PROVENANCE, PICTURE, WEIGHTS, INITIAL, RESUME, METRICS)
AS_IT_IS = 10**9  # pixels, more than any side has: a stored picture is not shrunk again


def _run_of_picture(target: TargetConfig) -> Path | None:
    """Returns the run whose stored picture is the one that a config names; None if it is no run's."""
    if target.img is None or target.img.name != PICTURE or not is_run(target.img.parent):
        return None
    return target.img.parent


def _stored_picture(target: TargetConfig) -> Picture | None:
    """Returns a run's picture as it was used, where a config names that; None elsewhere.

    It stays as it is, and its coordinates are those of the picture as given.

    Raises:
        UnusableInput: the run has lost it.
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
    """Returns what a config names: the picture's path as it was given, or the data set's name."""
    folder = _run_of_picture(target)
    return str(target.img or target.data) if folder is None else read_origin(folder).source


def open_target(config: RunConfig) -> GaussianMixture:
    """Builds the target that a config names; the picture of a run as the run used it.

    Raises:
        UnusableInput: its picture or data set cannot be used.
    """
    return build_target(config.target, _stored_picture(config.target))


@dataclass(frozen=True)
class Run:
    """A run directory.

    Attributes:
        folder: where it is.
        config: its settings, resolved.
    """

    folder: Path
    config: RunConfig

    @staticmethod
    def check_free(folder: Path, force: bool) -> None:
        """Finds out whether a run may be made there.

        Raises:
            UnusableInput: there is a run already (without force), a file, or somebody else's files of the same names.
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
        """Makes the directory, in the place of a run that is there, with everything that is known before training.

        All of it is written beside before anything is replaced.

        Args:
            folder: where.
            config: resolved.
            target: what the config names.
            flow: before training.

        Raises:
            UnusableInput: the place cannot be written.
        """
        picture = target.picture
        origin = None if picture is None else Origin(source=_source(config.target), size_as_given=picture.size_as_given)
        if picture is not None:
            config = config.model_copy(update={"target": config.target.model_copy(update={"img": folder / PICTURE})})
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
        """Returns the config as the run directory holds it: paths are relative to the directory."""
        updates: dict[str, Any] = {}
        if self.config.target.img is not None:
            updates["target"] = self.config.target.model_copy(update={"img": Path(PICTURE)})
        if self.config.training.start is not None:
            start = Path(os.path.relpath(self.config.training.start, self.folder))
            updates["training"] = self.config.training.model_copy(update={"start": start})
        return self.config.model_copy(update=updates).to_toml()

    def with_config(self, config: RunConfig) -> Run:
        """Returns the run with other settings, which the directory then holds.

        Raises:
            UnusableInput: they cannot be written.
        """
        run = Run(self.folder, config)
        write_atomically(self.folder / CONFIG, lambda path: path.write_text(run.toml(), encoding="utf-8"))
        return run

    @classmethod
    def open(cls, folder: Path) -> Run:
        """Opens an existing run.

        Raises:
            UnusableInput: there is none, or its config is broken.
        """
        return cls(folder, settings_of(folder))

    @property
    def source(self) -> str:
        """What was fitted: the picture's path as it was given, or the data set's name."""
        return self.config.target.data or read_origin(self.folder).source

    def target(self) -> GaussianMixture:
        """Returns the target, rebuilt from what the directory holds.

        Raises:
            UnusableInput: the stored picture is missing or broken.
        """
        return open_target(self.config)

    def flow(self, weights: str = WEIGHTS) -> Flow:
        """Returns the flow with the weights of one of the directory's files.

        Raises:
            UnusableInput: they are missing or broken.
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
        """Keeps a flow's weights."""
        write_tensors(self.folder / name, flow.state_dict())

    def write_state(self, state: Mapping[str, Tensor]) -> None:
        """Keeps what going on needs."""
        write_tensors(self.folder / RESUME, state)

    def read_state(self) -> dict[str, Tensor] | None:
        """Returns what going on needs, or None where training was stopped before its first checkpoint.

        Raises:
            UnusableInput: the file is broken.
        """
        path = self.folder / RESUME
        return read_tensors(path) if path.exists() else None

    def append_metrics(self, rows: list[dict[str, float]]) -> None:
        """Adds lines to the metrics."""
        with (self.folder / METRICS).open("a", encoding="utf-8") as file:
            file.writelines(json.dumps(row) + "\n" for row in rows)

    def read_metrics(self) -> list[dict[str, float]]:
        """Returns all lines of the metrics that can be read."""
        path = self.folder / METRICS
        rows: list[dict[str, float]] = []
        for line in path.read_text("utf-8", errors="replace").splitlines() if path.exists() else []:
            # A line that a crash cut short cannot be read; the others can.
            with suppress(ValueError):
                row = json.loads(line)
                if isinstance(row, dict) and "step" in row:
                    rows.append(row)  # pyright: ignore[reportUnknownArgumentType]
        return rows

    def keep_metrics_up_to(self, step: int) -> None:
        """Drops what was measured after a step to which training goes back."""
        kept = "".join(json.dumps(row) + "\n" for row in self.read_metrics() if row["step"] <= step)
        write_atomically(self.folder / METRICS, lambda path: path.write_text(kept, encoding="utf-8"))


__all__ += ["newest_run"]  # alias
