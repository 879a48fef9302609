"""A mesh's particles: their masses, and where they are when the nodes are carried."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from flowgif.animation.mesh import Mesh

Map = Callable[[np.ndarray], np.ndarray]
CLOSEST = 0.5


def _all(mesh: Mesh, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Every particle once, with its whole mass: sorted, as a node's are divided between swarms."""
    swarms = list(mesh.swarms(places, CLOSEST))
    places, masses = (np.concatenate(parts) for parts in zip(*((s.places, s.masses) for s in swarms), strict=True))
    distinct, which = np.unique(places.round(9), axis=0, return_inverse=True)
    return distinct, np.bincount(which.ravel(), masses)


@pytest.mark.parametrize(("side", "parts"), [(2, 1), (9, 4), (30, 3)])
def test_masses_are_the_gaussians(side: int, parts: int) -> None:
    mesh = Mesh(side, parts)
    nodes = mesh.nodes()
    assert nodes.shape == (side**2, 2)
    swarms = list(mesh.swarms(100 * nodes.double().numpy(), CLOSEST))
    assert sum(swarm.masses.sum() for swarm in swarms) == pytest.approx(1)
    assert all((swarm.masses >= 0).all() for swarm in swarms)


def test_moments_are_the_gaussians() -> None:
    mesh = Mesh(40, 4)
    places, masses = _all(mesh, mesh.nodes().double().numpy())
    assert len(places) == (40 * 4) ** 2
    np.testing.assert_allclose(masses @ places, 0, atol=1e-6)
    # Cells' corners are cut by about the square of their size.
    np.testing.assert_allclose((masses[:, None] * places).T @ places, np.eye(2), atol=5e-3)


def _turned(z: np.ndarray) -> np.ndarray:
    return 50 * z @ np.array([[0.6, 0.8], [-0.8, 0.6]]) + (30, -7)


def _bent(z: np.ndarray) -> np.ndarray:
    return 30 * np.stack((z[:, 0] + 0.2 * z[:, 1] ** 2, z[:, 1] + 0.3 * np.sin(z[:, 0])), 1)


@pytest.mark.parametrize("carry", [_turned, _bent])
def test_between_nodes_a_smooth_map_is_found(carry: Map) -> None:
    """Against the map of a mesh whose nodes are the particles."""
    coarse, fine = Mesh(40, 3), Mesh(120, 1)
    found, _ = _all(coarse, carry(coarse.nodes().double().numpy()))
    z = fine.nodes().double().numpy()
    exact = carry(z)[np.hypot(*z.T) < 2][::37]
    nearest = np.linalg.norm(exact[:, None] - found, axis=2).min(1)
    # In a frame, where a unit is 30 to 50 pixels: nodes are 3 to 10 apart, and a parabola leaves the third order.
    assert nearest.max() < 0.05


def test_a_tear_is_left_empty() -> None:
    """What is left of the middle goes 100 to the left, what is right of it as far to the right."""
    mesh = Mesh(40, 4)
    z = mesh.nodes().double().numpy()
    x = z + np.where(z[:, :1] < 0, -100, 100) * (1, 0)
    places, masses = _all(mesh, x)
    between = np.abs(places[:, 0]) < 95
    assert masses[between].sum() == pytest.approx(0, abs=1e-12)
    assert masses[places[:, 0] < 0].sum() == pytest.approx(0.5)


def test_spacings_are_those_of_the_particles() -> None:
    mesh = Mesh(40, 4)
    z = mesh.nodes().double().numpy()
    for scale in (10.0, 100.0, 1000.0):
        for spacing, places, masses in mesh.swarms(scale * z, CLOSEST):
            assert spacing / CLOSEST == 2 ** round(np.log2(spacing / CLOSEST))
            assert len(places) == len(masses)
        middle = max(mesh.swarms(scale * z, CLOSEST), key=lambda swarm: swarm.masses.sum())
        # Four parts of a cell that is 1.6 / 40 sqrt(2 pi) wide in the middle.
        width = scale * 1.6 * np.sqrt(2 * np.pi) / 40 / 4
        assert middle.spacing == pytest.approx(max(width, CLOSEST), rel=1.0)


def test_wherever_nodes_are_carried_mass_is_kept() -> None:
    mesh = Mesh(12, 4)
    wild = 1e3 * torch.randn(144, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64).numpy()
    for places in (wild, np.zeros((144, 2))):
        swarms = list(mesh.swarms(places, CLOSEST))
        assert sum(swarm.masses.sum() for swarm in swarms) == pytest.approx(1)
        assert all(np.isfinite(swarm.places).all() for swarm in swarms)
