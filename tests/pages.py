"""Particle films for tests of vector formats, and what a browser should draw of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image, ImageFilter

from flowgif.formats.vector.particles import ParticleFilm


def page_of(positions: np.ndarray, radius: float = 2.5, **changes: Any) -> ParticleFilm:
    """A film of 480 pixels that shows the positions one after another and holds the last."""
    shown = len(changes.get("order", positions))
    fields = {"order": tuple(range(shown)), "delays": (5,) * (shown - 1) + (60,), "radii": (radius,) * shown} | changes
    order = fields["order"]
    # Positions are neighbours in time here.
    fields.setdefault("moves", tuple(abs(b - a) == 1 for a, b in zip(order, order[1:] + order[:1], strict=True)))
    fields.setdefault("still", order.index(max(order)) if order else 0)
    return ParticleFilm(width=480, height=480, positions=positions, **fields)


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Of both blurred by 1 % of the side."""
    blurred = [Image.fromarray(np.uint8(255 * x)).filter(ImageFilter.GaussianBlur(len(x) / 100)) for x in (a, b)]
    return float(np.corrcoef(*(np.asarray(x, dtype=float).ravel() for x in blurred))[0, 1])


def drawn_discs(positions: np.ndarray, radius: float, side: int) -> np.ndarray:
    """Ink in a frame of 480 pixels that is drawn with ``side``."""
    scale = side / 480
    row, column = np.mgrid[:side, :side]
    ink = np.zeros((side, side))
    for x, y in (positions + 0.5) * scale:
        reach = int(radius * scale) + 2
        near = np.s_[max(int(y) - reach, 0) : max(int(y) + reach, 0), max(int(x) - reach, 0) : max(int(x) + reach, 0)]
        distance = np.hypot(column[near] + 0.5 - x, row[near] + 0.5 - y)
        ink[near] = np.maximum(ink[near], np.clip(radius * scale + 0.5 - distance, 0, 1))
    return ink
