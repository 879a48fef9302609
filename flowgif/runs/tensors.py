"""Reads and writes the files of named tensors in a run directory."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

from flowgif.errors import UnusableInput
from flowgif.files import write_atomically

__all__ = ["read_tensors", "to_bytes", "write_tensors"]


def to_bytes(tensors: Mapping[str, Tensor]) -> bytes:
    """Returns the bytes of a file of tensors."""
    # Tensors are copied, because two names of one tensor, such as a flow's and its average's buffers, cannot be stored.
    return save({key: value.detach().cpu().clone().contiguous() for key, value in tensors.items()})


def write_tensors(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """Writes a file of tensors, whole or not at all.

    Raises:
        UnusableInput: the file cannot be written.
    """
    write_atomically(path, lambda temporary: temporary.write_bytes(to_bytes(tensors)))


def read_tensors(path: Path, remedy: str = "") -> dict[str, Tensor]:
    """Reads a file of tensors.

    Args:
        path: the file's path.
        remedy: a remedy that is appended to the message about a missing file.

    Raises:
        UnusableInput: the file is missing or broken.
    """
    try:
        return load_file(path)
    except FileNotFoundError:
        raise UnusableInput(f"{path} is missing{remedy}") from None
    except (OSError, SafetensorError) as error:
        raise UnusableInput(f"{path} is broken ({error}); train the run again (--force)") from None
