"""Small lattices are summed as a whole, large ones in windows: both give the same."""

from __future__ import annotations

import pytest
import torch

from flowgif.targets import lattice as module
from flowgif.targets.lattice import WINDOW, blurred, build_lattices, evaluate_on, level_for
from flowgif.targets.toy import ToyTarget


@pytest.mark.parametrize("name", ["8gaussians", "2spirals"])
def test_windows_and_whole_lattices_agree(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    target = ToyTarget(name)
    lattices = list(build_lattices(target.centres, target.weights, target.std))
    assert all(min(lattice.weight.shape) >= WINDOW for lattice in lattices)
    generator = torch.Generator().manual_seed(0)
    time = torch.linspace(0, 1, 600, dtype=torch.float64)[:, None]
    x0 = torch.randn(600, 2, generator=generator, dtype=torch.float64)
    x = (1 - time) * x0 + time * target.sample(600, generator).double()
    time = time.squeeze(1)
    levels = level_for(lattices, float(target.std.min()), time)
    compared = 0
    for number, lattice in enumerate(lattices):
        chosen = levels == number
        if not chosen.any() or max(lattice.weight.shape) == WINDOW:  # the window is the lattice
            continue
        both = []
        for small in (0, 10**9):
            monkeypatch.setattr(module, "SMALL", small)
            both.append(evaluate_on(lattice, target.std**2, x[chosen], time[chosen]))
        window, whole = both
        assert window.log_prob.isfinite().all()  # the window suffices for points of the path
        # What lies beyond a window weighs at most a thousandth of the sum.
        torch.testing.assert_close(window.log_prob, whole.log_prob, atol=1e-3, rtol=0)
        torch.testing.assert_close(window.velocity, whole.velocity, atol=1e-3, rtol=1e-3)
        compared += int(chosen.sum())
    assert compared > 300


def test_lattices_up_to_a_size_are_summed_as_a_whole() -> None:
    target = ToyTarget("2spirals")
    lattices = list(build_lattices(target.centres, target.weights, target.std))
    sizes = [lattice.weight.numel() for lattice in lattices]
    assert [lattice.is_small for lattice in lattices] == [size <= module.SMALL for size in sizes]
    assert min(sizes) <= module.SMALL < max(sizes)


@pytest.mark.parametrize("variance", [(0.09, 0.25), (25.0, 400.0)])
def test_a_blur_is_the_sum_over_all_gaussians(variance: tuple[float, float]) -> None:
    generator = torch.Generator().manual_seed(0)
    weight = torch.rand(70, 150, generator=generator, dtype=torch.float64)
    sources = torch.arange(150, dtype=torch.float64) * 0.5, torch.arange(70, dtype=torch.float64)
    places = torch.linspace(-20, 90, 201, dtype=torch.float64), torch.linspace(80, -10, 133, dtype=torch.float64)
    across, down = (
        torch.exp(-((places[axis][:, None] - sources[axis]) ** 2) / (2 * variance[axis]))
        / (2 * torch.pi * variance[axis]) ** 0.5
        for axis in (0, 1)
    )
    wanted = down @ weight @ across.T
    torch.testing.assert_close(blurred(weight, sources, places, variance), wanted, atol=1e-15, rtol=1e-12)
