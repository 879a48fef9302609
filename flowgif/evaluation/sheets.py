"""Makes sheets of panels for the pictures of a fit; each panel shows a window of the plane."""

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
    "Window",
    "count_columns",
    "draw_points",
    "encode_png",
    "make_sheet",
]

Array = npt.NDArray[np.float64]

DPI = 110
SHEET_WIDTH = 14.0  # largest width, inches
PANEL_HEIGHT = 3.6  # largest height, inches, unless a figure sets another
LABELS = 0.85  # room for a panel's labels, inches
MARGIN = 0.05  # margin around the points, as a share of their extent
CLOUD = 3.2  # the window of N(0, I) reaches from -CLOUD to CLOUD, standard deviations
FAR = 8.0  # coordinates of points beyond FAR are clipped to it, data units

INK, FAINT, STRONG, OTHER = "#181c3e", "#9aa3b5", "#1c4e94", "#c8502d"


@dataclass(frozen=True)
class Window:
    """The rectangle of the plane that a panel shows.

    Attributes:
        low, high: the lower left and the upper right corner, (x, y).
        aspect: the length of a unit of y as drawn, in units of x; a picture is drawn with its given proportions.
        labels: the labels of the axes.
    """

    low: tuple[float, float]
    high: tuple[float, float]
    aspect: float = 1.0
    labels: tuple[str, str] = ("x, data units", "y, data units")

    @classmethod
    def around(cls, target: GaussianMixture, x: Tensor) -> Window:
        """Returns the window around points x (n, 2) of a target, drawn with the target's aspect."""
        return cls((0.0, 0.0), (0.0, 0.0), target.drawn_aspect).enlarged_for(x.numpy())

    @property
    def ratio(self) -> float:
        """The window's width divided by its height, as drawn."""
        return (self.high[0] - self.low[0]) / ((self.high[1] - self.low[1]) * self.aspect)

    def without_margin(self) -> Array:
        """Returns the corners (2, 2) without the margin."""
        return np.array((self.low, self.high)) / (1 + 2 * MARGIN)

    def enlarged_for(self, points: Array) -> Window:
        """Returns the window enlarged so that it also contains points (..., 2), clipped to [-FAR, FAR]."""
        near = np.nan_to_num(points.reshape(-1, 2)).clip(-FAR, FAR)
        margin = MARGIN * np.ptp(near, axis=0)
        low, high = np.minimum(self.low, near.min(0) - margin), np.maximum(self.high, near.max(0) + margin)
        return Window((float(low[0]), float(low[1])), (float(high[0]), float(high[1])), self.aspect)

    def set_up(self, axes: Axes, title: str) -> Axes:
        """Gives axes this window's limits, labels and aspect."""
        axes.set(xlim=(self.low[0], self.high[0]), ylim=(self.low[1], self.high[1]), aspect=self.aspect)
        axes.set_title(title, fontsize="medium")
        for axis, label in zip((axes.xaxis, axes.yaxis), self.labels, strict=True):
            axis.set_label_text(label, fontsize="small")
            axis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10], integer=True))
            axis.set_tick_params(labelsize="small", colors=INK)
        axes.spines[:].set_color(FAINT)
        return axes


LATENT = Window((-CLOUD, -CLOUD), (CLOUD, CLOUD), labels=("$z_1$, std. deviations", "$z_2$, std. deviations"))


def make_sheet(
    windows: Sequence[Window], titles: Sequence[str], panel_height: float = PANEL_HEIGHT
) -> tuple[Figure, list[Axes]]:
    """Makes a figure of panels, row after row.

    Args:
        windows: the windows of the panels of a row, the same in every row.
        titles: one title per panel; the last row may be shorter than the others.
        panel_height: the largest height of a panel, inches.
    """
    columns, ratios = len(windows), [window.ratio for window in windows]
    rows = math.ceil(len(titles) / columns)
    height = min(panel_height, (SHEET_WIDTH - columns * LABELS) / sum(ratios))
    size = (sum(ratios) * height + columns * LABELS, rows * (height + LABELS))
    figure = Figure(figsize=size, dpi=DPI, layout="compressed")
    cells = figure.add_gridspec(rows, columns, width_ratios=ratios)
    panels = [windows[i % columns].set_up(figure.add_subplot(cells[i]), title) for i, title in enumerate(titles)]
    return figure, panels


def count_columns(window: Window, panels: int) -> int:
    """Returns the number of panels in each row of a sheet, chosen so that all rows are about equally long."""
    most = max(2, min(8, int(SHEET_WIDTH / (1.3 * window.ratio + LABELS))))
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
