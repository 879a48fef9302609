"""Glow's linear layer against torch's linear algebra."""

from __future__ import annotations

import pytest
import torch
from couplings import DOUBLE, SAME, points, seeded

from flowgif.flows.discrete.linear import Linear


@pytest.mark.parametrize("fraction", [0.0, 0.2, 0.7, 1.0])
def test_glows_linear_layer_is_the_matrix_exponential(fraction: float) -> None:
    for seed in range(5):
        matrix = 3 * torch.rand(2, 2, generator=seeded(seed), dtype=DOUBLE) * torch.tensor([[1, -1], [1, -1]])
        layer, z = Linear(matrix), points(9)
        ahead = layer.path(z, torch.tensor([0.1, fraction], dtype=DOUBLE))
        push = torch.linalg.matrix_exp(fraction * matrix)
        assert ahead.point.shape == (2, 9, 2)
        torch.testing.assert_close(ahead.point[1], torch.stack([push @ point for point in z]), atol=SAME, rtol=SAME)
        volume = torch.linalg.slogdet(push).logabsdet
        torch.testing.assert_close(ahead.ladj[1], volume.expand(9), atol=SAME, rtol=0)
        back = layer.inverse_at(ahead.point[1], fraction)
        torch.testing.assert_close(back.point, z, atol=1e2 * SAME, rtol=0)
        torch.testing.assert_close(back.ladj, -volume.expand(9), atol=SAME, rtol=0)


# A stretch, a shear, a turn, nothing; and on either side of where the closed form gives way to a series.
MATRICES = {
    "stretch": [[1.0, 0.5], [0.5, -0.3]],
    "shear": [[0.4, 1.3], [0.0, 0.4]],
    "turn": [[0.1, -1.57], [1.57, -0.1]],
    "zero": [[0.0, 0.0], [0.0, 0.0]],
    "near a shear": [[0.02, 0.1], [0.0062, 0.0]],
    "nearer": [[0.02, 0.1], [0.0092, 0.0]],
    "near a shear, turning": [[0.02, -0.1], [0.0108, 0.0]],
    "far": [[3.1, -3.0], [2.9, 2.5]],
}


@pytest.mark.parametrize("name", MATRICES)
def test_the_exponential_and_its_gradient_are_torchs(name: str) -> None:
    layer = Linear(torch.tensor(MATRICES[name], dtype=DOUBLE))
    theirs = layer.matrix.detach().clone().requires_grad_(True)
    push, z = torch.linalg.matrix_exp(Linear.BOUND * (theirs / Linear.BOUND).tanh()), points(5)
    torch.testing.assert_close(layer.generator(), torch.tensor(MATRICES[name], dtype=DOUBLE), atol=SAME, rtol=0)
    ours = layer.path(z, torch.ones(1, dtype=DOUBLE)).point[0]
    torch.testing.assert_close(ours, z @ push.T, atol=SAME, rtol=SAME)
    weights = torch.randn(5, 2, generator=seeded(), dtype=DOUBLE)
    (weights * ours).sum().backward()
    (weights * (z @ push.T)).sum().backward()
    torch.testing.assert_close(layer.matrix.grad, theirs.grad, atol=SAME, rtol=SAME)


def test_glows_linear_layer_is_never_singular_on_its_way() -> None:
    """A half turn is: half way along a straight line from I it would be zero."""
    matrices = [3 * torch.randn(2, 2, generator=seeded(seed), dtype=DOUBLE) for seed in range(30)]
    matrices.append(torch.pi * torch.tensor([[0.0, -1.0], [1.0, 0.0]], dtype=DOUBLE))
    axes = torch.eye(2, dtype=DOUBLE)
    for matrix in matrices:
        layer = Linear(torch.zeros(2, 2, dtype=DOUBLE))
        layer.matrix.data = Linear.BOUND * (matrix / Linear.BOUND).clamp(-0.999, 0.999).atanh()
        images = layer.path(axes, torch.linspace(0, 1, 20, dtype=DOUBLE)).point
        volumes = torch.linalg.det(images)
        assert (volumes > 0).all()
        expected = (torch.linspace(0, 1, 20, dtype=DOUBLE) * layer.generator().trace()).exp()
        torch.testing.assert_close(volumes, expected, atol=0, rtol=1e-6)
