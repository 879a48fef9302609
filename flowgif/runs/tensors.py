"""Reads and writes the files of named tensors in a run directory."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from flowgif.errors import NumericalError, UnusableInput
from flowgif.files.reading import read_regular

__all__ = ["all_finite", "read_tensors", "to_bytes"]

OVERHEAD = 1000  # bytes of a file besides the numbers: in all, and for each tensor
BROKEN = (SafetensorError, KeyError, OverflowError, RuntimeError, TypeError, ValueError)


def to_bytes(tensors: Mapping[str, Tensor]) -> bytes:
    """Returns the bytes of a file of tensors."""
    # Tensors are copied, because two names of one tensor, such as a flow's and its average's buffers, cannot be stored.
    return save({key: value.detach().cpu().clone().contiguous() for key, value in tensors.items()})


def all_finite(tensors: Mapping[str, Tensor]) -> bool:
    """Whether all numbers of some tensors are finite."""
    return all(bool(tensor.isfinite().all()) for tensor in tensors.values() if tensor.is_floating_point())


def read_tensors(
    path: Path,
    expected: Mapping[str, Tensor],
    remedy: str = "",
    longest: Mapping[str, int] | None = None,
    unknown: tuple[str, ...] = (),
) -> dict[str, Tensor]:
    """Reads a file of tensors, and checks their names, shapes and types, and that their numbers are finite.

    Args:
        path: the file's path.
        expected: tensors of the same names, shapes and types, on any device.
        remedy: a remedy that is appended to the message about a missing file.
        longest: names of those with one axis whose length may differ, each with the largest number of elements.
        unknown: beginnings of names that may be there besides.

    Raises:
        UnusableInput: the file is missing, broken, or holds other tensors.
        NumericalError: a number is not finite.
    """
    longest = longest or {}
    sizes = (max(tensor.numel(), longest.get(name, 0)) * tensor.element_size() for name, tensor in expected.items())
    # What is unknown is an optimiser's, which keeps a few numbers for each weight.
    most = sum(sizes) * (4 if unknown else 1) + OVERHEAD * (1 + len(expected))
    try:
        tensors = load(read_regular(path, most))
    except FileNotFoundError:
        raise UnusableInput(f"{path} is missing{remedy}") from None
    except BROKEN as error:
        raise UnusableInput(f"{path} is broken ({error}); train the run again (--force)") from None
    for name in {**expected, **tensors}:
        known = name in expected or name.startswith(unknown)
        if name not in tensors or not known or not _fits(tensors[name], expected.get(name), longest.get(name)):
            raise UnusableInput(f"{path} does not fit config.toml ({name}); train the run again (--force)")
    if not all_finite(tensors):
        remedy = "train the run again (--force) with a lower --lr"
        raise NumericalError(f"{path} holds numbers that are not finite; {remedy}")
    return tensors


def _fits(tensor: Tensor, expected: Tensor | None, longest: int | None) -> bool:
    if expected is None:
        return True
    same_shape = tensor.shape == expected.shape if longest is None else tensor.ndim == 1 and len(tensor) <= longest
    return same_shape and tensor.dtype == expected.dtype
