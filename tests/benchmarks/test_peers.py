"""The flows that the benchmark rewrites are densities, and their parts are those of the papers."""

from __future__ import annotations

import pytest
import torch
from peers.continuous import FFJORD, FFJORDHutchinson
from peers.table import PEERS, is_installed
from peers.train import _make

SIDE, STEP = 8.0, 0.1


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name, kind in PEERS.items() if is_installed(kind)])
def test_the_density_of_an_untrained_peer_integrates_to_one(name: str) -> None:
    torch.manual_seed(0)
    peer = _make(name, 8).eval()
    axis = torch.arange(-SIDE, SIDE, STEP) + STEP / 2
    density = peer.log_prob(torch.cartesian_prod(axis, axis)).exp()
    # The midpoint rule is far more accurate for a smooth density; a spline has jumps in its second derivative.
    assert float(density.sum()) * STEP**2 == pytest.approx(1, abs=5e-3)


def test_hutchinsons_estimate_has_the_mean_of_the_exact_loss() -> None:
    torch.manual_seed(0)
    exact, estimate = FFJORD(8), FFJORDHutchinson(8)
    estimate.load_state_dict(exact.state_dict())
    x = torch.randn(64, 2)
    losses = torch.stack([estimate.loss(x).detach() for _ in range(60)])
    # The mean's own standard error; five of them bound it.
    assert abs(float(losses.mean() - exact.loss(x).detach())) < 5 * float(losses.std()) / len(losses) ** 0.5


def test_the_adjoint_and_the_solve_itself_agree_on_the_loss() -> None:
    torch.manual_seed(0)
    peer, x = FFJORD(8), torch.randn(64, 2)
    trained = float(peer.loss(x).detach())
    # Both solve at a tolerance of 1e-5.
    assert float(-peer.eval().log_prob(x).mean()) == pytest.approx(trained, abs=1e-4)
