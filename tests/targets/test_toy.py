"""The toy sets against data drawn by their own generators: sklearn's, and FFJORD's written out anew."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from sklearn import datasets

from flowgif.errors import UnusableInput
from flowgif.targets.toy import TOY_SETS, Components, ToySet, ToyTarget

# The lattices' relative error of the density is 2e-5 by design.
DENSITY = 1e-4
# A sample mean leaves this many standard errors once in 16 000 seeds; the seeds are fixed.
STANDARD_ERRORS = 4
# Published to two decimals after a figure read from a long run.
PUBLISHED = 0.01
# The checkerboard's edges, 64 units in all around an area of 32, are blurred over the noise of 0.02: that share of
# the mass lies within one standard deviation of an edge, and its log-density is off by less than 1.
SOFT_EDGES = 64 * 0.02 / 32
DRAWS = 20_000


@pytest.fixture(scope="module", params=TOY_SETS)
def target(request):
    return ToyTarget(request.param)


def test_density_integrates_to_one(target):
    # Steps of 1.2 standard deviations: the rule's relative error for a Gaussian is 2 exp(-2 pi^2 / 1.44), 2e-6.
    step, margin = 1.2 * target.std, 6
    index = ((target.centres - target.centres.min(0).values) / step).round().long() + margin
    shape = (index.max(0).values + margin + 1).tolist()
    near = torch.zeros(1, 1, *shape)
    near[0, 0, index[:, 0], index[:, 1]] = 1
    # Nodes within 6 steps of a centre, which is 7 standard deviations, hold all of the mass but 1e-11.
    near = torch.nn.functional.max_pool2d(near, 2 * margin + 1, stride=1, padding=margin)[0, 0]
    points = (torch.nonzero(near) - margin) * step + target.centres.min(0).values
    mass = float(target.log_prob(points).exp().sum() * step.prod())
    assert mass == pytest.approx(1, abs=DENSITY)


def agrees(target, x):
    """Asserts that the mean surprise of the draws is the target's entropy."""
    surprise = -target.log_prob(x.double())
    error = float(surprise.std()) / math.sqrt(len(x))
    assert float(surprise.mean()) == pytest.approx(target.entropy(), abs=STANDARD_ERRORS * error)


def test_entropy_is_the_expected_surprise_of_its_samples(target):
    agrees(target, target.sample(DRAWS, torch.Generator().manual_seed(0)))


def test_samples_have_mean_zero_and_variance_one(target):
    x = target.sample(DRAWS, torch.Generator().manual_seed(1)).double()
    for power, moment in ((x, 0.0), (x**2, 1.0)):
        error = power.std(0) / math.sqrt(len(x))
        assert bool(((power.mean(0) - moment).abs() < STANDARD_ERRORS * error).all())


# ------------------------------------------------------------------ sklearn's sets

SKLEARN = {
    "moons": lambda noise: datasets.make_moons(DRAWS, noise=noise, random_state=1)[0],
    "circles": lambda noise: datasets.make_circles(DRAWS, noise=noise, factor=0.5, random_state=1)[0],
    "s_curve": lambda noise: datasets.make_s_curve(DRAWS, noise=noise, random_state=1)[0][:, [0, 2]],
    "swiss_roll": lambda noise: datasets.make_swiss_roll(DRAWS, noise=noise, random_state=1)[0][:, [0, 2]],
    "blobs": lambda noise: datasets.make_blobs(DRAWS, centers=3, cluster_std=noise, random_state=0)[0],
}


def standardised(target, draws):
    return (torch.from_numpy(np.asarray(draws, dtype=np.float64)) - target.shift) / target.scale


@pytest.mark.parametrize("factor", [1.0, 2.0])
@pytest.mark.parametrize("name", SKLEARN)
def test_sklearn_s_own_draws_have_the_entropy(name, factor):
    target = ToyTarget(name, factor * TOY_SETS[name].noise)
    agrees(target, standardised(target, SKLEARN[name](target.noise)))


# ------------------------------------------------------------------ FFJORD's sets


def eight_gaussians(rng):
    angle = rng.integers(0, 8, DRAWS) * math.radians(45)
    centre = 4 * np.stack((np.cos(angle), np.sin(angle)), 1)
    return (centre + 0.5 * rng.standard_normal((DRAWS, 2))) / math.sqrt(2)


def pinwheel(rng):
    # Plus the set's own noise, which FFJORD's has not.
    along = 1 + 0.3 * rng.standard_normal(DRAWS)
    across = 0.1 * rng.standard_normal(DRAWS)
    angle = 2 * math.pi / 5 * rng.integers(0, 5, DRAWS) + 0.25 * np.exp(along)
    rotation = np.stack((np.cos(angle), -np.sin(angle), np.sin(angle), np.cos(angle))).T.reshape(-1, 2, 2)
    x = 2 * np.einsum("ti,tij->tj", np.stack((along, across), 1), rotation)
    return x + TOY_SETS["pinwheel"].noise * rng.standard_normal((DRAWS, 2))


