"""A batch's points: uniform, without gaps, fresh for every batch, and the same again after a stop."""

from __future__ import annotations

import pytest
import torch

from flowgif.training import draws
from flowgif.training.draws import SobolDraws


def _draws(seed: int = 0, dimension: int = 3) -> SobolDraws:
    return SobolDraws(dimension, torch.Generator().manual_seed(seed))


def test_every_batch_fills_the_cube_and_so_do_batches_together() -> None:
    points = _draws()
    for _ in range(3):
        batches = [points.draw(64) for _ in range(8)]
        for batch in batches:
            for axis in range(3):  # one point in every 64th part
                assert sorted((batch[:, axis] * 64).long().tolist()) == list(range(64))
        for axis in range(3):
            assert sorted((torch.cat(batches)[:, axis] * 512).long().tolist()) == list(range(512))


def test_means_vary_far_less_than_those_of_independent_points() -> None:
    points, generator = _draws(), torch.Generator().manual_seed(0)

    def spread(batches: list[torch.Tensor]) -> float:
        return float(torch.stack([b.square().prod(1).mean() for b in batches]).std())

    even = spread([points.draw(256) for _ in range(50)])
    independent = spread([torch.rand(256, 3, generator=generator) for _ in range(50)])
    assert even < independent / 3


def test_the_mean_is_unbiased_over_seeds() -> None:
    first = torch.stack([_draws(seed).draw(1)[0] for seed in range(2000)])
    torch.testing.assert_close(first.mean(0), torch.full((3,), 0.5, dtype=torch.float64), atol=0.03, rtol=0)


def test_a_seed_gives_its_own_points_and_always_the_same() -> None:
    assert torch.equal(_draws(1).draw(10), _draws(1).draw(10))
    assert not torch.equal(_draws(1).draw(10), _draws(2).draw(10))


@pytest.mark.parametrize("before", [0, 5, 63, 64, 65, 200])
def test_restored_it_goes_on_as_if_it_had_not_stopped(before: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(draws, "LENGTH", 64)
    points = _draws()
    if before:
        points.draw(before)
    state = points.state()
    expected = points.draw(100)
    other = _draws(seed=9)
    other.draw(7)
    other.restore(state)
    assert torch.equal(other.draw(100), expected)
    assert len(expected.unique(dim=0)) == 100


def test_in_parts_or_at_once_the_points_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(draws, "LENGTH", 64)
    parts = _draws()
    assert torch.equal(torch.cat([parts.draw(n) for n in (1, 30, 33, 64, 72)]), _draws().draw(200))
