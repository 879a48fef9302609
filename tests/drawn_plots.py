"""The plots of a run: their files, and the figures that the files were made from."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest
from matplotlib.figure import Figure

from flowgif.api import Loaded
from flowgif.evaluation import figures, plots
from flowgif.evaluation.figures import Material

COARSE = 48  # pixels of a density's longer side, which is enough for every test


class DrawnPlots(NamedTuple):
    """What was drawn of a run.

    Attributes:
        loaded: the run.
        material: what the figures were drawn from.
        figures: by the names of the files.
        files: in the order in which they were written.
        shares: that were reported.
    """

    loaded: Loaded
    material: Material
    figures: dict[str, Figure]
    files: list[Path]
    shares: list[float]


def draw_all(loaded: Loaded, folder: Path) -> DrawnPlots:
    """Writes the plots of a run, with a coarse density, and keeps the figures."""
    drawn: list[Figure] = []
    shares: list[float] = []

    def encode(figure: Figure) -> bytes:
        drawn.append(figure)
        return original(figure)

    original = plots.encode_png
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(figures, "LATTICE", COARSE)
        patch.setattr(plots, "encode_png", encode)
        files = plots.write_plots(loaded.run, loaded.flow, loaded.target, folder, shares.append)
    material = plots.gather_material(loaded.run, loaded.flow, loaded.target)
    return DrawnPlots(loaded, material, dict(zip((path.name for path in files), drawn, strict=True)), files, shares)
