"""The styles of drawing by their names."""

from __future__ import annotations

from flowgif.animation.density import Density, VelocityField
from flowgif.animation.panels import Panels
from flowgif.animation.particles import Points, Trails
from flowgif.animation.style import Style

__all__ = ["STYLES"]

STYLES: dict[str, type[Style]] = {
    "points": Points,
    "density": Density,
    "trails": Trails,
    "field": VelocityField,
    "panels": Panels,
}
