"""Makes Gaussian mixtures of toy data sets: sklearn's, and FFJORD's (Grathwohl et al. 2019, arXiv:1810.01367).

A noisy generator draws points of a curve and adds Gaussian noise. The mixture has centres along the curve, and the
noise is every component's standard deviation. A new data set is one row of :data:`TOY_SETS`, with a function that
returns the centres and their weights in the generator's units.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import inf, pi

import torch
from torch import Tensor

from flowgif.errors import UnusableInput
from flowgif.names import DATA_SETS, Table
from flowgif.targets.mixture import GaussianMixture

__all__ = ["TOY_SETS", "Components", "ToySet", "ToyTarget"]

ALONG = 2000  # number of centres along a curve; they still overlap at a noise of 0.01
LEAST_NOISE = (
    0.001  # least noise, as a share of the set's extent; the lattices' size grows with the inverse square of the noise
)


@dataclass(frozen=True)
class Components:
    """The components of a mixture without their noise.

    Attributes:
        centres: the components' means, (K, 2) float64, in the generator's units.
        weights: the components' weights, (K,) float64, in any scale.
    """

    centres: Tensor
    weights: Tensor


def _equal(centres: Tensor) -> Components:
    """Gives all centres the same weight."""
    return Components(centres, torch.ones(len(centres), dtype=torch.float64))


def _midpoints(n: int) -> Tensor:
    """Returns n evenly spaced points of (0, 1), float64."""
    return (torch.arange(n, dtype=torch.float64) + 0.5) / n


def _polar(radius: Tensor, angle: Tensor) -> Tensor:
    """Converts polar coordinates (n,) to points (n, 2)."""
    return torch.stack((radius * angle.cos(), radius * angle.sin()), -1)


def _moons(noise: float) -> Components:
    """Builds sklearn's make_moons: two half circles of radius 1."""
    from sklearn.datasets import make_moons

    return _equal(torch.from_numpy(make_moons(ALONG, shuffle=False, noise=None)[0]))


def _circles(noise: float) -> Components:
    """Builds sklearn's make_circles with factor 0.5: radii 1 and 0.5."""
    from sklearn.datasets import make_circles

    return _equal(torch.from_numpy(make_circles(ALONG, shuffle=False, noise=None, factor=0.5)[0]))


def _blobs(noise: float) -> Components:
    """Builds sklearn's make_blobs with three centres drawn by random_state 0; the noise is its cluster_std."""
    from sklearn.datasets import make_blobs

    return _equal(torch.from_numpy(make_blobs(3, centers=3, random_state=0, return_centers=True)[2]))  # pyright: ignore[reportGeneralTypeIssues]


def _s_curve(noise: float) -> Components:
    """Builds sklearn's make_s_curve seen from the side (its first and third coordinate)."""
    t = 3 * pi * (_midpoints(ALONG) - 0.5)
    return _equal(torch.stack((t.sin(), t.sign() * (t.cos() - 1)), 1))


def _swiss_roll(noise: float) -> Components:
    """Builds sklearn's make_swiss_roll seen from the side (its first and third coordinate)."""
    t = 1.5 * pi * (1 + 2 * _midpoints(ALONG))
    return _equal(_polar(t, t))


def _8gaussians(noise: float) -> Components:
    """Builds eight blobs on a circle of radius 4 / sqrt 2; FFJORD's noise is 0.5 / sqrt 2."""
    return _equal(_polar(torch.full((8,), 4 / 2**0.5, dtype=torch.float64), torch.arange(8).double() * pi / 4))


def _pinwheel(noise: float) -> Components:
    """Builds five bent blobs and a little noise.

    A bent blob is 2 R(2 pi k / 5 + exp(r) / 4) (r, s) with r ~ N(1, 0.3^2), s ~ N(0, 0.1^2). Bent blobs are no mixture
    with one covariance, so (r, s) runs over a fixed lattice with a step of 0.15 standard deviations, weighted by its
    density. Each node of the lattice becomes a component with the noise.
    """
    z = torch.arange(-3.6, 3.61, 0.15, dtype=torch.float64)
    r, s = (1 + 0.3 * z)[:, None].expand(len(z), len(z)), (0.1 * z).expand(len(z), len(z))
    weights = torch.exp(-0.5 * (z[:, None] ** 2 + z**2)).flatten()
    flat = torch.stack((r.flatten(), s.flatten()), 1)
    arms: list[Tensor] = []
    for k in range(5):
        angle = 2 * pi * k / 5 + 0.25 * torch.exp(flat[:, 0])
        sin, cos = angle.sin(), angle.cos()
        arms.append(2 * torch.stack((cos * flat[:, 0] + sin * flat[:, 1], cos * flat[:, 1] - sin * flat[:, 0]), 1))
    return Components(torch.cat(arms), weights.repeat(5))


