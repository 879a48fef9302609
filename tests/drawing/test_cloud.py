"""The cloud's points."""

from __future__ import annotations

import pytest
import torch

from flowgif.drawing.cloud import normal_quantiles, spread_cloud


def test_the_cloud_is_a_standard_normal_and_evener_than_random_draws() -> None:
    z = spread_cloud(4096, 0).double()
    assert z.shape == (4096, 2)
    # Half of the standard errors that random draws would have, 1 / sqrt(4096) and for a variance sqrt(2 / 4096).
    assert z.mean(0).abs().max() < 0.008
    assert (z.T @ z / len(z) - torch.eye(2)).abs().max() < 0.011
    cells = torch.floor(32 * torch.special.ndtr(z)).long()
    counts = torch.bincount(32 * cells[:, 0] + cells[:, 1], minlength=1024).double()
    # Of a Poisson count with the mean 4 the variance is 4.
    assert counts.var() < 2


def test_a_seed_decides_the_cloud() -> None:
    assert torch.equal(spread_cloud(50, 3), spread_cloud(50, 3))
    assert not torch.equal(spread_cloud(50, 3), spread_cloud(50, 4))


def test_quantiles_are_finite_and_the_normals() -> None:
    u = torch.tensor([0.0, 0.5, 0.975, 1.0], dtype=torch.float64)
    assert normal_quantiles(u).tolist() == pytest.approx([-5.9978, 0, 1.95996, 5.9978], abs=1e-4)
