"""ActNorm: its formula, and its initialisation by the first batch."""

from __future__ import annotations

from pathlib import Path

import torch
from couplings import DOUBLE, SAME, points, seeded
from torch import Tensor, nn

import flowgif
from flowgif import session
from flowgif.config.models import GlowConfig
from flowgif.flows.discrete.actnorm import ActNorm
from flowgif.flows.discrete.chain import Chain, DiscreteFlow
from flowgif.flows.discrete.conditioner import Conditioner
from flowgif.flows.discrete.glow import glow
from flowgif.runs.settings import read_settings


def _glow(seed: int = 0, layers: int = 3) -> DiscreteFlow:
    config = GlowConfig(layers=layers, features=4, frequency=1.0, width=8, depth=1, scale_bound=3.0)
    flow = glow(config, seeded(seed))
    for part in flow.modules():
        if isinstance(part, Conditioner):
            nn.init.normal_(part.last.weight, std=0.3, generator=seeded(seed + 1))
    return flow


def _steps(flow: DiscreteFlow) -> list[Chain]:
    return [step for step in flow.chain.layers if isinstance(step, Chain)]


def _batch() -> Tensor:
    return (points(200) @ torch.tensor([[2.0, 0.4], [0.0, 0.3]], dtype=DOUBLE) + 3.0).float()


def test_actnorm_is_what_it_says() -> None:
    norm = ActNorm(bound=2.0).double()
    nn.init.constant_(norm.log_scale, 0.3)
    norm.log_scale.data[1] = -50.0
    norm.shift.data[:] = torch.tensor([0.5, -2.0])
    z = points(6)
    log_scale = 2.0 * torch.tensor([0.15, -25.0], dtype=DOUBLE).tanh()
    s = torch.tensor([0.0, 0.4, 1.0], dtype=DOUBLE)
    there = norm.path(z, s)
    for k, part in enumerate(s.tolist()):
        scale = 1 - part + part * log_scale.exp()
        torch.testing.assert_close(there.point[k], z * scale + part * norm.shift, atol=SAME, rtol=0)
        torch.testing.assert_close(there.ladj[k], scale.log().sum().expand(6), atol=SAME, rtol=0)
        back = norm.inverse_at(there.point[k], part)
        torch.testing.assert_close(back.point, z, atol=SAME, rtol=0)
        torch.testing.assert_close(back.ladj, -there.ladj[k], atol=SAME, rtol=0)


def test_initialising_gives_every_actnorm_mean_0_and_variance_1_on_the_bases_side() -> None:
    flow, x = _glow(), _batch()
    flow.initialise(x)
    for step in reversed(_steps(flow)):
        for part in reversed(list(step.layers)):
            x = part.inverse_at(x).point.detach()
            if isinstance(part, ActNorm):
                # float32, and x up to ten in size
                torch.testing.assert_close(x.mean(0), torch.zeros(2), atol=1e-5, rtol=0)
                torch.testing.assert_close(x.var(0), torch.ones(2), atol=1e-4, rtol=0)


def test_initialising_is_done_once_and_that_is_kept_with_the_weights() -> None:
    flow = _glow()
    flow.initialise(_batch())
    first = {name: value.clone() for name, value in flow.state_dict().items()}
    other = _glow(seed=7)
    other.load_state_dict(first)
    for again in (flow, other):
        again.initialise(10 * _batch() - 4)
        assert all(torch.equal(value, first[name]) for name, value in again.state_dict().items())
    fresh = _glow()
    fresh.initialise(10 * _batch() - 4)
    assert not torch.equal(fresh.state_dict()["chain.layers.0.layers.2.shift"], first["chain.layers.0.layers.2.shift"])


def test_points_that_are_all_alike_leave_actnorm_finite() -> None:
    flow = _glow()
    flow.initialise(torch.full((16, 2), 2.5))
    assert all(value.isfinite().all() for value in flow.state_dict().values())


def _shifts(folder: Path) -> dict[str, Tensor]:
    weights = flowgif.load(folder).flow.state_dict()
    return {name: value for name, value in weights.items() if name.endswith((".shift", "log_scale", "initialised"))}


def test_going_on_from_a_run_does_not_initialise_again(tmp_path: Path) -> None:
    model = {"name": "glow", "layers": 2, "features": 4, "width": 8}
    training = {"steps": 3, "batch_size": 16}
    config = read_settings(None, {"target": {"data": "moons"}, "model": model, "training": training})
    session.train(config, tmp_path / "first")
    first = _shifts(tmp_path / "first")
    assert all(float(value) == 1 for name, value in first.items() if name.endswith("initialised"))
    # Another target, to which another initialisation would belong, and a rate that moves nothing much.
    still = {"from": tmp_path / "first", "steps": 1, "batch_size": 16, "lr": 1e-6}
    session.train(read_settings(None, {"target": {"data": "8gaussians"}, "training": still}), tmp_path / "second")
    for name, value in _shifts(tmp_path / "second").items():
        torch.testing.assert_close(value, first[name], atol=1e-5, rtol=0)
