"""Sheets of panels for the pictures of a fit: planes in which points are drawn, and matplotlib's figures of them."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from torch import Tensor

from flowgif.targets.mixture import GaussianMixture

__all__ = [
    "DPI",
    "FAINT",
    "INK",
    "LATENT",
    "OTHER",
    "STRONG",
    "Plane",
    "count_columns",
    "draw_points",
    "encode_png",
    "make_sheet",
]

Array = npt.NDArray[np.float64]

DPI = 110
SHEET_WIDTH = 14.0  # at most, inches
PANEL_HEIGHT = 3.6  # at most, inches, unless a figure asks for another height
LABELS = 0.85  # the room that a panel's labels take, inches
MARGIN = 0.05  # around the points, as a share of their extent
CLOUD = 3.2  # the plane of N(0, I) reaches that far, standard deviations
FAR = 8.0  # a plane reaches no further than that, whatever its points, data units

INK, FAINT, STRONG, OTHER = "#181c3e", "#9aa3b5", "#1c4e94", "#c8502d"


@dataclass(frozen=True)
class Plane:
    """The part of the plane that a panel shows.

    Attributes:
        low, high: the corners, (x, y).
        aspect: the length of a unit of y as drawn, in units of x; a picture is drawn as it is given.
        labels: of the axes.
    """

    low: tuple[float, float]
    high: tuple[float, float]
    aspect: float = 1.0
    labels: tuple[str, str] = ("x, data units", "y, data units")

    @classmethod
    def around(cls, target: GaussianMixture, x: Tensor) -> Plane:
        """Returns the plane around points x (n, 2) of a target, drawn with the target's aspect."""
        return cls((0.0, 0.0), (0.0, 0.0), target.drawn_aspect).enlarged_for(x.numpy())

    @property
    def ratio(self) -> float:
        """Width by height, as drawn."""
        return (self.high[0] - self.low[0]) / ((self.high[1] - self.low[1]) * self.aspect)

    def without_margin(self) -> Array:
        """Returns the corners (2, 2) around which a margin makes this plane again."""
        return np.array((self.low, self.high)) / (1 + 2 * MARGIN)

    def enlarged_for(self, points: Array) -> Plane:
        """Returns the same plane, large enough for points (..., 2) too, but not for those that are FAR away."""
        near = np.nan_to_num(points.reshape(-1, 2)).clip(-FAR, FAR)
        margin = MARGIN * np.ptp(near, axis=0)
        low, high = np.minimum(self.low, near.min(0) - margin), np.maximum(self.high, near.max(0) + margin)
        return Plane((float(low[0]), float(low[1])), (float(high[0]), float(high[1])), self.aspect)

    def set_up(self, axes: Axes, title: str) -> Axes:
        """Gives axes this plane's limits, labels and aspect."""
        axes.set(xlim=(self.low[0], self.high[0]), ylim=(self.low[1], self.high[1]), aspect=self.aspect)
        axes.set_title(title, fontsize="medium")
        for axis, label in zip((axes.xaxis, axes.yaxis), self.labels, strict=True):
            axis.set_label_text(label, fontsize="small")
            axis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10], integer=True))
            axis.set_tick_params(labelsize="small", colors=INK)
        axes.spines[:].set_color(FAINT)
        return axes


LATENT = Plane((-CLOUD, -CLOUD), (CLOUD, CLOUD), labels=("$z_1$, std. deviations", "$z_2$, std. deviations"))


def make_sheet(
    planes: Sequence[Plane], titles: Sequence[str], panel_height: float = PANEL_HEIGHT
) -> tuple[Figure, list[Axes]]:
    """Makes a figure of panels, row after row.

    Args:
        planes: of the panels of a row, the same in every row.
        titles: one a panel; the last row may be shorter than the others.
        panel_height: at most, inches.
    """
    columns, ratios = len(planes), [plane.ratio for plane in planes]
    rows = math.ceil(len(titles) / columns)
    height = min(panel_height, (SHEET_WIDTH - columns * LABELS) / sum(ratios))
    size = (sum(ratios) * height + columns * LABELS, rows * (height + LABELS))
    figure = Figure(figsize=size, dpi=DPI, layout="compressed")
    places = figure.add_gridspec(rows, columns, width_ratios=ratios)
    panels = [planes[i % columns].set_up(figure.add_subplot(places[i]), title) for i, title in enumerate(titles)]
    return figure, panels


def count_columns(plane: Plane, panels: int) -> int:
    """Returns how many panels of a plane stand in each row of a sheet, so that the rows are about as long."""
    most = max(2, min(8, int(SHEET_WIDTH / (1.3 * plane.ratio + LABELS))))
    return math.ceil(panels / math.ceil(panels / most))


def draw_points(axes: Axes, points: Tensor | Array, colour: str = INK, alpha: float = 0.6) -> None:
    """Draws points (n, 2) as dots."""
    x, y = np.asarray(points).T
    axes.scatter(x, y, s=2.0, c=colour, alpha=alpha, linewidths=0)


def encode_png(figure: Figure) -> bytes:
    """Renders a figure as a PNG; the same figure gives the same bytes."""
    buffer = io.BytesIO()
    FigureCanvasAgg(figure)
    # The name of the software is left out, so that the bytes depend on the picture alone.
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()
