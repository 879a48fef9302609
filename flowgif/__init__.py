"""A picture goes in, a GIF comes out in which a Gaussian cloud flows into that picture.

>>> import flowgif
>>> run = flowgif.train("logo.png")  # doctest: +SKIP
>>> run.animate("logo.gif")  # doctest: +SKIP
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flowgif.api import Loaded, animate, load, resume, train

__all__ = ["Loaded", "__version__", "animate", "load", "resume", "train"]

__version__ = version("flowgif")


def __getattr__(name: str) -> Any:
    # Importing flowgif, as `flowgif --help` does, must not import torch.
    if name in __all__:
        return getattr(import_module("flowgif.api"), name)
    raise AttributeError(f"module 'flowgif' has no attribute '{name}'")
