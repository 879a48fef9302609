"""The run directory: everything that a training leaves behind; but for the metrics, which grow, written whole.

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
import platform
import shlex
import shutil
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import torch
from pydantic import BaseModel, Field
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

from flowgif.config.schema import FFJORDConfig, GlowConfig, RealNVPConfig, RunConfig, SplineConfig, read_config
from flowgif.errors import UnusableInput
from flowgif.files import write_atomically
from flowgif.flows.base import Flow
from flowgif.flows.continuous.ffjord import FFJORD
from flowgif.flows.discrete.glow import glow
from flowgif.flows.discrete.realnvp import realnvp, spline_flow
from flowgif.targets.image import ImageTarget, Picture, load_picture
from flowgif.targets.toy import ToyTarget

__all__ = ["Run", "build_flow", "build_target", "newest_run"]

CONFIG, PROVENANCE, PICTURE = "config.toml", "provenance.json", "picture.png"
WEIGHTS, INITIAL, RESUME, METRICS = (
    "weights.safetensors",
    "weights-initial.safetensors",
    "resume.safetensors",
    "metrics.jsonl",
)
FILES = (CONFIG, PROVENANCE, PICTURE, WEIGHTS, INITIAL, RESUME, METRICS)
DEFAULT_FOLDER = Path("runs")
AS_IT_IS = 10**9  # more pixels than any side has: a stored picture is not shrunk again


class _Origin(BaseModel):
    """Where a picture came from: (width, height) as given, and its path then."""

    source: str
    size_as_given: tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)]]


def _origin(folder: Path) -> _Origin:
    path = folder / PROVENANCE
    try:
        return _Origin.model_validate(json.loads(path.read_text("utf-8"))["picture"])
    except (OSError, ValueError, KeyError, TypeError):
        raise UnusableInput(f"{path} is missing or broken; train the run again (--force)") from None


def build_target(config: RunConfig) -> tuple[ImageTarget | ToyTarget, str]:
    """The target that a config names, and its source: the picture's path as it was given, or the data set's name.

    Raises:
        UnusableInput: its picture or data set cannot be used.
    """
    target = config.target
    if target.img is None:
        assert target.data is not None
        return ToyTarget(target.data, target.noise), target.data
    source, path = str(target.img), target.img
    if path.name == PICTURE and is_run(path.parent):
        if not path.exists():
            raise UnusableInput(f"{path} is missing; train the run again (--force)")
        # The picture as it was used: it stays as it is, and its coordinates are those of the picture as given.
        origin = _origin(path.parent)
        source = origin.source
        picture = Picture(load_picture(path, AS_IT_IS).image, origin.size_as_given)
    else:
        picture = load_picture(path, target.max_side)
    try:
        return ImageTarget(picture, target.invert, target.threshold), source
    except UnusableInput as error:
        raise UnusableInput(f"{path}: {error}") from None


def is_run(folder: Path) -> bool:
    """Whether a folder's provenance says that flowgif made it."""
    try:
        return "flowgif" in json.loads((folder / PROVENANCE).read_text("utf-8"))["versions"]
    except (OSError, ValueError, KeyError, TypeError):
        return False


