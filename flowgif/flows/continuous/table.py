"""Reads weighted sums of a table's rows, and puts them through layers, with gradients that cost little."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ["TAPS", "evaluate_layers", "look_up"]

TAPS = 9  # rows of a sum: a quadratic B-spline in the plane reads three by three nodes


def look_up(table: Tensor, rows: Tensor, weights: Tensor) -> Tensor:
    """Computes sum_k weights[i, k] table[rows[i, k]].

    Args:
        table: (r, c). Its last row has no gradient.
        rows: numbers of rows, (n, TAPS) int32.
        weights: (n, TAPS).

    Returns:
        The sums, (n, c).
    """
    result = _LookUp.apply(table, rows, weights)
    assert isinstance(result, Tensor)
    return result


class _LookUp(torch.autograd.Function):
    """torch's own gradient of ``embedding_bag`` sorts the rows first, which takes ten times as long."""

    @staticmethod
    def forward(ctx: Any, table: Tensor, rows: Tensor, weights: Tensor) -> Tensor:
        ctx.save_for_backward(table, rows, weights)
        return F.embedding_bag(rows, table, per_sample_weights=weights, mode="sum")

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, None, Tensor | None]:
        (gradient,) = gradients
        table, rows, weights = ctx.saved_tensors
        of_table = of_weights = None
        if ctx.needs_input_grad[0]:
            of_table = _scatter(len(table), rows, weights, gradient)
            of_table[-1] = 0
        if ctx.needs_input_grad[2]:
            of_weights = torch.bmm(table.index_select(0, rows.reshape(-1)).view(*rows.shape, -1), gradient[..., None])[
                ..., 0
            ]
        return of_table, None, of_weights


def evaluate_layers(
    table: Tensor, levels: int, inputs: Tensor, rows: Tensor, weights: Tensor, layers: Sequence[Tensor]
) -> Tensor:
    """Puts inputs and features from a table through dense layers with SiLU between them.

    It computes what :func:`look_up` and torch's layers compute, and the gradients of the table and the layers, in a
    third fewer operations.

    Args:
        table: (r, c). Its last row has no gradient.
        levels: the number of features of a point is levels c.
        inputs: the first columns of the first layer's input, (n, k), without gradient.
        rows, weights: see :func:`look_up`, (levels n, TAPS), level after level.
        layers: the weight and the bias of each layer in turn.

    Returns:
        The last layer's output, (n, outputs).
    """
    result = _Layers.apply(table, levels, inputs, rows, weights, *layers)
    assert isinstance(result, Tensor)
    return result


class _Layers(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, table: Tensor, levels: int, inputs: Tensor, rows: Tensor, weights: Tensor, *layers: Tensor
    ) -> Tensor:
        features = F.embedding_bag(rows, table, per_sample_weights=weights, mode="sum").view(levels, len(inputs), -1)
        h = torch.cat((inputs, features.transpose(0, 1).flatten(1)), 1)
        hs, sums = [h], list[Tensor]()
        for weight, bias in zip(layers[:-2:2], layers[1:-2:2], strict=True):
            sums.append(torch.addmm(bias, h, weight.T))
            h = F.silu(sums[-1])
            hs.append(h)
        ctx.table_size, ctx.levels = table.shape, levels
        ctx.save_for_backward(rows, weights, *layers[::2], *hs, *sums)
        return torch.addmm(layers[-1], h, layers[-2].T)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        (g,) = gradients
        rows, weights, *saved = ctx.saved_tensors
        depth = (len(saved) + 1) // 3
        matrices, hs, sums = saved[:depth], saved[depth : 2 * depth], saved[2 * depth :]
        of_layers: list[Tensor] = []
        for i in reversed(range(depth)):
            of_layers += [g.sum(0), g.T @ hs[i]]
            if i:
                g = torch.ops.aten.silu_backward(g @ matrices[i], sums[i - 1])
        count, channels = ctx.table_size
        features = g @ matrices[0][:, hs[0].shape[1] - ctx.levels * channels :]
        by_level = features.view(len(g), ctx.levels, channels).transpose(0, 1).reshape(-1, channels)
        of_table = _scatter(count, rows, weights, by_level)
        of_table[-1] = 0
        return of_table, None, None, None, None, *reversed(of_layers)


def _scatter(count: int, rows: Tensor, weights: Tensor, gradient: Tensor) -> Tensor:
    """Adds weights[i, k] gradient[i] to row rows[i, k] of zeros (count, c)."""
    if gradient.device.type == "cpu" and gradient.dtype == weights.dtype:
        matrix = _matrix(count, len(rows), threading.get_ident())
        matrix.data, matrix.indices = weights.detach().reshape(-1).numpy(), rows.reshape(-1).numpy()
        return torch.from_numpy(matrix @ gradient.contiguous().numpy())
    terms = (weights[..., None] * gradient[:, None]).reshape(-1, gradient.shape[1])
    return gradient.new_zeros(count, gradient.shape[1]).index_add_(0, rows.reshape(-1), terms)


@lru_cache(maxsize=8)
def _matrix(rows: int, columns: int, thread: int) -> Any:
    """Makes a sparse matrix with TAPS entries in each column, to be filled. Making it costs more than a product."""
    import numpy as np
    from scipy.sparse import csc_array

    entries = np.zeros(TAPS * columns, np.float32), np.zeros(TAPS * columns, np.int32)
    return csc_array((*entries, np.arange(0, TAPS * columns + 1, TAPS, dtype=np.int32)), shape=(rows, columns))
