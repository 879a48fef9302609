"""The figures that eval reports, against tighter solves and plain averages."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from conftest import CAT, MakeOnce
from torch import Tensor

import flowgif
from flowgif import session
from flowgif.api import Loaded
from flowgif.errors import NumericalError
from flowgif.evaluation import gap as evaluation
from flowgif.evaluation.gap import evaluate, measure_gap
from flowgif.flows.base import Flow, Mapped
from flowgif.runs.settings import read_settings
from flowgif.targets.mixture import GaussianMixture


class Shrinking(Flow):
    """N(0, s^2 I), whose densities and maps are known exactly."""

    def __init__(self, scale: float) -> None:
        super().__init__()
        self.log_scale = torch.nn.Parameter(torch.tensor(math.log(scale)))

    def to_base(self, x: Tensor, time: float = 1.0) -> Mapped:
        return Mapped(x * (-time * self.log_scale).exp(), (-2 * time * self.log_scale).expand(len(x)))

    def path(self, z: Tensor, times: Tensor) -> Mapped:
        scale = (times.to(z) * self.log_scale).exp()
        return Mapped(z * scale[:, None, None], (2 * scale.log())[:, None].expand(len(times), len(z)))


@pytest.fixture
def gaussian() -> GaussianMixture:
    """N(0, I), as a mixture of one."""
    return GaussianMixture(torch.zeros(1, 2), torch.ones(1), (1.0, 1.0))


def test_the_gap_of_two_gaussians_is_their_divergence(gaussian: GaussianMixture) -> None:
    scale = 1.3
    exact = 2 * (math.log(scale) + 1 / (2 * scale**2) - 0.5)
    report = evaluate(Shrinking(scale), gaussian)
    assert abs(report.gap - exact) < 5 * report.gap_se + 1e-6
    assert report.entropy == pytest.approx(1 + math.log(2 * math.pi), abs=1e-5)
    assert report.nll == pytest.approx(report.entropy + report.gap, abs=1e-12)
    assert report.bits_per_dim == pytest.approx(report.nll / (2 * math.log(2)), abs=1e-12)
    assert report.inversion_error < 1e-5


def test_the_standard_error_covers_the_truth(gaussian: GaussianMixture) -> None:
    """Over 40 seeds the errors, in standard errors of 15 degrees of freedom, have the spread of Student's t."""
    scale = 1.3
    exact = 2 * (math.log(scale) + 1 / (2 * scale**2) - 0.5)
    scores = []
    for seed in range(40):
        gap = measure_gap(Shrinking(scale), gaussian, 1024, seed)
        scores.append((gap.gap - exact) / gap.standard_error)
    spread = torch.tensor(scores).square().mean().sqrt().item()
    # t with 15 degrees of freedom has a standard deviation of 1.07; 40 draws estimate it to about 12 %.
    assert 0.6 < spread < 1.6


def _plain_average(loaded: Loaded) -> tuple[float, float]:
    """The NLL of 20 000 independent draws, without a control variate, and its standard error."""
    x = loaded.target.sample(20_000, torch.Generator().manual_seed(9))
    with torch.no_grad():
        losses = -loaded.flow.relaxed(1e-5).log_prob(x).double()
    return float(losses.mean()), float(losses.std()) / math.sqrt(len(losses))


@pytest.mark.slow
def test_the_nll_agrees_with_a_plain_average_of_independent_draws(cat: Loaded, cat_report: dict[str, Any]) -> None:
    plain, error = _plain_average(cat)
    assert abs(plain - cat_report["nll"]) < 4 * math.hypot(error, cat_report["nll_se"])


@pytest.mark.slow
def test_fewer_points_than_in_a_plain_average_have_a_smaller_error(make_once: MakeOnce) -> None:
    """The control variate removes the variance that the flow's log-density shares with the target's.

    After 300 steps that is two thirds of it, about as much as the larger number of points makes up for; after 600 steps
    it is four fifths.
    """
    flags = {"target": {"img": CAT}, "training": {"steps": 600}}
    folder = make_once("cat-600", lambda folder: session.train(read_settings(None, flags), folder / "run"))
    loaded = flowgif.load(folder / "run")
    report = evaluate(loaded.flow, loaded.target)
    plain, error = _plain_average(loaded)
    assert abs(plain - report.nll) < 4 * math.hypot(error, report.nll_se)
    assert report.points < 20_000
    assert report.nll_se < error


def test_the_nll_is_within_a_thousandth_of_a_tighter_solve(cat: Loaded, monkeypatch: pytest.MonkeyPatch) -> None:
    usual = measure_gap(cat.flow, cat.target, 2048)
    monkeypatch.setattr(evaluation, "TOLERANCE", 1e-7)
    tight = measure_gap(cat.flow, cat.target, 2048)
    assert tight.nfe > usual.nfe
    assert abs(tight.gap - usual.gap) < 1e-3


def test_the_inversion_error_is_under_a_thousandth(cat_report: dict[str, Any]) -> None:
    assert 0 < cat_report["inversion_error"] < 1e-3


def test_shares_rise_to_the_whole(gaussian: GaussianMixture) -> None:
    shares: list[float] = []
    evaluate(Shrinking(1.3), gaussian, on_progress=shares.append)
    assert len(shares) > 1
    assert shares == sorted(set(shares))
    assert shares[0] > 0
    assert shares[-1] == 1


def test_an_nll_below_the_entropy_is_a_failure_of_the_solve(gaussian: GaussianMixture) -> None:
    class Liar(Shrinking):
        def to_base(self, x: Tensor, time: float = 1.0) -> Mapped:
            point, ladj = super().to_base(x, time)
            return Mapped(point, ladj + 0.1)

    with pytest.raises(NumericalError, match="below the entropy"):
        measure_gap(Liar(1.0), gaussian, 1024)


def test_a_density_that_is_not_finite_is_a_failure(gaussian: GaussianMixture) -> None:
    with pytest.raises(NumericalError, match="not finite"):
        measure_gap(Shrinking(math.nan), gaussian, 1024)


def test_a_density_that_is_immensely_small_is_a_failure(gaussian: GaussianMixture) -> None:
    """What is left of a flow that diverged; every number is finite."""
    with pytest.raises(NumericalError, match=r"the gap is 9\.99e\+05 nats: the training diverged; .* lower --lr"):
        measure_gap(Shrinking(1e-3), gaussian, 1024)


def test_an_inverse_that_is_not_finite_is_a_failure(gaussian: GaussianMixture) -> None:
    class OneWay(Shrinking):
        def path(self, z: Tensor, times: Tensor) -> Mapped:
            point, ladj = super().path(z, times)
            return Mapped(point * math.inf, ladj)

    with pytest.raises(NumericalError, match="inverse is not finite"):
        evaluate(OneWay(1.0), gaussian)
