"""Which parameters each optimiser gets, and that objectives and optimisers from outside the package train a flow."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import Tensor

from flowgif.config.models import FFJORDConfig, ModelConfig, RealNVPConfig
from flowgif.config.schema import RunConfig, TargetConfig, TrainingConfig
from flowgif.flows.build import build_flow, fit_config
from flowgif.names import Table
from flowgif.targets.toy import ToyTarget
from flowgif.training.base import Objective
from flowgif.training.objectives import OBJECTIVES, ObjectiveKind
from flowgif.training.optimisers import OPTIMISERS
from flowgif.training.schedules import SCHEDULES
from flowgif.training.trainer import Trainer
from flowgif.training.updates import Adam, Muon

TINY = RealNVPConfig(layers=2, features=0, width=8, depth=1)


def _trainer(training: TrainingConfig, model: ModelConfig, **names: str) -> Trainer:
    target = ToyTarget("8gaussians")
    config = RunConfig(target=TargetConfig(data="8gaussians"), model=model, training=training).resolved()
    config = fit_config(config, target)
    chosen = config.training.model_copy(update=names)
    flow = build_flow(config)
    flow.fit_to(target)
    return Trainer(flow, target, chosen, torch.device("cpu"))


@pytest.mark.parametrize("table", [OBJECTIVES, OPTIMISERS, SCHEDULES], ids=lambda table: table.names.setting)
def test_tables_have_the_rows_that_help_names(table: Table[object]) -> None:
    assert list(table) == list(table.names)


@pytest.mark.parametrize(
    "model",
    [
        RealNVPConfig(layers=2, features=0, width=8, depth=1),
        FFJORDConfig(network="concatsquash", width=8, depth=1),
    ],
    ids=lambda m: m.name,
)
def test_muon_does_without_matrices_between_layers(model: ModelConfig) -> None:
    records = list(_trainer(TrainingConfig(steps=3, batch_size=16, optimiser="muon"), model).run())
    assert len(records) == 3


@pytest.mark.parametrize("optimiser", ["adam", "muon"])
@pytest.mark.parametrize("network", ["grid", "fourier", "concatsquash", None])
def test_each_parameter_has_one_optimiser(network: str | None, optimiser: str) -> None:
    model = TINY if network is None else FFJORDConfig(network=network, width=8, depth=2)
    trainer = _trainer(TrainingConfig(steps=3, batch_size=16, optimiser=optimiser), model)
    trained = [id(p) for o in trainer._optimisers for group in o.param_groups for p in group["params"]]
    assert len(trained) == len(set(trained))
    assert set(trained) == {id(p) for p in trainer._flow.parameters()}


def test_tables_have_a_higher_rate_and_a_shorter_memory() -> None:
    flow = _trainer(TrainingConfig(steps=3, batch_size=16), FFJORDConfig(width=8, depth=2))._flow
    by_rate = {o.param_groups[0]["lr"]: (type(o), o.param_groups[0]["params"]) for o in OPTIMISERS["muon"](flow, 0.4)}
    assert [(rate, kind) for rate, (kind, _) in by_rate.items()] == [(0.4, Muon), (0.1, Adam), (1.0, Adam)]
    names = {id(p): name for name, p in flow.named_parameters()}
    assert [names[id(p)] for p in by_rate[1.0][1]] == ["field.table.weight"]
    assert [names[id(p)] for p in by_rate[0.4][1]] == ["field.first.weight", "field.hidden.0.weight"]
    # Adam's second step: the shorter memory of the squares forgets a large gradient sooner.
    moves = []
    for o in OPTIMISERS["muon"](flow, 0.4)[1:]:
        (parameter, *_) = o.param_groups[0]["params"]
        for size in (10.0, 1.0, 1.0):
            parameter.grad = torch.full_like(parameter, size)
            before = parameter.detach().clone()
            o.step()
        moves.append(float((parameter.detach() - before).abs().max()) / o.param_groups[0]["lr"])
    assert moves[1] > 1.01 * moves[0]


class Shrink(Objective):
    """A made-up objective: a hundredth of the sum of the squared parameters, so that no gradient is clipped."""

    def __init__(self, flow: torch.nn.Module) -> None:
        self.flow = flow
        self.batches = 0

    def loss(self) -> Tensor:
        self.batches += 1
        return 0.01 * torch.stack([p.square().sum() for p in self.flow.parameters()]).sum()

    def state(self) -> dict[str, Tensor]:
        return {"batches": torch.tensor(self.batches)}

    def restore(self, state: dict[str, Tensor]) -> None:
        self.batches = int(state["batches"])


@pytest.fixture
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Registers a made-up objective, optimiser and schedule, as other packages would, for one test."""
    tables: tuple[Table[object], ...] = (OBJECTIVES, OPTIMISERS, SCHEDULES)
    for table in tables:
        monkeypatch.setattr(table, "_rows", dict(table))
        monkeypatch.setattr(table.names, "_names", list(table.names))
    OBJECTIVES.register("shrink", ObjectiveKind(lambda flow, *_: Shrink(flow), "size of the weights", "1"))
    OPTIMISERS.register("sgd", lambda flow, lr: [torch.optim.SGD(flow.parameters(), lr=lr)])
    SCHEDULES.register("half", lambda step, done: 0.5)


@pytest.mark.usefixtures("registered")
def test_objectives_optimisers_and_schedules_from_outside_train_a_flow() -> None:
    training = TrainingConfig(steps=5, batch_size=16, lr=2.0)
    names = {"objective": "shrink", "optimiser": "sgd", "schedule": "half"}
    trainer = _trainer(training, TINY, **names)
    losses = [record.loss for record in trainer.run()]
    # A step of gradient descent on 0.01 |p|^2 multiplies p by 1 - 0.02 lr, and half of the rate given is 1.
    factor = (1 - 0.02) ** 2
    for before, after in itertools.pairwise(losses):
        assert after == pytest.approx(before * factor, rel=1e-5)  # float32
    resumed = _trainer(training, TINY, **names)
    resumed.restore(trainer.state())
    assert resumed.step == 5
    assert resumed._objective.batches == 5  # type: ignore[attr-defined]
