"""The loop: reproducible, resumable, and stopped before it does harm."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import pytest
import torch
from torch import Tensor

from flowgif.config import FFJORDConfig, TrainingConfig
from flowgif.errors import NumericalError
from flowgif.evaluation import measure_gap
from flowgif.flows.ffjord import FFJORD
from flowgif.targets.image import ImageTarget, load_picture
from flowgif.targets.toy import ToyTarget
from flowgif.training.trainer import Trainer

CPU = torch.device("cpu")
CAT = Path(__file__).parents[2] / "imgs" / "cat.png"
SMALL = FFJORDConfig(features=32, frequency=4.0, width=32, depth=3)


def _trainer(training: TrainingConfig, model: FFJORDConfig = SMALL, target: ToyTarget | None = None) -> Trainer:
    flow = FFJORD.from_config(model, torch.Generator().manual_seed(training.seed))
    return Trainer(flow, target or ToyTarget("moons"), training.resolved(), CPU)


def _weights(trainer: Trainer) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in trainer.averaged.state_dict().items()}


def _same(a: dict[str, Tensor], b: dict[str, Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


RECIPES = [
    TrainingConfig(steps=40, batch_size=64),
    TrainingConfig(objective="likelihood", steps=6, batch_size=32),
]


@pytest.mark.parametrize("training", RECIPES, ids=lambda t: t.objective)
def test_the_same_seed_gives_the_same_bits_and_another_does_not(training: TrainingConfig) -> None:
    runs = []
    for seed in (0, 0, 1):
        trainer = _trainer(training.model_copy(update={"seed": seed}))
        losses = [record.loss for record in trainer.run()]
        runs.append((losses, _weights(trainer)))
    assert runs[0][0] == runs[1][0]
    assert _same(runs[0][1], runs[1][1])
    assert not _same(runs[0][1], runs[2][1])


@pytest.mark.parametrize("training", RECIPES, ids=lambda t: t.objective)
@pytest.mark.parametrize("stop", [1, 5, 15, 16, 17, 32])
def test_resuming_gives_the_same_bits_as_never_having_stopped(training: TrainingConfig, stop: int) -> None:
    """Flow matching draws sixteen batches at a time: stops within, at and just beyond such a draw."""
    if stop >= (training.steps or 0):
        training = training.model_copy(update={"steps": stop + 1})
    whole = _trainer(training)
    losses = [record.loss for record in whole.run()]
    first = _trainer(training)
    before = [record.loss for record in islice(first.run(), stop)]
    # As it goes through a file: nothing is shared with the first trainer.
    state = {name: value.clone() for name, value in first.state().items()}
    second = _trainer(training)
    second.restore(state)
    after = [record.loss for record in second.run()]
    assert before + after == losses
    assert _same(_weights(second), _weights(whole))


def test_hutchinsons_noise_is_drawn_from_the_seed() -> None:
    model = SMALL.model_copy(update={"divergence": "hutchinson"})
    losses = [[record.loss for record in _trainer(RECIPES[1], model).run()] for _ in range(2)]
    assert losses[0] == losses[1]


def test_records_count_steps_and_the_share_done() -> None:
    records = list(_trainer(TrainingConfig(steps=4, batch_size=16)).run())
    assert [record.step for record in records] == [1, 2, 3, 4]
    assert [record.done for record in records] == [0.25, 0.5, 0.75, 1.0]


def test_a_time_budget_ends_by_itself() -> None:
    records = list(_trainer(TrainingConfig(time_budget=0.2, batch_size=16)).run())
    assert records[-1].done == 1.0
    assert records[-1].seconds >= 0.2


@pytest.mark.parametrize("objective", ["flow-matching", "likelihood"])
def test_diverging_training_stops_with_finite_weights(objective: str) -> None:
    training = TrainingConfig(objective=objective, steps=200, batch_size=32, lr=1e18)  # type: ignore[arg-type]
    trainer = _trainer(training)
    with pytest.raises(NumericalError, match=r"--lr"):
        list(trainer.run())
    assert all(bool(value.isfinite().all()) for value in _weights(trainer).values())


def test_a_short_training_fits_the_moons() -> None:
    """A real one, with the gap measured by an accurate solve: from about 0.9 nats down to 0.03 in 400 steps."""
    target = ToyTarget("moons")
    trainer = _trainer(TrainingConfig(steps=400, batch_size=512), target=target)
    before = measure_gap(trainer.averaged, target, 1024).gap
    list(trainer.run())
    after = measure_gap(trainer.averaged, target, 1024).gap
    assert before > 0.5
    assert after < 0.03


def test_likelihood_training_lowers_the_true_nll() -> None:
    """By an accurate evaluation, since the loss itself can lie."""
    target = ToyTarget("moons")
    training = TrainingConfig(objective="likelihood", steps=150, batch_size=128, lr=0.01)
    trainer = _trainer(training, FFJORDConfig(features=16, frequency=2.0, width=32, depth=3), target)
    before = measure_gap(trainer.averaged, target, 1024).gap
    list(trainer.run())
    assert measure_gap(trainer.averaged, target, 1024).gap < 0.5 * before


def test_a_pictures_first_step_costs_no_matrix_of_points_by_pixels(monkeypatch: pytest.MonkeyPatch) -> None:
    """57 thousand inked pixels times 4096 points would be 940 MB: no tensor of that size is made."""
    biggest = 0
    original = torch.einsum

    def watched(equation: str, *operands: Tensor) -> Tensor:
        nonlocal biggest
        biggest = max(biggest, *(operand.numel() for operand in operands))
        return original(equation, *operands)

    target = ImageTarget(load_picture(CAT))
    monkeypatch.setattr(torch, "einsum", watched)
    time = torch.linspace(0, 1, 4096)
    target.closed_form(target.sample(4096, torch.Generator().manual_seed(0)) * time[:, None], time)
    assert 0 < biggest < 8192 * 24 * 24 + 1
