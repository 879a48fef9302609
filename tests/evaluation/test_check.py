"""A check finds a density that is none, derivatives that are wrong, and an inverse that is none."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from flowgif.api import Loaded
from flowgif.errors import NumericalError
from flowgif.evaluation.check import check_flow
from flowgif.flows.base import Flow, Mapped
from flowgif.flows.continuous.ffjord import FFJORD
from flowgif.flows.continuous.velocity import Derivatives
from flowgif.targets.mixture import GaussianMixture


class Stretching(Flow):
    """N(0, diag(s^2, 1)), with a log-determinant that is off by some nats."""

    def __init__(self, off: float = 0.0) -> None:
        super().__init__()
        self.log_scale, self.off = nn.Parameter(torch.tensor(0.3)), off

    def to_base(self, x: Tensor, time: float = 1.0) -> Mapped:
        scale = torch.stack((-time * self.log_scale, torch.zeros(()))).exp()
        return Mapped(x * scale, (self.off - time * self.log_scale).expand(len(x)))

    def path(self, z: Tensor, times: Tensor) -> Mapped:
        raise NotImplementedError


@pytest.fixture
def gaussian() -> GaussianMixture:
    """N(0, I), as a mixture of one."""
    return GaussianMixture(torch.zeros(1, 2), torch.ones(1), (1.0, 1.0))


def test_a_density_passes(gaussian: GaussianMixture) -> None:
    shares = list[float]()
    found = check_flow(Stretching(), gaussian, 1e-6, on_progress=shares.append)
    assert abs(found.integral - 1) < 4 * found.integral_se + 1e-6
    assert found.integral_se < 0.002
    assert abs(found.derivative) < 1e-5
    assert shares[-1] == 1.0


@pytest.mark.parametrize("off", [0.01, -0.01, math.nan])
def test_a_density_that_does_not_integrate_to_one_is_found(off: float, gaussian: GaussianMixture) -> None:
    with pytest.raises(NumericalError, match="the density integrates to"):
        check_flow(Stretching(off), gaussian, 1e-6)


def test_a_determinant_that_is_slightly_off_is_found(gaussian: GaussianMixture) -> None:
    with pytest.raises(NumericalError, match="the exact derivative differs"):
        check_flow(Stretching(0.003), gaussian, 1e-6)


@pytest.mark.parametrize("error", [0.1, math.nan, math.inf])
def test_an_inverse_that_is_none_is_found(error: float, gaussian: GaussianMixture) -> None:
    with pytest.raises(NumericalError, match="the inverse is off"):
        check_flow(Stretching(), gaussian, error)


@pytest.mark.slow
def test_a_trained_run_passes(cat: Loaded, moons: Any) -> None:
    import flowgif

    for loaded in (cat, flowgif.load(moons)):
        found = check_flow(loaded.flow, loaded.target, 1e-4)
        assert abs(found.integral - 1) < 0.005
        assert found.derivative_se < 0.1


def test_a_wrong_divergence_is_found(cat: Loaded, monkeypatch: pytest.MonkeyPatch) -> None:
    """A divergence that is 1 % off shows in the mean of a few thousand points."""
    assert isinstance(cat.flow, FFJORD)
    right = cat.flow.field.derivatives

    def wrong(x: Tensor, time: Tensor, noise: Tensor | None = None) -> Derivatives:
        found = right(x, time, noise)
        return found._replace(tangents=found.tangents + 0.25 * torch.eye(2)[:, None])

    monkeypatch.setattr(cat.flow.field, "derivatives", wrong)
    generator = torch.Generator().manual_seed(0)
    differences = cat.flow.derivative_differences(cat.target.sample(4096, generator), generator)
    assert abs(float(differences.mean())) > 4 * float(differences.std()) / math.sqrt(4096)
