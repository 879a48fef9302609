"""The styles of drawing by their names."""

from __future__ import annotations

from flowgif.drawing.styles.base import Style
from flowgif.drawing.styles.density import Density, VelocityField
from flowgif.drawing.styles.panels import Panels
from flowgif.drawing.styles.points import Points, Trails

__all__ = ["STYLES"]

STYLES: dict[str, type[Style]] = {
    "points": Points,
    "density": Density,
    "trails": Trails,
    "field": VelocityField,
    "panels": Panels,
}
