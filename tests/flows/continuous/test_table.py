"""Sums of a table's rows, and their gradients, against torch's own operations."""

from __future__ import annotations

import threading

import pytest
import torch
from torch import Tensor

from flowgif.flows.continuous import table as module
from flowgif.flows.continuous.table import TAPS, evaluate_layers, look_up

ROWS, CHANNELS, LEVELS = 30, 3, 2
# The same sums in another order, in units of the dtype's rounding.
TOLERANCES = {torch.float32: 1e-5, torch.float64: 1e-13}


@pytest.fixture(params=TOLERANCES, ids=str)
def dtype(request: pytest.FixtureRequest) -> torch.dtype:
    return request.param


def _drawn(dtype: torch.dtype, n: int, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    """A table whose last row is 0, rows and weights."""
    generator = torch.Generator().manual_seed(seed)
    table = torch.randn(ROWS, CHANNELS, generator=generator, dtype=dtype)
    table[-1] = 0
    rows = torch.randint(ROWS, (n, TAPS), generator=generator, dtype=torch.int32)
    return table.requires_grad_(True), rows, torch.randn(n, TAPS, generator=generator, dtype=dtype)


def _sums(table: Tensor, rows: Tensor, weights: Tensor) -> Tensor:
    return (table[rows.long()] * weights[..., None]).sum(1)


def test_a_look_up_is_a_weighted_sum_of_rows(dtype: torch.dtype) -> None:
    table, rows, weights = _drawn(dtype, 50)
    weights.requires_grad_(True)
    ours, exact = look_up(table, rows, weights), _sums(table, rows, weights)
    torch.testing.assert_close(ours, exact, atol=TOLERANCES[dtype], rtol=0)
    outer = torch.randn(50, CHANNELS, generator=torch.Generator().manual_seed(1), dtype=dtype)
    gradients = [torch.autograd.grad((each * outer).sum(), (table, weights)) for each in (ours, exact)]
    assert gradients[0][0].dtype == dtype
    assert gradients[1][0][-1].any()
    gradients[1][0][-1] = 0  # the row of zeros is no weight
    for a, b in zip(*gradients, strict=True):
        torch.testing.assert_close(a, b, atol=10 * TOLERANCES[dtype], rtol=0)


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_layers_are_torchs_with_their_gradients(depth: int, dtype: torch.dtype) -> None:
    n, generator = 40, torch.Generator().manual_seed(2)
    table, rows, weights = _drawn(dtype, LEVELS * n)
    inputs = torch.randn(n, 4, generator=generator, dtype=dtype)
    sizes = [4 + LEVELS * CHANNELS, *[7, 5][: depth - 1], 2]
    layers = []
    for i in range(depth):
        layers.append(torch.randn(sizes[i + 1], sizes[i], generator=generator, dtype=dtype).requires_grad_(True))
        layers.append(torch.randn(sizes[i + 1], generator=generator, dtype=dtype).requires_grad_(True))
    ours = evaluate_layers(table, LEVELS, inputs, rows, weights, layers)
    features = look_up(table, rows, weights).view(LEVELS, n, CHANNELS)
    h = torch.cat((inputs, *features), 1)
    for i in range(depth):
        h = torch.nn.functional.linear(torch.nn.functional.silu(h) if i else h, layers[2 * i], layers[2 * i + 1])
    torch.testing.assert_close(ours, h, atol=10 * TOLERANCES[dtype], rtol=TOLERANCES[dtype])
    outer = torch.randn(n, 2, generator=generator, dtype=dtype)
    gradients = [torch.autograd.grad((each * outer).sum(), (table, *layers)) for each in (ours, h)]
    for a, b in zip(*gradients, strict=True):
        assert b.abs().max() > 0
        # Sums over all points, in single precision the larger part of the difference.
        torch.testing.assert_close(a, b, atol=100 * TOLERANCES[dtype], rtol=TOLERANCES[dtype])


class _NoDevice:
    """Says that a tensor is on a device that scipy cannot read."""

    type = "cuda"


def test_other_devices_add_the_same(dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch) -> None:
    """The processor multiplies by a sparse matrix; elsewhere the terms are added one by one."""
    _, rows, weights = _drawn(dtype, 60)
    gradient = torch.randn(60, CHANNELS, generator=torch.Generator().manual_seed(4), dtype=dtype)
    sparse = module._scatter(ROWS, rows, weights, gradient)

    def fail(*args: object) -> None:
        raise AssertionError("the sparse matrix was used")

    class Elsewhere(Tensor):
        device = _NoDevice()  # type: ignore[assignment]

    monkeypatch.setattr(module, "_matrix", fail)
    added = module._scatter(ROWS, rows, weights, gradient.as_subclass(Elsewhere))
    torch.testing.assert_close(sparse, added.as_subclass(Tensor), atol=10 * TOLERANCES[dtype], rtol=0)
    assert sparse.dtype == dtype
    assert sparse.abs().max() > 1


def test_one_matrix_serves_any_number_of_sums_and_dtypes(dtype: torch.dtype) -> None:
    """It is made once for a size, and filled anew for each sum."""
    for seed in range(3):
        for kind in (torch.float32, torch.float64, dtype):
            table, rows, weights = _drawn(kind, 20, seed)
            ours = torch.autograd.grad(look_up(table, rows, weights).square().sum(), table)[0]
            exact = torch.autograd.grad(_sums(table, rows, weights).square().sum(), table)[0]
            torch.testing.assert_close(ours[:-1], exact[:-1], atol=100 * TOLERANCES[kind], rtol=TOLERANCES[kind])


def test_threads_do_not_share_a_matrix() -> None:
    expected, found = {}, {}

    def gradient(seed: int) -> Tensor:
        table, rows, weights = _drawn(torch.float32, 4000, seed)
        return torch.autograd.grad(look_up(table, rows, weights).square().sum(), table)[0]

    def work(seed: int) -> None:
        found[seed] = [gradient(seed) for _ in range(10)]

    expected = {seed: gradient(seed) for seed in range(3)}
    threads = [threading.Thread(target=work, args=(seed,)) for seed in expected]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for seed, exact in expected.items():
        assert all(torch.equal(each, exact) for each in found[seed])
