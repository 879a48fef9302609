"""Finds the fonts of texts and of SVG files. The system's fonts are never used, so a picture is the same everywhere."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from flowgif.errors import UnusableInput

__all__ = ["SVG_FAMILY", "SVG_FONTS", "TEXT_FONT", "bundled_font"]

TEXT_FONT = "DejaVuSans-Bold.ttf"  # has bold strokes, and letters of most European languages
SVG_FAMILY = "DejaVu Sans"
SVG_FONTS = ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf", "DejaVuSans-Oblique.ttf", "DejaVuSans-BoldOblique.ttf")


def bundled_font(name: str) -> Path:
    """Returns the path of a font that matplotlib brings, without importing matplotlib.

    Raises:
        UnusableInput: this installation has no such font.
    """
    package = find_spec("matplotlib")
    folders = (package and package.submodule_search_locations) or []
    for folder in folders:
        path = Path(folder) / "mpl-data" / "fonts" / "ttf" / name
        if path.is_file():
            return path
    raise UnusableInput(f"the font {name} of matplotlib is missing; install flowgif anew (pip install flowgif)")
