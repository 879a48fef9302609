"""A mesh's particles: their masses, and where they are when the nodes are carried."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import pytest
import torch

from flowgif.drawing.mesh import Mesh, ParticleGroup

Map = Callable[[np.ndarray], np.ndarray]
SPACING = 0.5
FINEST = 1e-9  # no cell is that small: all have as many parts as they may have


def _particles(groups: Iterable[ParticleGroup]) -> tuple[np.ndarray, np.ndarray]:
    some = [particles for group in groups for particles in group.particles]
    places, masses = (np.concatenate(parts) for parts in zip(*some, strict=True))
    return places, masses


def _all(mesh: Mesh, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Every particle once, with its whole mass: sorted, as a cell's are divided between groups."""
    places, masses = _particles(mesh.particle_groups(places, FINEST))
    distinct, which = np.unique(places.round(9), axis=0, return_inverse=True)
    return distinct, np.bincount(which.ravel(), masses)


@pytest.mark.parametrize(("side", "max_parts"), [(2, 1), (9, 4), (30, 16)])
def test_masses_are_the_gaussians(side: int, max_parts: int) -> None:
    mesh = Mesh(side, max_parts)
    nodes = mesh.nodes()
    assert nodes.shape == (side**2, 2)
    _, masses = _particles(mesh.particle_groups(100 * nodes.double().numpy(), SPACING))
    assert masses.sum() == pytest.approx(1)
    assert (masses >= 0).all()


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
    coarse, fine = Mesh(40, 4), Mesh(160, 1)
    places = carry(coarse.nodes().double().numpy())
    found, _ = _all(coarse, places)
    z = fine.nodes().double().numpy()
    exact = carry(z)[np.hypot(*z.T) < 2][::37]
    nearest = np.linalg.norm(exact[:, None] - found, axis=2).min(1)
    # In a frame, where a unit is 30 to 50 pixels: nodes are 3 to 10 apart, and a parabola leaves the third order.
    assert nearest.max() < 0.05
    middle = np.hypot(*z.T) < 2
    assert np.linalg.norm(coarse.refine(places, fine.side) - carry(z), axis=1)[middle].max() < 0.05


@pytest.mark.parametrize("side", [40, 41, 97])
def test_the_nodes_of_another_mesh_are_between(side: int) -> None:
    """Nodes that stay where they are: to the third order, and exactly where the mesh is the same."""
    mesh, other = Mesh(40, 1), Mesh(side, 1)
    z, wanted = mesh.nodes().double().numpy(), other.nodes().double().numpy()
    found = mesh.refine(z, side)
    assert found.shape == (side**2, 2)
    middle = np.abs(wanted).max(1) < 2
    assert np.abs(found - wanted)[middle].max() < (1e-6 if side == 40 else 2e-3)


def test_a_tear_is_left_empty() -> None:
    """What is left of the middle goes 100 to the left, what is right of it as far to the right."""
    mesh = Mesh(40, 4)
    z = mesh.nodes().double().numpy()
    x = z + np.where(z[:, :1] < 0, -100, 100) * (1, 0)
    places, masses = _all(mesh, x)
    between = np.abs(places[:, 0]) < 95
    assert masses[between].sum() == pytest.approx(0, abs=1e-12)
    assert masses[places[:, 0] < 0].sum() == pytest.approx(0.5)


def test_faint_cells_are_left_out() -> None:
    """A thousandth of the cloud is carried far away, where it covers a thousand times the area of the rest."""
    mesh = Mesh(40, 4)
    z = mesh.nodes().double().numpy()
    far = z[:, 0] > 3
    x = np.where(far[:, None], 1000 + 300 * z, 20 * z)
    kept, masses = _particles(mesh.particle_groups(x, SPACING, faintest=1e-4))
    everything, all_masses = _particles(mesh.particle_groups(x, SPACING))
    assert kept[:, 0].max() < 500 < everything[:, 0].max()
    assert masses.sum() == pytest.approx(all_masses[everything[:, 0] < 500].sum(), abs=1e-3)


def test_particles_have_the_precision_of_the_nodes() -> None:
    mesh = Mesh(30, 8)
    x = _bent(mesh.nodes().double().numpy())
    double = _particles(mesh.particle_groups(x, SPACING))
    single = _particles(mesh.particle_groups(x.astype(np.float32), SPACING))
    assert {part.dtype for part in single} == {np.dtype(np.float32)}
    assert single[1].sum() == pytest.approx(1, abs=1e-5)  # of 10^5 particles, each right to 10^-7 of its mass
    # The means, as a cell at the border between two numbers of parts may have either number.
    means = [masses @ places for places, masses in (double, single)]
    np.testing.assert_allclose(means[1], means[0], atol=1e-3)


@pytest.mark.parametrize("scale", [10.0, 100.0, 1000.0])
def test_groups_are_twice_as_wide_as_each_other(scale: float) -> None:
    mesh = Mesh(40, 8)
    groups = list(mesh.particle_groups(scale * mesh.nodes().double().numpy(), SPACING))
    assert [group.spacing / SPACING for group in groups] == sorted(
        {2 ** round(np.log2(s.spacing / SPACING)) for s in groups}
    )
    middle = max(groups, key=lambda group: sum(masses.sum() for _, masses in group.particles))
    # A cell is 1.6 / 40 sqrt(2 pi) wide in the middle.
    assert middle.spacing == pytest.approx(max(SPACING, scale * 0.1003 / 8), rel=0.6)


def test_a_cell_has_as_many_parts_along_each_side_as_it_takes() -> None:
    mesh = Mesh(40, 32)
    z = mesh.nodes().double().numpy()
    first = next(mesh.particle_groups(100 * z * (1, 0.1), SPACING))
    assert first.spacing == SPACING
    places, _ = _particles([first])
    middle = places[(np.abs(places) < (50, 5)).all(1)]
    # In the middle a cell is 10.03 long, and 1.003 wide: that takes 21 parts and 3, and the next numbers are 24 and 3.
    for column, apart in ((0, 10.03 / 24), (1, 1.003 / 3)):
        assert np.diff(np.unique(middle[:, column].round(6))).max() == pytest.approx(apart, rel=0.15)


def test_wherever_nodes_are_carried_mass_is_kept() -> None:
    mesh = Mesh(12, 4)
    wild = 1e3 * torch.randn(144, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64).numpy()
    for places in (wild, np.zeros((144, 2))):
        found, masses = _particles(mesh.particle_groups(places, SPACING))
        assert masses.sum() == pytest.approx(1)
        assert np.isfinite(found).all()
