"""The run directory: everything that a training leaves behind, each file written whole or not at all.

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
import platform
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

from flowgif.config import RunConfig, read_config
from flowgif.errors import UnusableInput
from flowgif.files import write_atomically
from flowgif.flows.base import ContinuousFlow
from flowgif.flows.ffjord import FFJORD
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


def build_target(config: RunConfig) -> ImageTarget | ToyTarget:
    """The target that a config names.

    Raises:
        UnusableInput: its picture or data set cannot be used.
    """
    target = config.target
    if target.img is not None:
        return _image_target(config, load_picture(target.img, target.max_side), target.img)
    assert target.data is not None
    return ToyTarget(target.data, target.noise)


def _image_target(config: RunConfig, picture: Picture, source: Path) -> ImageTarget:
    try:
        return ImageTarget(picture, config.target.invert, config.target.threshold)
    except UnusableInput as error:
        raise UnusableInput(f"{source}: {error}") from None


def build_flow(config: RunConfig) -> ContinuousFlow:
    """The untrained flow of a config; its seed decides the weights."""
    return FFJORD.from_config(config.model, torch.Generator().manual_seed(config.training.seed))


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
            UnusableInput: there is a run already (without force), or a file.
        """
        if (folder / CONFIG).exists() and not force:
            raise UnusableInput(
                f"{folder} holds a run already; go on with it (--resume --out {folder}), replace it (--force), "
                "or choose another --out"
            )
        if folder.exists() and not folder.is_dir():
            raise UnusableInput(f"{folder} is a file; choose another --out")

    @classmethod
    def create(cls, folder: Path, config: RunConfig, target: ImageTarget | ToyTarget, source: str) -> Run:
        """Makes the directory, in the place of a run that is there, with everything that is known before training.

        Args:
            folder: where.
            config: resolved.
            target: what the config names.
            source: where the picture came from, or the data set's name.

        Raises:
            UnusableInput: the place cannot be written.
        """
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for name in FILES:
                (folder / name).unlink(missing_ok=True)
        except OSError as error:
            raise UnusableInput(f"cannot write {folder}: {error.strerror}; choose another --out") from None
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
            image = target.picture.image
            write_atomically(folder / PICTURE, image.save)
            config = config.model_copy(update={"target": config.target.model_copy(update={"img": Path(PICTURE)})})
        text = json.dumps(provenance, indent=1)
        write_atomically(folder / PROVENANCE, lambda path: path.write_text(text + "\n", encoding="utf-8"))
        # Last, since its presence makes the folder a run.
        toml = config.to_toml()
        write_atomically(folder / CONFIG, lambda path: path.write_text(toml, encoding="utf-8"))
        return cls(folder, config)

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
        if self.config.target.data is not None:
            return self.config.target.data
        return str(self._provenance()["picture"]["source"])

    def target(self) -> ImageTarget | ToyTarget:
        """The target, rebuilt from what the directory holds.

        Raises:
            UnusableInput: the stored picture is missing or broken.
        """
        if self.config.target.data is not None:
            return build_target(self.config)
        path = self.folder / PICTURE
        picture = load_picture(path, max(self.config.target.max_side, 8))
        width, height = self._provenance()["picture"]["size_as_given"]
        return _image_target(self.config, Picture(picture.image, (width, height)), path)

    def flow(self, weights: str = WEIGHTS) -> ContinuousFlow:
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

    def write_weights(self, flow: ContinuousFlow | torch.nn.Module, name: str = WEIGHTS) -> None:
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
        """All lines of the metrics."""
        path = self.folder / METRICS
        return [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.exists() else []

    def keep_metrics_up_to(self, step: int) -> None:
        """Drops what was measured after a step to which training goes back."""
        kept = "".join(json.dumps(row) + "\n" for row in self.read_metrics() if row["step"] <= step)
        write_atomically(self.folder / METRICS, lambda path: path.write_text(kept, encoding="utf-8"))

    def _provenance(self) -> dict[str, Any]:
        path = self.folder / PROVENANCE
        try:
            return json.loads(path.read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise UnusableInput(f"{path} is missing or broken ({error}); train the run again (--force)") from None

    def _tensors(self, name: str, remedy: str) -> dict[str, Tensor]:
        path = self.folder / name
        try:
            return load_file(path)
        except FileNotFoundError:
            raise UnusableInput(f"{path} is missing" + remedy.format(folder=self.folder)) from None
        except (OSError, SafetensorError) as error:
            raise UnusableInput(f"{path} is broken ({error}); train the run again (--force)") from None

    def _write_tensors(self, name: str, tensors: Mapping[str, Tensor]) -> None:
        # Copies: two names of one tensor, such as a flow's and its average's buffers, cannot be stored.
        out = {key: value.detach().cpu().clone().contiguous() for key, value in tensors.items()}
        write_atomically(self.folder / name, lambda path: path.write_bytes(save(out)))


def newest_run(folder: Path = DEFAULT_FOLDER) -> Path:
    """The run of a folder that was trained last.

    Raises:
        UnusableInput: it holds none.
    """
    runs = [path.parent for path in folder.glob(f"*/{WEIGHTS}")]
    if not runs:
        raise UnusableInput(f"no run in {folder}/; make one with: flowgif train --img PICTURE")
    return max(runs, key=lambda run: (run / WEIGHTS).stat().st_mtime)
