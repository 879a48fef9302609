"""The FFJORD paper's network: against its formula written out, and autograd."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from flowgif.config.models import FFJORDConfig
from flowgif.config.schema import RunConfig, TargetConfig, TrainingConfig
from flowgif.flows.build import build_flow
from flowgif.flows.continuous.concatsquash import ConcatSquashNetwork
from flowgif.targets.toy import ToyTarget
from flowgif.training.trainer import Trainer

DOUBLE = torch.float64
# The same float64 sums in two orders.
SAME = 1e-12


def _points(n: int, seed: int = 0) -> Tensor:
    return torch.randn(n, 2, generator=torch.Generator().manual_seed(seed), dtype=DOUBLE)


def _network(end_time: float = 1.0, depth: int = 3, seed: int = 0) -> ConcatSquashNetwork:
    network = ConcatSquashNetwork(12, depth, end_time, torch.Generator().manual_seed(seed)).double()
    with torch.no_grad():
        for dense in network.dense:
            dense.weight.mul_(3.0)
    return network


def _concat_squash(network: ConcatSquashNetwork, point: list[float], t: float) -> list[float]:
    """f(x, t) of one point by loops: ConcatSquashLinear, W x + b times sigmoid(w t + c) plus v t, and tanh between."""
    layers = list(zip(network.dense, network.gates, network.drifts, strict=True))
    for i, parts in enumerate(layers):
        dense, gate, drift = (part.weight.tolist() for part in parts)
        constant, opening = parts[0].bias.tolist(), parts[1].bias.tolist()
        out = []
        for row in range(len(dense)):
            straight = sum(w * p for w, p in zip(dense[row], point, strict=True)) + constant[row]
            squash = 1 / (1 + math.exp(-(gate[row][0] * t + opening[row])))
            out.append(straight * squash + drift[row][0] * t)
        point = [math.tanh(value) for value in out] if i + 1 < len(layers) else out
    return point


@pytest.mark.parametrize("depth", [1, 3])
@pytest.mark.parametrize("end_time", [1.0, 0.5, 7.0])
def test_the_network_is_the_papers_with_time_running_to_its_end(end_time: float, depth: int) -> None:
    """v(x, t) = T f(x, T t), so that the same end is reached while t goes from 0 to 1."""
    network, x = _network(end_time, depth), _points(4)
    for time in (0.0, 0.3, 1.0):
        expected = [[end_time * v for v in _concat_squash(network, p, end_time * time)] for p in x.tolist()]
        # The end time is kept as a float32's logarithm before it is made a float64.
        torch.testing.assert_close(
            network(x, torch.tensor(time, dtype=DOUBLE)), torch.tensor(expected, dtype=DOUBLE), atol=1e-6, rtol=1e-5
        )
    # With the very end time that it has, there is no such rounding.
    end = float(network.log_end.detach().exp())
    expected = [[end * v for v in _concat_squash(network, p, end * 0.3)] for p in x.tolist()]
    velocity = network(x, torch.tensor(0.3, dtype=DOUBLE))
    torch.testing.assert_close(velocity, torch.tensor(expected, dtype=DOUBLE), atol=SAME, rtol=SAME)


def test_no_bias_moves_the_drift() -> None:
    """v t has no constant, as in the paper's code: at t = 0 nothing but the gated map is left."""
    assert all(drift.bias is None for drift in _network().drifts)


@pytest.mark.parametrize("time", [0.0, 0.35, 1.0])
def test_derivatives_agree_with_autograd(time: float) -> None:
    network, x, t = _network(2.5), _points(9), torch.tensor(time, dtype=DOUBLE)
    exact = torch.stack([torch.func.jacrev(lambda p: network(p[None], t)[0])(point) for point in x])
    assert exact.abs().max() > 0.1
    velocity, tangents = network.derivatives(x, t)
    torch.testing.assert_close(velocity, network(x, t), atol=SAME, rtol=0)
    torch.testing.assert_close(tangents.permute(1, 2, 0), exact, atol=SAME, rtol=0)
    noise = _points(9, seed=5)
    alone = network.derivatives(x, t, noise)
    torch.testing.assert_close(alone.velocity, velocity, atol=SAME, rtol=0)
    assert alone.tangents.shape == (1, 9, 2)
    torch.testing.assert_close(alone.tangents[0], torch.einsum("nij,nj->ni", exact, noise), atol=SAME, rtol=0)


def test_a_time_for_each_point_is_that_time_for_it_alone() -> None:
    network, x = _network(), _points(5)
    times = torch.linspace(0, 1, 5, dtype=DOUBLE)
    together = network.derivatives(x, times)
    for i in range(5):
        alone = network.derivatives(x[i : i + 1], times[i])
        torch.testing.assert_close(together.velocity[i], alone.velocity[0], atol=SAME, rtol=0)
        torch.testing.assert_close(together.tangents[:, i], alone.tangents[:, 0], atol=SAME, rtol=0)


@pytest.mark.parametrize("divergence", ["exact", "hutchinson"])
def test_likelihood_trains_the_papers_network_and_its_end_time(divergence: str) -> None:
    config = RunConfig(
        target=TargetConfig(data="moons"),
        model=FFJORDConfig(network="concatsquash", width=16, depth=2, end_time=0.5, divergence=divergence),
        training=TrainingConfig(objective="likelihood", steps=12, batch_size=64, lr=0.02, schedule="constant"),
    ).resolved()
    flow = build_flow(config)
    before = {name: value.clone() for name, value in flow.state_dict().items()}
    assert float(before["field.log_end"].exp()) == pytest.approx(0.5, abs=1e-6)
    trainer = Trainer(flow, ToyTarget("moons"), config.training, torch.device("cpu"))
    losses = [record.loss for record in trainer.run()]
    assert sum(losses[-4:]) < sum(losses[:4])
    for name, value in flow.state_dict().items():
        assert not torch.equal(value, before[name]), name
    # Twelve steps of Adam at that rate, all the same way or not: by more than rounding.
    assert abs(float(flow.state_dict()["field.log_end"] - before["field.log_end"])) > 0.01
