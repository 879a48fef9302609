"""The table of the styles."""

from __future__ import annotations

from flowgif import names
from flowgif.drawing.styles.base import Style
from flowgif.drawing.styles.density import DensityStyle, FieldStyle
from flowgif.drawing.styles.panels import PanelsStyle
from flowgif.drawing.styles.points import PointsStyle, TrailsStyle
from flowgif.names import Table

__all__ = ["STYLES"]

STYLES: Table[type[Style]] = Table(
    names.STYLES,
    {
        "points": PointsStyle,
        "density": DensityStyle,
        "trails": TrailsStyle,
        "field": FieldStyle,
        "panels": PanelsStyle,
    },
)