def _2spirals(noise: float) -> Components:
    """Builds two arms of one and a half turns, jittered by a box of side 1/6, and Gaussian noise.

    The box is not a Gaussian, so four by four fixed centres at every point of the curve replace it.
    """
    radius = 3 * pi * _midpoints(ALONG // 4).sqrt()
    arm = torch.stack((-radius.cos() * radius, radius.sin() * radius), 1)
    jitter = torch.cartesian_prod(_midpoints(4), _midpoints(4)) * 0.5
    points = (arm[:, None] + jitter).reshape(-1, 2) / 3
    return _equal(torch.cat((points, -points)))


def _checkerboard(noise: float) -> Components:
    """Builds eight squares of side 2 on a board of side 8.

    A lattice of fixed centres, twice the noise apart, replaces a square's even density; the noise softens the edges.
    """
    inside = _midpoints(max(1, round(1 / noise))) * 2
    square = torch.cartesian_prod(inside, inside)
    corners = torch.tensor(
        [(2 * i - 4, 2 * j - 4) for i in range(4) for j in range(4) if (i + j) % 2 == 0], dtype=torch.float64
    )
    return _equal((corners[:, None] + square).reshape(-1, 2))


def _rings(noise: float) -> Components:
    """Builds four rings of radius 0.75, 1.5, 2.25 and 3 with a quarter of the points each; FFJORD's noise is 0.08."""
    angle = 2 * pi * _midpoints(ALONG // 2)
    return _equal(torch.cat([_polar(torch.full_like(angle, 0.75 * k), angle) for k in (1, 2, 3, 4)]))


@dataclass(frozen=True)
class ToySet:
    """A row of TOY_SETS.

    Attributes:
        build: makes the components for a noise, in the generator's units.
        noise: the default standard deviation of the noise, in the generator's units.
    """

    build: Callable[[float], Components]
    noise: float


TOY_SETS: Table[ToySet] = Table(
    DATA_SETS,
    {
        "moons": ToySet(_moons, 0.05),
        "circles": ToySet(_circles, 0.05),
        "blobs": ToySet(_blobs, 1.0),
        "s_curve": ToySet(_s_curve, 0.1),
        "swiss_roll": ToySet(_swiss_roll, 0.5),
        "8gaussians": ToySet(_8gaussians, 0.5 / 2**0.5),
        "pinwheel": ToySet(_pinwheel, 0.05),
        "2spirals": ToySet(_2spirals, 0.1),
        "checkerboard": ToySet(_checkerboard, 0.02),
        "rings": ToySet(_rings, 0.08),
    },
)


class ToyTarget(GaussianMixture):
    """A named data set.

    Args:
        name: a row of TOY_SETS.
        noise: standard deviation of the Gaussian noise in the generator's units; None for the set's default.

    Attributes:
        name, noise: the arguments, with the default in the place of None.

    Raises:
        UnusableInput: the name is unknown, or the noise is too small to resolve.
    """

    def __init__(self, name: str, noise: float | None = None) -> None:
        toy = TOY_SETS.find(name)
        noise = toy.noise if noise is None else noise
        if not 0 < noise < inf:
            raise UnusableInput(
                f"--noise {noise:g} is not a positive number; a density needs some noise ({name} has {toy.noise:g})"
            )
        components = toy.build(max(noise, 0.005))
        least = LEAST_NOISE * float(components.centres.max() - components.centres.min())
        if noise < least:
            raise UnusableInput(f"--noise {noise:g} is too small to resolve for {name}; give at least {least:.2g}")
        super().__init__(components.centres, components.weights, (noise, noise))
        self.name, self.noise = name, noise
