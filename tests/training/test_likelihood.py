"""Which points maximum likelihood uses."""

from __future__ import annotations

import torch
from torch import Tensor

from flowgif.flows.base import Flow, Mapped
from flowgif.training.likelihood import Likelihood

CPU = torch.device("cpu")


class _Spy(Flow):
    """The identity, which remembers the points that it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = torch.nn.Parameter(torch.zeros(()))
        self.seen: list[Tensor] = []

    def to_base(self, x: Tensor, time: float = 1.0) -> Mapped:
        self.seen.append(x.clone())
        return Mapped(x * self.scale.exp(), self.scale.expand(len(x)))

    def path(self, z: Tensor, times: Tensor) -> Mapped:
        raise NotImplementedError


class _CountedTarget:
    """Remembers the points that it gave."""

    def __init__(self) -> None:
        self.given: list[Tensor] = []

    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        self.given.append(torch.randn(n, 2, generator=generator))
        return self.given[-1]

    def from_uniform(self, u: Tensor) -> Tensor:
        return u[:, :2]

    def closed_form(self, x: Tensor, time: Tensor) -> Tensor:
        raise NotImplementedError


def _likelihood(flow: Flow, target: _CountedTarget, samples: int | None) -> Likelihood:
    generator = torch.Generator().manual_seed(0)
    return Likelihood(
        flow, target, batch_size=8, kinetic=0.0, jacobian=0.0, samples=samples, generator=generator, device=CPU
    )


def _rows(points: Tensor) -> list[tuple[float, float]]:
    return [tuple(row) for row in points.tolist()]


def test_a_likelihood_on_samples_sees_each_of_them_once_an_epoch_and_nothing_else() -> None:
    spy, target = _Spy(), _CountedTarget()
    objective = _likelihood(spy, target, samples=20)
    for _ in range(9):
        objective.loss()
    assert [len(points) for points in target.given] == [20]
    points = sorted(_rows(target.given[0]))
    assert len(set(points)) == 20
    assert [len(x) for x in spy.seen] == [8, 8, 4] * 3
    epochs = [_rows(torch.cat(spy.seen[i : i + 3])) for i in (0, 3, 6)]
    assert all(sorted(epoch) == points for epoch in epochs)
    assert epochs[0] != epochs[1] != epochs[2] != epochs[0]  # in an order of its own
    assert epochs[0] != _rows(target.given[0])


def test_a_likelihood_without_samples_never_sees_a_point_twice() -> None:
    spy, target = _Spy(), _CountedTarget()
    objective = _likelihood(spy, target, samples=None)
    for _ in range(5):
        objective.loss()
    assert len(set(_rows(torch.cat(spy.seen)))) == 40
