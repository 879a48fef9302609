"""The styles of drawing by their names."""

from __future__ import annotations

from flowgif.drawing.styles.base import Style
from flowgif.drawing.styles.density import DensityStyle, FieldStyle
from flowgif.drawing.styles.panels import PanelsStyle
from flowgif.drawing.styles.points import PointsStyle, TrailsStyle

__all__ = ["STYLES"]

STYLES: dict[str, type[Style]] = {
    "points": PointsStyle,
    "density": DensityStyle,
    "trails": TrailsStyle,
    "field": FieldStyle,
    "panels": PanelsStyle,
}
