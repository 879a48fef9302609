"""The mixture against sums over all of its components, taken one by one in float64."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from scipy import stats

from flowgif.targets.image import ImageTarget
from flowgif.targets.mixture import GaussianMixture
from flowgif.targets.reading.loading import load_picture
from flowgif.targets.toy import ToyTarget

IMGS = Path(__file__).parents[2] / "imgs"
LOG_2PI = math.log(2 * math.pi)

# What closed_form promises of its velocity in float64.
VELOCITY = 1e-3
# float32 adds a rounding of 1e-7 that differences of neighbouring lattice nodes magnify by some hundreds.
VELOCITY_SINGLE = 2e-3
# Where the terms of the velocity, which are of order 1, cancel to less than this, float32 has no digits left to
# speak of; the error is then compared with this speed.
SLOWEST = 0.05
# The lattices' relative error of the density is 2e-5 by design, and an entropy averages it.
DENSITY = 1e-4
# float32 sums of some hundred terms, each to 1e-7, at most a factor of e^(z^2) = some hundreds worse in z.
DENSITY_SINGLE = 1e-3
# Sums of float64 numbers of order 1.
ROUNDING = 1e-9
# A sample mean leaves this many standard errors once in 16 000 seeds; the seeds are fixed.
STANDARD_ERRORS = 4

TIMES = (0.0, 0.001, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999, 1.0)


def brute_force(mixture, x, time):
    """The velocity and log-density by the sum over all components, float64; a few points at a time for memory."""
    velocities, densities = [], []
    for points, times in zip(x.double().split(8), time.double().split(8), strict=True):
        t = times[:, None]
        variance = (1 - t) ** 2 + (t * mixture.std) ** 2
        off = points[:, None] - t[..., None] * mixture.centres
        log_term = (
            mixture.weights.log() - 0.5 * (off**2 / variance[:, None]).sum(-1) - 0.5 * variance.log().sum(1)[:, None]
        )
        highest = log_term.max(1, keepdim=True).values
        share = (log_term - highest).exp()
        densities.append(highest[:, 0] + share.sum(1).log() - LOG_2PI)
        # E[x_1 - x_0 | x_t, component k] by Gaussian conditioning, then averaged over the posterior of k.
        given = mixture.centres + ((t * mixture.std**2 - (1 - t)) / variance)[:, None] * off
        velocities.append((share[..., None] * given).sum(1) / share.sum(1, keepdim=True))
    return torch.cat(velocities), torch.cat(densities)


def relative(got, wanted, floor=0.0):
    return (got.double() - wanted).norm(dim=1) / wanted.norm(dim=1).clamp(min=floor)


def on_path(mixture, times, each, seed=0):
    """Points x_t = (1 - t) x_0 + t x_1, each per time; float64."""
    generator = torch.Generator().manual_seed(seed)
    t = torch.tensor(times, dtype=torch.float64).repeat_interleave(each)
    x1 = mixture.from_uniform(torch.rand(len(t), 3, generator=generator, dtype=torch.float64))
    x0 = torch.randn(len(t), 2, generator=generator, dtype=torch.float64)
    return (1 - t[:, None]) * x0 + t[:, None] * x1, t


def small_picture():
    """A mixture on the pixels of a random picture of 5 rows and 9 columns, a third of it blank."""
    generator = torch.Generator().manual_seed(1)
    ink = torch.rand(5, 9, generator=generator, dtype=torch.float64)
    ink[ink < 0.33] = 0
    rows, columns = torch.nonzero(ink).T
    return GaussianMixture(torch.stack((columns, -rows), 1), ink[rows, columns], (0.5, 0.5))


def scattered():
    """Centres on no lattice, and components three times as high as wide."""
    generator = torch.Generator().manual_seed(2)
    centres = torch.randn(30, 2, generator=generator, dtype=torch.float64) * torch.tensor([3.0, 1.0])
    return GaussianMixture(centres, torch.rand(30, generator=generator, dtype=torch.float64) + 0.1, (0.2, 0.6))


def two_parts():
    """Two blots of 4 x 4 pixels with 400 pixels of blank between them."""
    blot = torch.cartesian_prod(torch.arange(4.0), torch.arange(4.0)).double()
    far = blot + torch.tensor([404.0, 300.0])
    return GaussianMixture(torch.cat((blot, far)), torch.ones(32), (0.5, 0.5))


def one_component():
    return GaussianMixture(torch.tensor([[3.0, -2.0]]), torch.ones(1), (0.5, 2.0))


SMALL = {"pixels": small_picture, "scattered": scattered, "two_parts": two_parts, "one_component": one_component}
LARGE = {
    "cat": lambda: ImageTarget(load_picture(IMGS / "cat.png")),
    "banner": lambda: ImageTarget(load_picture(IMGS / "banner.png")),
    "moons": lambda: ToyTarget("moons"),
    "s_curve": lambda: ToyTarget("s_curve"),
    "checkerboard": lambda: ToyTarget("checkerboard"),
}


@pytest.fixture(scope="module", params=SMALL)
def small(request):
    return SMALL[request.param]()


@pytest.fixture(scope="module", params=LARGE)
def large(request):
    return LARGE[request.param]()


@pytest.fixture(scope="module")
def pixels():
    return small_picture()


# ------------------------------------------------------------------ density and entropy


def plane(mixture):
    """Points of a grid of half a standard deviation over all but 1e-14 of the mass, and a cell's area.

    The trapezium rule's relative error for a Gaussian at that step is 2 exp(-8 pi^2), nothing.
    """
    step = mixture.std / 2
    low, high = mixture.centres.min(0).values - 8 * mixture.std, mixture.centres.max(0).values + 8 * mixture.std
    axes = [torch.arange(float(low[i]), float(high[i]), float(step[i]), dtype=torch.float64) for i in (0, 1)]
    return torch.cartesian_prod(*axes), float(step.prod())


@pytest.mark.parametrize("name", ["pixels", "scattered", "one_component"])
def test_density_integrates_to_one(name):
    mixture = SMALL[name]()
    points, cell = plane(mixture)
    assert float(mixture.log_prob(points).exp().sum()) * cell == pytest.approx(1, abs=DENSITY)


@pytest.mark.parametrize("name", ["pixels", "scattered", "one_component"])
def test_entropy_is_the_quadrature_of_the_brute_force_density(name):
    mixture = SMALL[name]()
    points, cell = plane(mixture)
    log_p = brute_force(mixture, points, torch.ones(len(points)))[1]
    assert mixture.entropy() == pytest.approx(float(-(log_p.exp() * log_p).sum()) * cell, abs=DENSITY)


def test_entropy_is_the_expected_surprise_of_samples(small):
    x = small.sample(20_000, torch.Generator().manual_seed(3)).double()
    surprise = -brute_force(small, x, torch.ones(len(x)))[1]
    error = float(surprise.std()) / math.sqrt(len(x))
    assert small.entropy() == pytest.approx(float(surprise.mean()), abs=STANDARD_ERRORS * error)


def test_one_component_has_the_entropy_of_a_standard_gaussian():
    # Standardising a single Gaussian makes it N(0, I) exactly.
    assert one_component().entropy() == pytest.approx(LOG_2PI + 1, abs=DENSITY)


# ------------------------------------------------------------------ the path


def test_velocity_and_density_equal_the_sum_over_all_components(large):
    x, t = on_path(large, TIMES, each=24)
    velocity, log_prob = brute_force(large, x, t)
    got = large.closed_form(x, t)
    assert got.velocity.dtype == got.log_prob.dtype == torch.float64
    assert float(relative(got.velocity, velocity).max()) < VELOCITY
    assert float((got.log_prob - log_prob).abs().max()) < DENSITY


def test_single_precision_equals_the_sum_over_all_components(large):
    x, t = (v.float() for v in on_path(large, TIMES, each=24, seed=1))
    velocity, log_prob = brute_force(large, x, t)
    got = large.closed_form(x, t)
    assert got.velocity.dtype == got.log_prob.dtype == torch.float32
    assert float(relative(got.velocity, velocity, floor=SLOWEST).max()) < VELOCITY_SINGLE
    assert float((got.log_prob.double() - log_prob).abs().max()) < DENSITY_SINGLE


def test_small_mixtures_equal_the_sum_over_all_components(small):
    x, t = on_path(small, TIMES, each=100)
    velocity, log_prob = brute_force(small, x, t)
    got = small.closed_form(x, t)
    # A single component's velocity is exactly 0 at t = 1/2, hence a floor here as well.
    assert float(relative(got.velocity, velocity, floor=SLOWEST).max()) < VELOCITY
    assert float((got.log_prob - log_prob).abs().max()) < DENSITY


def test_log_prob_is_the_path_density_at_time_one(small):
    x, t = on_path(small, (1.0,), each=500)
    assert float((small.log_prob(x) - brute_force(small, x, t)[1]).abs().max()) < DENSITY


def test_density_on_a_lattice_is_that_of_its_nodes(large):
    x, y = torch.linspace(-2.5, 2.5, 13, dtype=torch.float64), torch.linspace(-2, 3, 9, dtype=torch.float64)
    nodes = torch.cartesian_prod(y, x).flip(1)
    one_by_one = brute_force(large, nodes, torch.ones(len(nodes), dtype=torch.float64))[1].exp().view(9, 13)
    # The lattice's own relative error is 2e-5 near the ink; what is far below the peak is nothing at all.
    torch.testing.assert_close(large.density(x, y), one_by_one, rtol=1e-3, atol=1e-9 * float(one_by_one.max()))


def test_the_path_starts_as_a_standard_gaussian_drawn_to_the_mean(small):
    x = torch.randn(500, 2, generator=torch.Generator().manual_seed(4), dtype=torch.float64)
    got = small.closed_form(x, torch.zeros(500, dtype=torch.float64))
    assert float((got.log_prob + LOG_2PI + 0.5 * x.square().sum(1)).abs().max()) < DENSITY
    # E[x_1] = 0, so u_0(x) = -x.
    assert float((got.velocity + x).abs().max()) < DENSITY


def test_the_path_ends_with_the_velocity_of_its_noise(small):
    # At t = 1 the point is x_1 itself and x_0 is independent of it with mean 0, so u_1(x) = x.
    x, t = on_path(small, (1.0,), each=500)
    assert float((small.closed_form(x, t).velocity - x).abs().max()) < DENSITY


def test_answers_do_not_depend_on_the_company_of_a_point(pixels):
    x, t = on_path(pixels, TIMES, each=4)
    together = pixels.closed_form(x, t)
    alone = [pixels.closed_form(x[i : i + 1], t[i : i + 1]) for i in range(len(x))]
    assert torch.allclose(together.velocity, torch.cat([a.velocity for a in alone]), rtol=0, atol=ROUNDING)
    assert torch.allclose(together.log_prob, torch.cat([a.log_prob for a in alone]), rtol=0, atol=ROUNDING)


def test_centres_that_coincide_add_their_weights():
    centres = torch.tensor([[0.0, 0.0], [0.0, 0.0], [0.0, 0.0], [6.0, 0.0]])
    mixture = GaussianMixture(centres, torch.ones(4), (0.5, 0.5))
    x, t = on_path(mixture, TIMES, each=20)
    assert float((mixture.closed_form(x, t).log_prob - brute_force(mixture, x, t)[1]).abs().max()) < DENSITY


# ------------------------------------------------------------------ far from all ink

FAR = torch.tensor([[30.0, 0.0], [0.0, -30.0], [-21.0, 21.0], [25.0, 17.0]], dtype=torch.float64)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("name", ["cat", "banner", "moons"])
def test_far_points_are_exact(name, dtype):
    mixture = LARGE[name]()
    t = torch.tensor(TIMES, dtype=dtype).repeat_interleave(len(FAR))
    x = FAR.to(dtype).repeat(len(TIMES), 1)
    velocity, log_prob = brute_force(mixture, x, t)
    got = mixture.closed_form(x, t)
    assert bool(got.velocity.isfinite().all())
    assert bool(got.log_prob.isfinite().all())
    assert float(relative(got.velocity, velocity).max()) < VELOCITY
    # Log-densities reach minus millions here; what counts is their relative error.
    assert float(((got.log_prob.double() - log_prob) / log_prob).abs().max()) < DENSITY


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize(
    "time", [0.0, 0.5, 0.99, 1.0, *(pytest.param(time, marks=pytest.mark.slow) for time in (0.1, 0.9))]
)
@pytest.mark.parametrize("name", ["pixels", "scattered", "two_parts"])
def test_no_distance_is_special(name, time, dtype):
    # From the ink out to 30 units: the sum over a window must hand over to the exact one before it loses digits.
    mixture = SMALL[name]()
    radius = torch.linspace(1, 30, 1500, dtype=torch.float64)
    x = torch.cat([torch.stack((radius * math.cos(a), radius * math.sin(a)), 1) for a in (0.3, 2.0, 4.0)]).to(dtype)
    t = torch.full((len(x),), time, dtype=dtype)
    velocity, log_prob = brute_force(mixture, x, t)
    got = mixture.closed_form(x, t)
    tolerance = VELOCITY if dtype == torch.float64 else VELOCITY_SINGLE
    assert float(relative(got.velocity, velocity, floor=SLOWEST).max()) < tolerance
    assert float(((got.log_prob.double() - log_prob) / (1 + log_prob.abs())).abs().max()) < DENSITY


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("time", [0.8, 0.98, 0.999, 1.0])
def test_points_between_separate_parts_are_exact(time, dtype):
    mixture = two_parts()
    share = torch.linspace(0, 1, 801, dtype=torch.float64)[:, None]
    low, high = mixture.centres.min(0).values, mixture.centres.max(0).values
    x = (time * ((1 - share) * low + share * high)).to(dtype)
    t = torch.full((len(x),), time, dtype=dtype)
    velocity, log_prob = brute_force(mixture, x, t)
    got = mixture.closed_form(x, t)
    tolerance = VELOCITY if dtype == torch.float64 else VELOCITY_SINGLE
    # The speed passes through 0 half way, and near t = 1 changes by 1 / (1 - t) per unit of x there, so that
    # the rounding of x itself moves it; in float64 that is nothing.
    assert float(relative(got.velocity, velocity, floor=SLOWEST).max()) < tolerance
    assert float(((got.log_prob.double() - log_prob) / (1 + log_prob.abs())).abs().max()) < DENSITY


# ------------------------------------------------------------------ coordinates and draws


@pytest.mark.parametrize("name", [*SMALL, "moons", "banner"])
def test_standardised_by_its_own_moments(name):
    mixture = (SMALL | LARGE)[name]()
    mean = mixture.weights @ mixture.centres
    variance = mixture.weights @ mixture.centres**2 + mixture.std**2
    assert float(mixture.weights.sum()) == pytest.approx(1, abs=ROUNDING)
    assert mean.tolist() == pytest.approx([0, 0], abs=ROUNDING)
    assert variance.tolist() == pytest.approx([1, 1], abs=ROUNDING)


@pytest.mark.parametrize("name", [*SMALL, "moons", "banner"])
def test_samples_are_standardised(name):
    x = (SMALL | LARGE)[name]().sample(40_000, torch.Generator().manual_seed(5)).double()
    for power, moment in ((x, 0.0), (x**2, 1.0)):
        error = power.std(0) / math.sqrt(len(x))
        assert bool(((power.mean(0) - moment).abs() < STANDARD_ERRORS * error).all())


def test_shift_and_scale_lead_back_to_the_units_given():
    centres = torch.tensor([[10.0, -4.0], [13.0, 5.0], [11.0, 0.5]], dtype=torch.float64)
    mixture = GaussianMixture(centres, torch.tensor([1.0, 2.0, 5.0]), (0.3, 0.7))
    back = mixture.centres * mixture.scale + mixture.shift
    # The components may stand in another order; their first coordinates differ.
    assert torch.allclose(back[back[:, 0].argsort()], centres[centres[:, 0].argsort()], rtol=0, atol=ROUNDING)
    assert (mixture.std * mixture.scale).tolist() == pytest.approx([0.3, 0.7], abs=ROUNDING)


@pytest.mark.parametrize("name", ["pixels", "scattered"])
def test_even_numbers_reach_each_component_as_often_as_its_weight(name):
    mixture = SMALL[name]()
    n = 100_000
    u = torch.full((n, 3), 0.5, dtype=torch.float64)
    u[:, 0] = (torch.arange(n) + 0.5) / n
    # The median of the noise is 0, so every draw is the centre of its component.
    x = mixture.from_uniform(u)
    nearest = torch.cdist(x, mixture.centres, compute_mode="donot_use_mm_for_euclid_dist").min(1)
    assert float(nearest.values.max()) < ROUNDING
    counts = torch.bincount(nearest.indices, minlength=len(mixture.weights))
    # An interval of length w holds n w evenly spaced points, give or take one.
    assert float((counts - n * mixture.weights).abs().max()) <= 1 + ROUNDING


def test_noise_of_a_draw_is_gaussian_per_axis(pixels):
    u = torch.tensor([[0.2, stats.norm.cdf(1.0), stats.norm.cdf(-2.0)], [0.2, 0.5, 0.5]], dtype=torch.float64)
    x, centre = pixels.from_uniform(u)
    assert ((x - centre) / pixels.std).tolist() == pytest.approx([1, -2], abs=ROUNDING)


def test_a_lattice_of_numbers_has_the_moments_of_the_mixture(pixels):
    # Preserving measure means that even numbers in the cube give even draws: their moments are the mixture's.
    edge = (torch.arange(16, dtype=torch.float64) + 0.5) / 16
    x = pixels.from_uniform(torch.cartesian_prod((torch.arange(2000).double() + 0.5) / 2000, edge, edge))
    # 16 levels of noise per axis miss a few per cent of the variance of components that hold a fraction of the whole.
    coarse = 0.03
    assert x.mean(0).tolist() == pytest.approx([0, 0], abs=coarse)
    assert x.var(0).tolist() == pytest.approx([1, 1], abs=coarse)


def test_the_cube_s_faces_give_finite_draws(pixels):
    last = 1 - torch.finfo(torch.float64).eps / 2
    u = torch.cartesian_prod(*(torch.tensor([0.0, last], dtype=torch.float64),) * 3)
    assert bool(pixels.from_uniform(u).isfinite().all())


def test_neighbouring_numbers_reach_neighbouring_components():
    mixture = LARGE["checkerboard"]()
    n = 4000
    u = torch.full((n, 3), 0.5, dtype=torch.float64)
    u[:, 0] = (torch.arange(n) + 0.5) / n
    hop = mixture.from_uniform(u).diff(dim=0).norm(dim=1)
    # In a random order the mean hop would be the mean distance of two draws, about 1.8.
    assert float(hop.mean()) < 0.1


def test_a_seed_names_a_sample(pixels):
    first, again, other = (pixels.sample(100, torch.Generator().manual_seed(s)) for s in (7, 7, 8))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_components_without_weight_are_dropped():
    mixture = GaussianMixture(torch.tensor([[0.0, 0.0], [9.0, 9.0]]), torch.tensor([1.0, 0.0]), (1.0, 1.0))
    assert mixture.centres.shape == (1, 2)


@pytest.mark.parametrize(
    ("weights", "std"),
    [([0.0, 0.0], (1.0, 1.0)), ([-1.0, 0.0], (1.0, 1.0)), ([1.0, 1.0], (0.0, 1.0)), ([1.0, 1.0], (1.0, -0.5))],
)
def test_no_weight_or_no_width_is_refused(weights, std):
    with pytest.raises(ValueError, match="positive"):
        GaussianMixture(torch.tensor([[0.0, 0.0], [1.0, 0.0]]), torch.tensor(weights), std)


def test_points_may_be_integers_or_none():
    target = ToyTarget("blobs")
    whole = torch.tensor([[0, 1], [-2, 3]])
    for answer in (target.log_prob, target.in_given_units):
        assert torch.equal(answer(whole), answer(whole.float()))
    assert target.sample(0).shape == (0, 2)
    assert target.log_prob(target.sample(0)).shape == (0,)
    assert target.closed_form(whole[:0].float(), torch.zeros(0)).velocity.shape == (0, 2)


def test_a_point_that_is_nowhere_spoils_no_other():
    target = ToyTarget("moons")
    x = target.sample(6, torch.Generator().manual_seed(0))
    nowhere = torch.tensor([[math.nan, 0.0], [0.0, -math.inf], [math.inf, math.nan]])
    mixed, time = torch.cat((x[:2], nowhere, x[2:])), torch.full((9,), 0.9)
    found, alone = target.closed_form(mixed, time), target.closed_form(x, time[:6])
    assert torch.equal(torch.cat((found.velocity[:2], found.velocity[5:])), alone.velocity)
    assert torch.equal(torch.cat((found.log_prob[:2], found.log_prob[5:])), alone.log_prob)
    assert found.velocity[2:5].isnan().all()
    for log_prob in (found.log_prob, target.log_prob(mixed)):
        assert log_prob[[2, 4]].isnan().all()
        assert log_prob[3] == -math.inf
