"""What a flow's maps are given, points of any number and dtype, however far away, and what they return."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, cast

import torch
from torch import Tensor

from flowgif.errors import UnusableInput

if TYPE_CHECKING:
    from flowgif.flows.base import Flow

__all__ = ["Mapped", "dtypes_of", "for_any_points", "is_far"]

Method = TypeVar("Method", bound=Callable[..., Any])

# Data units. Targets have a standard deviation of 1, and the cloud has no point in 10^22 further away. A map that fails
# there says nothing about the flow.
FAR = 10.0
LARGEST = 1e18  # the largest coordinate that is carried; the square of a larger one can overflow in float32


class Mapped(NamedTuple):
    """Points carried by a flow.

    Attributes:
        point: the images of the points, (..., n, 2), data units.
        ladj: log |det d(point) / d(argument)|, (..., n).
    """

    point: Tensor
    ladj: Tensor


def is_far(x: Tensor) -> Tensor:
    """Returns which of the points x (n, 2) are further than FAR from the middle along an axis, (n,)."""
    return (x.abs() > FAR).any(1)


def dtypes_of(flow: Flow, x: Tensor) -> tuple[torch.dtype, torch.dtype]:
    """Returns the dtypes in which a flow computes, and in which it answers about points x."""
    given = x.dtype if x.is_floating_point() else torch.get_default_dtype()
    parameter = next(flow.parameters(), None)
    return given if parameter is None else parameter.dtype, given


def for_any_points(method: Method) -> Method:
    """Decorates a flow's method that carries points, (n, 2), its first argument, so that it takes any points.

    The method itself gets at least one point, and only finite ones in the dtype of the flow's parameters. The results
    have the points' dtype, those of integers torch's default dtype. The results of a point that is not finite, or has a
    coordinate above LARGEST, are nan, and no other point notices it.

    Raises:
        UnusableInput: the points do not have the shape (n, 2).
    """

    @wraps(method)
    def carry(flow: Flow, x: Tensor, *args: Any, **kwargs: Any) -> Any:
        if x.ndim != 2 or x.shape[1] != 2:
            raise UnusableInput(f"points have the shape {tuple(x.shape)}; give them as (n, 2)")
        own, given = dtypes_of(flow, x)
        kept = (x.abs() <= LARGEST).all(1)
        if x.dtype == own and len(x) and bool(kept.all()):
            return method(flow, x, *args, **kwargs)
        any_kept = bool(kept.any())
        results = method(flow, x[kept].to(own) if any_kept else x.new_zeros(1, 2, dtype=own), *args, **kwargs)

        def for_all(result: Tensor, axis: int) -> Tensor:
            """Returns the results of all points from those of the points that were carried."""
            sizes = [*result.shape]
            sizes[axis] = len(x)
            whole = result.new_full(sizes, math.nan, dtype=given)
            if any_kept:
                whole.movedim(axis, 0)[kept] = result.movedim(axis, 0).to(given)
            return whole

        if isinstance(results, Mapped):
            return Mapped(for_all(results.point, -2), for_all(results.ladj, -1))
        return for_all(results, -2)

    return cast(Method, carry)
