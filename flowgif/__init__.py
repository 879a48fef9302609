"""A picture goes in, a GIF comes out in which a Gaussian cloud flows into that picture.

>>> import flowgif
>>> loaded = flowgif.load("runs/cat")  # doctest: +SKIP
>>> loaded.flow.log_prob(loaded.target.sample(1000, generator)).mean()  # doctest: +SKIP
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flowgif.session import load, train

__all__ = ["__version__", "load", "train"]

__version__ = version("flowgif")


def __getattr__(name: str) -> Any:
    # Importing flowgif, as `flowgif --help` does, must not import torch.
    if name in ("load", "train"):
        return getattr(import_module("flowgif.session"), name)
    raise AttributeError(f"module 'flowgif' has no attribute '{name}'")