def build_flow(config: RunConfig) -> Flow:
    """The untrained flow of a config; its seed decides the weights."""
    generator = torch.Generator().manual_seed(config.training.seed)
    match config.model:
        case FFJORDConfig() as model:
            return FFJORD.from_config(model, generator)
        case RealNVPConfig() as model:
            return realnvp(model, generator)
        case GlowConfig() as model:
            return glow(model, generator)
        case SplineConfig() as model:
            return spline_flow(model, generator)


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
    def create(
        cls, folder: Path, config: RunConfig, target: ImageTarget | ToyTarget, source: str, flow: torch.nn.Module
    ) -> Run:
        """Makes the directory, in the place of a run that is there, with everything that is known before training.

        All of it is written beside before anything is replaced.

        Args:
            folder: where.
            config: resolved.
            target: what the config names.
            source: where the picture came from, or the data set's name.
            flow: before training.

        Raises:
            UnusableInput: the place cannot be written.
        """
        provenance: dict[str, Any] = {
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "seed": config.training.seed,
            "versions": {"python": platform.python_version()}
            | {name: version(name) for name in ("flowgif", "torch", "torchdiffeq", "numpy", "pillow")},
            "machine": f"{platform.system()} {platform.machine()}, {torch.get_num_threads()} threads",
            "command": sys.argv,
        }
        if isinstance(target, ImageTarget):
            provenance["picture"] = {"source": source, "size_as_given": list(target.picture.size_as_given)}
            config = config.model_copy(update={"target": config.target.model_copy(update={"img": folder / PICTURE})})
        run = cls(folder, config)
        staging = (folder if folder.is_dir() else folder.parent) / f".flowgif-{os.getpid()}"
        try:
            staging.mkdir(parents=True)
            # The provenance marks a folder as a run, so it comes first; the config makes it usable, so it comes last.
            (staging / PROVENANCE).write_text(json.dumps(provenance, indent=1) + "\n", encoding="utf-8")
            if isinstance(target, ImageTarget):
                target.picture.image.save(staging / PICTURE)
            (staging / INITIAL).write_bytes(_serialised(flow.state_dict()))
            (staging / CONFIG).write_text(run.toml(), encoding="utf-8")
            folder.mkdir(parents=True, exist_ok=True)
            for name in (CONFIG, *(name for name in FILES if name != CONFIG)):
                (folder / name).unlink(missing_ok=True)
            for name in (PROVENANCE, PICTURE, INITIAL, CONFIG):
                if (staging / name).exists():
                    (staging / name).replace(folder / name)
        except OSError as error:
            raise UnusableInput(f"cannot write {folder}: {error.strerror or error}; choose another --out") from None
        finally:
            shutil.rmtree(staging, ignore_errors=True)
        return run

    def toml(self) -> str:
        """The config as the run directory holds it: paths are relative to it."""
        updates: dict[str, BaseModel] = {}
        if self.config.target.img is not None:
            updates["target"] = self.config.target.model_copy(update={"img": Path(PICTURE)})
        if self.config.training.start is not None:
            start = Path(os.path.relpath(self.config.training.start, self.folder))
            updates["training"] = self.config.training.model_copy(update={"start": start})
        return self.config.model_copy(update=updates).to_toml()

    def with_config(self, config: RunConfig) -> Run:
        """The run with other settings, which are kept."""
        run = Run(self.folder, config)
        write_atomically(self.folder / CONFIG, lambda path: path.write_text(run.toml(), encoding="utf-8"))
        return run

    @classmethod
    def open(cls, folder: Path) -> Run:
        """Opens an existing run.

        Raises:
            UnusableInput: there is none, or its config is broken.
        """
        if not (folder / CONFIG).is_file():
            raise UnusableInput(f"no run at {folder}; make one with: flowgif train --img PICTURE --out {folder}")
        return cls(folder, read_config(folder / CONFIG, {}))

    @property
    def source(self) -> str:
        """What was fitted: the picture's path as it was given, or the data set's name."""
        return self.config.target.data or _origin(self.folder).source

    def target(self) -> ImageTarget | ToyTarget:
        """The target, rebuilt from what the directory holds.

        Raises:
            UnusableInput: the stored picture is missing or broken.
        """
        return build_target(self.config)[0]

    def flow(self, weights: str = WEIGHTS) -> Flow:
        """The flow with the weights of one of the directory's files.

        Raises:
            UnusableInput: they are missing or broken.
        """
        flow = build_flow(self.config)
        tensors = self._tensors(weights, "; train it first (flowgif train --resume --out {folder})")
        try:
            flow.load_state_dict(tensors)
        except RuntimeError:
            raise UnusableInput(
                f"{self.folder / weights} does not fit {CONFIG}; train the run again (--force)"
            ) from None
        return flow.eval().requires_grad_(False)

    def write_weights(self, flow: torch.nn.Module, name: str = WEIGHTS) -> None:
        """Keeps a flow's weights."""
        self._write_tensors(name, flow.state_dict())

    def write_state(self, state: Mapping[str, Tensor]) -> None:
        """Keeps what going on needs."""
        self._write_tensors(RESUME, state)

    def read_state(self) -> dict[str, Tensor] | None:
        """What going on needs, or None where training was stopped before its first checkpoint."""
        return self._tensors(RESUME, "") if (self.folder / RESUME).exists() else None

    def append_metrics(self, rows: list[dict[str, float]]) -> None:
        """Adds lines to the metrics."""
        with (self.folder / METRICS).open("a", encoding="utf-8") as file:
            file.writelines(json.dumps(row) + "\n" for row in rows)

    def read_metrics(self) -> list[dict[str, float]]:
        """All lines of the metrics that can be read."""
        path = self.folder / METRICS
        rows: list[dict[str, float]] = []
        for line in path.read_text("utf-8", errors="replace").splitlines() if path.exists() else []:
            # A line that a crash cut short is worth no more than none.
            with suppress(ValueError):
                row = json.loads(line)
                if isinstance(row, dict) and "step" in row:
                    rows.append(row)  # pyright: ignore[reportUnknownArgumentType]
        return rows

    def keep_metrics_up_to(self, step: int) -> None:
        """Drops what was measured after a step to which training goes back."""
        kept = "".join(json.dumps(row) + "\n" for row in self.read_metrics() if row["step"] <= step)
        write_atomically(self.folder / METRICS, lambda path: path.write_text(kept, encoding="utf-8"))

    def _tensors(self, name: str, remedy: str) -> dict[str, Tensor]:
        path = self.folder / name
        try:
            return load_file(path)
        except FileNotFoundError:
            raise UnusableInput(f"{path} is missing" + remedy.format(folder=self.folder)) from None
        except (OSError, SafetensorError) as error:
            raise UnusableInput(f"{path} is broken ({error}); train the run again (--force)") from None

    def _write_tensors(self, name: str, tensors: Mapping[str, Tensor]) -> None:
        write_atomically(self.folder / name, lambda path: path.write_bytes(_serialised(tensors)))


def _serialised(tensors: Mapping[str, Tensor]) -> bytes:
    # Copies: two names of one tensor, such as a flow's and its average's buffers, cannot be stored.
    return save({key: value.detach().cpu().clone().contiguous() for key, value in tensors.items()})


def newest_run(folder: Path = DEFAULT_FOLDER) -> Path:
    """The run of a folder that was trained last.

    Raises:
        UnusableInput: it holds none.
    """
    runs = [path.parent for path in folder.glob(f"*/{WEIGHTS}")]
    if not runs:
        raise UnusableInput(f"no run in {folder}/; make one with: flowgif train --img PICTURE")
    return max(runs, key=lambda run: (run / WEIGHTS).stat().st_mtime)
