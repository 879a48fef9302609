"""The table of the styles."""

from __future__ import annotations

from flowgif import names
from flowgif.drawing.styles.base import Style
from flowgif.drawing.styles.density import DensityStyle
from flowgif.drawing.styles.field import FieldStyle
from flowgif.drawing.styles.panels import PanelsStyle
from flowgif.drawing.styles.points import PointsStyle
from flowgif.drawing.styles.trails import TrailsStyle
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
