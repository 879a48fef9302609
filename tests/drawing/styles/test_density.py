"""The mesh of a density; test_faithful.py compares densities with exact ones."""

from __future__ import annotations

import torch
from known_flows import MOONS, SIZE, Shift

from flowgif.drawing.colours import make_look
from flowgif.drawing.placing import place_runs
from flowgif.drawing.styles.density import DensityStyle


def test_a_density_needs_no_seed_and_takes_about_so_many_particles() -> None:
    style = DensityStyle(place_runs([(Shift(), MOONS)], SIZE), make_look())
    assert torch.equal(style.base_points(1000, 0), style.base_points(1000, 5))
    assert len(style.base_points(1000, 0)) == 32**2
    assert len(style.base_points(1, 0)) == 4
