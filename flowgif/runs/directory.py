"""The run directory as objects: its settings, flow and target. :mod:`flowgif.runs.writer` writes its files."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from flowgif.config.schema import RunConfig, TargetConfig
from flowgif.errors import UnusableInput
from flowgif.files.reading import check_regular
from flowgif.flows.base import Flow
from flowgif.flows.build import build_flow
from flowgif.runs.layout import CONFIG, FILES, INITIAL, METRICS, PICTURE, RESUME, WEIGHTS
from flowgif.runs.metrics import read_metrics
from flowgif.runs.provenance import is_run, read_origin
from flowgif.runs.settings import settings_of
from flowgif.runs.tensors import read_tensors
from flowgif.targets.build import build_target
from flowgif.targets.mixture import GaussianMixture
from flowgif.targets.reading.loading import AS_IT_IS, load_picture
from flowgif.targets.reading.picture import Picture

__all__ = [
    "FILES",
    "INITIAL",
    "METRICS",
    "PICTURE",
    "RESUME",
    "WEIGHTS",
    "Run",
    "open_target",
    "source_of",
]

LARGEST_SIDE = 4096  # of a run's picture, pixels


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
    if not os.path.lexists(path):
        raise UnusableInput(f"{path} is missing; train the run again (--force)")
    check_regular(path)
    origin = read_origin(folder)
    image = load_picture(path, AS_IT_IS).image
    if max(image.size) > LARGEST_SIDE:
        raise UnusableInput(f"{path} is larger than {LARGEST_SIDE} pixels; train the run again (--force)")
    return Picture(image, origin.size_as_given)


def source_of(target: TargetConfig) -> str:
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

    def toml(self) -> str:
        """Returns the text of config.toml, in which paths are relative to the directory."""
        updates: dict[str, Any] = {}
        if self.config.target.img is not None:
            updates["target"] = self.config.target.model_copy(update={"img": Path(PICTURE)})
        if self.config.training.start is not None:
            start = Path(os.path.relpath(self.config.training.start, self.folder))
            updates["training"] = self.config.training.model_copy(update={"start": start})
        return self.config.model_copy(update=updates).to_toml()

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
            NumericalError: they are not finite.
        """
        flow = build_flow(self.config)
        path = self.folder / weights
        tensors = read_tensors(path, flow.state_dict(), "; train the run again (--force)")
        try:
            flow.load_state_dict(tensors)
        except RuntimeError:
            raise UnusableInput(f"{path} does not fit {CONFIG}; train the run again (--force)") from None
        return flow.eval().requires_grad_(False)

    def read_state(
        self, expected: Mapping[str, Tensor], longest: Mapping[str, int], unknown: tuple[str, ...]
    ) -> dict[str, Tensor] | None:
        """Returns the resume state, or None if there is none.

        Args:
            expected, longest, unknown: see :func:`flowgif.runs.tensors.read_tensors`.

        Raises:
            UnusableInput: the file is broken, or does not fit the run.
            NumericalError: a number is not finite.
        """
        path = self.folder / RESUME
        return read_tensors(path, expected, "", longest, unknown) if os.path.lexists(path) else None

    def read_metrics(self) -> list[dict[str, float]]:
        """Returns all readable lines of the metrics.

        Raises:
            UnusableInput: they are no regular file, or too large.
        """
        return read_metrics(self.folder)
