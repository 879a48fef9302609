"""Adam and Muon beside torch's own."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from flowgif.training.updates import Adam, Muon, Optimiser

BFLOAT16 = 2.0**-8  # relative rounding; torch's Muon multiplies in it
SHAPES = ((20, 30), (30, 20), (20, 30), (16, 16))


def _parameters(*shapes: tuple[int, ...]) -> list[nn.Parameter]:
    generator = torch.Generator().manual_seed(0)
    return [nn.Parameter(torch.randn(*shape, generator=generator)) for shape in shapes]


def _train(optimiser: Optimiser, parameters: list[nn.Parameter], first: int = 0, steps: int = 20) -> None:
    for step in range(first, first + steps):
        generator = torch.Generator().manual_seed(step)
        for parameter in parameters:
            parameter.grad = torch.randn(parameter.shape, generator=generator)
        optimiser.step()


def test_adam_is_torchs_to_the_bit() -> None:
    ours, theirs = _parameters((7,), (3, 4)), _parameters((7,), (3, 4))
    _train(Adam(ours, 0.01), ours)
    _train(torch.optim.Adam(theirs, lr=0.01, fused=True), theirs)
    assert all(torch.equal(a, b) for a, b in zip(ours, theirs, strict=True))


def test_muon_is_torchs_without_its_rounding() -> None:
    start, ours, theirs = _parameters(*SHAPES), _parameters(*SHAPES), _parameters(*SHAPES)
    _train(Muon(ours, 0.04), ours)
    _train(torch.optim.Muon(theirs, lr=0.04, weight_decay=0.0), theirs)
    for before, a, b in zip(start, ours, theirs, strict=True):
        # Roundings of twenty steps add up less than all of one sign would.
        assert (a - b).norm() <= 2 * BFLOAT16 * (b - before).norm()


def test_an_update_of_muon_has_even_singular_values() -> None:
    (matrix,) = _parameters((40, 25))
    before = matrix.detach().clone()
    _train(Muon([matrix], 1.0), [matrix], steps=1)
    values = torch.linalg.svdvals((before - matrix.detach()) / (40 / 25) ** 0.5)
    # The iteration's fixed interval (Jordan et al. 2024).
    assert values.min() > 0.65
    assert values.max() < 1.25


@pytest.mark.parametrize("make", [Adam, Muon])
def test_going_on_from_a_state_is_as_if_it_had_never_stopped(make: type[Adam] | type[Muon]) -> None:
    whole, first = _parameters(*SHAPES), _parameters(*SHAPES)
    _train(make(whole, 0.03), whole, steps=10)
    stopped = make(first, 0.03)
    _train(stopped, first, steps=6)
    resumed = make(first, 0.03)
    resumed.load_state_dict(stopped.state_dict())
    _train(resumed, first, first=6, steps=4)
    assert all(torch.equal(a, b) for a, b in zip(whole, first, strict=True))


def test_a_parameter_without_a_gradient_stays() -> None:
    for make in (Adam, Muon):
        moved, still = _parameters((4, 5), (4, 5))
        optimiser = make([moved, still], 0.1)
        before = still.detach().clone()
        moved.grad = torch.ones(4, 5)
        optimiser.step()
        assert torch.equal(still, before)
        assert not torch.equal(moved, before)
        optimiser.zero_grad()
        assert moved.grad is None


def test_matrices_of_nearly_one_shape_are_updated_as_each_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are filled up with columns of zeros to one width."""
    shapes = ((24, 32), (24, 17), (24, 30), (8, 32), (24, 33), (24, 60))
    together = _parameters(*shapes)
    groups: list[int] = []
    original = Muon._orthogonalised
    optimiser = Muon(together, 0.04)

    def watched(self: Muon, x: torch.Tensor) -> torch.Tensor:
        groups.append(len(x))
        return original(self, x)

    monkeypatch.setattr(Muon, "_orthogonalised", watched)
    _train(optimiser, together, steps=1)
    assert sorted(groups) == [1, 2, 3]
    for parameter, start in zip(together, _parameters(*shapes), strict=True):
        alone = nn.Parameter(start.detach().clone())
        # The gradient of the joint update: _train draws those of a step one after another.
        assert parameter.grad is not None
        alone.grad = parameter.grad.clone()
        Muon([alone], 0.04).step()
        # Single precision through five iterations.
        torch.testing.assert_close(parameter, alone, atol=1e-5, rtol=0)
        assert (alone - start).abs().max() > 1e-3