def two_spirals(rng):
    half = DRAWS // 2
    n = np.sqrt(rng.random(half)) * 540 * (2 * math.pi) / 360
    x = -np.cos(n) * n + rng.random(half) * 0.5
    y = np.sin(n) * n + rng.random(half) * 0.5
    arm = np.stack((x, y), 1)
    return np.concatenate((arm, -arm)) / 3 + 0.1 * rng.standard_normal((DRAWS, 2))


def checkerboard(rng):
    x = rng.random(DRAWS) * 4 - 2
    y = rng.random(DRAWS) - rng.integers(0, 2, DRAWS) * 2 + np.floor(x) % 2
    return np.stack((x, y), 1) * 2


def rings(rng):
    radius = np.array([3, 2.25, 1.5, 0.75])[rng.integers(0, 4, DRAWS)]
    angle = 2 * math.pi * rng.random(DRAWS)
    return radius[:, None] * np.stack((np.cos(angle), np.sin(angle)), 1) + 0.08 * rng.standard_normal((DRAWS, 2))


@pytest.mark.parametrize(
    ("name", "generate"),
    [("8gaussians", eight_gaussians), ("pinwheel", pinwheel), ("2spirals", two_spirals), ("rings", rings)],
)
def test_ffjord_s_draws_have_the_entropy(name, generate):
    target = ToyTarget(name)
    agrees(target, standardised(target, generate(np.random.default_rng(2))))


def test_ffjord_s_checkerboard_has_the_entropy_but_for_its_edges():
    # FFJORD's has sharp edges and the mixture soft ones, so the two agree to the width of the edges only.
    target = ToyTarget("checkerboard")
    surprise = -target.log_prob(standardised(target, checkerboard(np.random.default_rng(2))))
    assert float(surprise.mean()) == pytest.approx(target.entropy(), abs=SOFT_EDGES)


# ------------------------------------------------------------------ published entropies


@pytest.mark.parametrize(
    ("name", "noise", "magnified", "published"),
    [("8gaussians", None, 1, 2.83), ("moons", 0.1, 2, 2.40), ("circles", 0.08, 3, 3.27)],
)
def test_entropy_in_ffjord_s_coordinates(name, noise, magnified, published):
    target = ToyTarget(name, noise)
    own_units = target.entropy() + float(target.scale.log().sum()) + 2 * math.log(magnified)
    assert own_units == pytest.approx(published, abs=PUBLISHED)


def test_checkerboard_spreads_over_half_its_board():
    target = ToyTarget("checkerboard")
    softening = target.entropy() + float(target.scale.log().sum()) - math.log(32)
    # Blurring can only add entropy.
    assert 0 < softening < SOFT_EDGES


# ------------------------------------------------------------------ refusals


@pytest.mark.parametrize(
    ("typed", "meant"), [("moon", "moons"), ("chekerboard", "checkerboard"), ("swissroll", "swiss_roll")]
)
def test_unknown_name_is_answered_with_the_nearest(typed, meant):
    with pytest.raises(UnusableInput, match=f"did you mean '{meant}'") as caught:
        ToyTarget(typed)
    assert typed in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_name_like_none_is_answered_with_all():
    with pytest.raises(UnusableInput) as caught:
        ToyTarget("qqqqq")
    assert all(name in str(caught.value) for name in TOY_SETS)


@pytest.mark.parametrize("name", TOY_SETS)
@pytest.mark.parametrize("noise", [0.0, -0.1, math.nan, 1e-9])
def test_too_little_noise_is_refused(name, noise):
    with pytest.raises(UnusableInput, match="--noise") as caught:
        ToyTarget(name, noise)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", TOY_SETS)
def test_endless_noise_is_refused(name):
    with pytest.raises(UnusableInput, match="--noise"):
        ToyTarget(name, math.inf)


@pytest.mark.parametrize("name", TOY_SETS)
def test_much_noise_is_either_a_density_or_refused(name):
    # Noise wider than the set itself leaves nearly one Gaussian, whose entropy is the largest for variance 1.
    highest = math.log(2 * math.pi) + 1
    try:
        entropy = ToyTarget(name, 3.0 * max(1.0, TOY_SETS[name].noise)).entropy()
    except UnusableInput:
        return
    assert entropy <= highest + DENSITY


# ------------------------------------------------------------------ sets from outside the package


def test_another_data_set_is_one_row_and_the_command_line_trains_on_it(tmp_path, run_here, monkeypatch):
    monkeypatch.setattr(TOY_SETS, "_rows", dict(TOY_SETS))
    monkeypatch.setattr(TOY_SETS.names, "_names", list(TOY_SETS.names))
    corners = torch.tensor([[0.0, 0.0], [2.0, 0.0], [1.0, 1.5]], dtype=torch.float64)
    TOY_SETS.register("triangle", ToySet(lambda noise: Components(corners, torch.ones(3)), 0.1))
    done = run_here(
        "train", "--data", "triangle", "--model", "realnvp", "--steps", 2, "--batch-size", 16, "--out", "run",
        cwd=tmp_path,
    )  # fmt: skip
    assert done.code == 0, done.err
    assert 'data = "triangle"' in (tmp_path / "run" / "config.toml").read_text()
    refused = run_here("train", "--data", "triangel", "--out", "run2", cwd=tmp_path)
    assert refused.code == 2
    assert "did you mean 'triangle'?" in refused.err
