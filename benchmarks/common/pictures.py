"""The pictures of the benchmark: those of ``imgs/``, and others that no setting of flowgif was chosen on."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from math import cos, pi, sin
from pathlib import Path

from PIL import Image, ImageDraw

from common.measure import ROOT

__all__ = ["HELD_OUT", "IMGS", "PICTURES", "find_picture", "resized"]

IMGS = ("cat", "balloon", "gears", "wordmark", "banner", "bicycle")
SUPERSAMPLING = 4  # everything is drawn so much larger and then reduced, so that edges are smooth
Point = tuple[float, float]


class Drawing:
    """Black ink on white paper of 400x400 pixels."""

    def __init__(self, side: int = 400) -> None:
        self.image = Image.new("L", (side * SUPERSAMPLING, side * SUPERSAMPLING), 255)
        self._draw = ImageDraw.Draw(self.image)

    def polygon(self, points: list[Point], fill: int = 0) -> None:
        self._draw.polygon([_up(point) for point in points], fill=fill)

    def line(self, points: list[Point], width: float) -> None:
        self._draw.line([_up(point) for point in points], fill=0, width=round(width * SUPERSAMPLING), joint="curve")

    def disc(self, centre: Point, radius: float, fill: int = 0) -> None:
        self._draw.circle(_up(centre), radius * SUPERSAMPLING, fill=fill)

    def ring(self, centre: Point, radius: float, width: float) -> None:
        self._draw.circle(_up(centre), radius * SUPERSAMPLING, outline=0, width=round(width * SUPERSAMPLING))

    def reduced(self) -> Image.Image:
        side = self.image.width // SUPERSAMPLING
        return self.image.resize((side, side), Image.Resampling.LANCZOS)


def _up(point: Point) -> Point:
    return point[0] * SUPERSAMPLING, point[1] * SUPERSAMPLING


def _around(centre: Point, radii: list[float], turn: float = -pi / 2) -> list[Point]:
    """Returns points around a centre, evenly spaced in angle, at these distances."""
    n = len(radii)
    return [
        (centre[0] + radius * cos(turn + 2 * pi * i / n), centre[1] + radius * sin(turn + 2 * pi * i / n))
        for i, radius in enumerate(radii)
    ]


def _curve(*points: Point, steps: int = 60) -> list[Point]:
    """Returns points on a Bezier curve with these control points (de Casteljau's algorithm)."""
    curve: list[Point] = []
    for i in range(steps + 1):
        s, left = i / steps, list(points)
        while len(left) > 1:
            left = [((1 - s) * a[0] + s * b[0], (1 - s) * a[1] + s * b[1]) for a, b in itertools.pairwise(left)]
        curve.append(left[0])
    return curve


def _star() -> Image.Image:
    """A star of seven points with a round hole."""
    drawing = Drawing()
    drawing.polygon(_around((200, 205), [170, 95] * 7))
    drawing.disc((200, 205), 48, fill=255)
    return drawing.reduced()


def _bird() -> Image.Image:
    """A silhouette of a flying bird with two spread wings."""
    drawing = Drawing()
    drawing.polygon(
        [
            *_curve((30, 120), (110, 90), (160, 130), (185, 190)),
            *_curve((185, 190), (205, 160), (210, 60), (330, 40)),
            *_curve((330, 40), (290, 100), (270, 150), (255, 205)),
            *_curve((255, 205), (300, 215), (330, 225), (375, 262)),
            *_curve((375, 262), (300, 280), (230, 290), (165, 262)),
            *_curve((165, 262), (120, 300), (80, 330), (40, 345)),
            *_curve((40, 345), (70, 300), (90, 270), (125, 235)),
            *_curve((125, 235), (110, 190), (80, 150), (30, 120)),
        ]
    )
    return drawing.reduced()


def _rings() -> Image.Image:
    """Three thin rings that cross each other."""
    drawing = Drawing()
    for centre in ((150, 160), (250, 160), (200, 245)):
        drawing.ring(centre, 95, 4)
    return drawing.reduced()


def _hatched() -> Image.Image:
    """A disc and a triangle in hatched lines of two pixels."""
    drawing = Drawing()
    for i in range(-20, 60):
        drawing.line([(i * 10, 0), (i * 10 + 160, 400)], 2)
    mask = Drawing()
    mask.disc((150, 160), 120)
    mask.polygon([(210, 370), (380, 370), (300, 190)])
    drawing.image.paste(255, mask=mask.image)
    return drawing.reduced()


def _branch() -> Image.Image:
    """A line drawing: a branch with leaves in lines of three pixels."""
    drawing = Drawing()
    stem = _curve((40, 370), (120, 260), (220, 220), (360, 40))
    drawing.line(stem, 3)
    for i in range(6, 46, 7):
        x, y = stem[i]
        for side in (-1, 1):
            tip = (x + 55 * side + 20, y + 42 * side - 45)
            for bend in (-28, 28):
                drawing.line(_curve((x, y), (x + 30 * side, y - bend), tip), 3)
    return drawing.reduced()


HELD_OUT: dict[str, Callable[[], Image.Image]] = {
    "star": _star,
    "bird": _bird,
    "rings": _rings,
    "hatched": _hatched,
    "branch": _branch,
}
PICTURES = (*IMGS, *HELD_OUT)


def find_picture(name: str) -> Path:
    """Returns the path of a picture; a held-out one is drawn into the current folder first."""
    if name in IMGS:
        return ROOT / "imgs" / f"{name}.png"
    path = Path(f"{name}.png").absolute()
    if not path.exists():
        fresh = path.with_suffix(f".{os.getpid()}.png")
        HELD_OUT[name]().save(fresh)
        fresh.replace(path)
    return path


def resized(name: str, side: int) -> Path:
    """Returns the path of a copy of a picture with a longer side of this many pixels, in the current folder."""
    path = Path(f"{name}-{side}.png").absolute()
    if not path.exists():
        with Image.open(find_picture(name)) as image:
            factor = side / max(image.size)
            image.resize((round(image.width * factor), round(image.height * factor))).save(path)
    return path
