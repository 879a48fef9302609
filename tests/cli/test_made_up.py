"""A model, an objective and an optimiser from outside the package train by the command line, go on, and are loaded."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import pytest
import torch
from conftest import Finished
from torch import Tensor, nn

import flowgif
from flowgif.config.models import ModelConfig
from flowgif.config.recipes import MODELS, ModelKind, Recipe
from flowgif.flows.base import Flow, Mapped
from flowgif.flows.build import BUILDERS
from flowgif.training.base import Objective
from flowgif.training.objectives import OBJECTIVES, ObjectiveKind
from flowgif.training.optimisers import OPTIMISERS


class ShiftConfig(ModelConfig, frozen=True):
    """The settings of a flow that shifts everything; ``first``: both coordinates' shift before training."""

    name: Literal["shift"] = "shift"
    first: float = 0.5


class Shift(Flow):
    """x = z + time * shift."""

    def __init__(self, first: float) -> None:
        super().__init__()
        self.shift = nn.Parameter(torch.full((2,), first))

    def to_base(self, x: Tensor, time: float = 1.0) -> Mapped:
        return Mapped(x - time * self.shift, torch.zeros_like(x[:, 0]))

    def path(self, z: Tensor, times: Tensor) -> Mapped:
        points = z + times.to(z)[:, None, None] * self.shift
        return Mapped(points, torch.zeros_like(points[..., 0]))


class Centre(Objective):
    """The squared distance of the flow's mean from the target's, which is the origin."""

    def __init__(self, flow: Shift) -> None:
        self._flow = flow

    def loss(self) -> Tensor:
        return self._flow.shift.square().sum()

    def state(self) -> dict[str, Tensor]:
        return {}

    def restore(self, state: dict[str, Tensor]) -> None:
        pass


@pytest.fixture
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    for table in (MODELS, BUILDERS, OBJECTIVES, OPTIMISERS):
        monkeypatch.setattr(table, "_rows", dict(table))
        monkeypatch.setattr(table.names, "_names", list(table.names))
    OBJECTIVES.register(
        "centre", ObjectiveKind(lambda flow, *_: Centre(flow), "distance from the centre", "data units²")
    )
    OPTIMISERS.register("descent", lambda flow, lr: [torch.optim.SGD(flow.parameters(), lr=lr)])
    MODELS.register("shift", ModelKind(ShiftConfig, {"centre": Recipe(4, 16, 0.5, "descent")}))
    BUILDERS.register("shift", lambda config, _: Shift(config.first))


@pytest.mark.usefixtures("registered")
def test_a_made_up_model_trains_by_a_made_up_objective_and_optimiser(
    tmp_path: Path, run_here: Callable[..., Finished]
) -> None:
    (tmp_path / "c.toml").write_text('[target]\ndata = "moons"\n[model]\nname = "shift"\nfirst = 0.25\n')
    done = run_here("train", "--config", "c.toml", "--steps", 2, "-q", cwd=tmp_path)
    assert (done.code, done.out, done.err) == (0, "runs/c\n", "")
    config = tomllib.loads((tmp_path / "runs" / "c" / "config.toml").read_text())
    assert (config["model"]["name"], config["model"]["first"]) == ("shift", 0.25)
    training = config["training"]
    assert (training["objective"], training["optimiser"], training["batch_size"]) == ("centre", "descent", 16)
    before = flowgif.load(tmp_path / "runs" / "c").flow.shift.norm()
    assert run_here("train", "--resume", "--steps", 9, "-q", cwd=tmp_path).code == 0
    assert 0 < flowgif.load(tmp_path / "runs" / "c").flow.shift.norm() < before < 0.25 * 2**0.5


@pytest.mark.usefixtures("registered")
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--objective likelihood", "shift is trained by centre; leave --objective out"),
        ("--kinetic 0.5", "which shift has not"),
        ("--model shft", "--model shft: there is no such flow; did you mean 'shift'?"),
        ("--divergence exact", "--divergence does not go with --model shift"),
        ("--objective center", "input should be 'flow-matching', 'likelihood' or 'centre'"),
    ],
)
def test_what_does_not_go_with_a_made_up_model_is_refused(
    options: str, message: str, tmp_path: Path, run_here: Callable[..., Finished]
) -> None:
    words = ("--model", "shift", *options.split()) if "--model" not in options else options.split()
    done = run_here("train", "--data", "moons", *words, cwd=tmp_path)
    assert done.code == 2
    assert message in done.err
    assert list(tmp_path.iterdir()) == []
