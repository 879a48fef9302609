"""The colours of a picture's ink."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from flowgif.drawing.picture_colours import picture_colours
from flowgif.targets.inks.ink import ink_of

# A picture's colours are clustered, and a cluster's colour is its members' mean: by trial within a few levels of 255.
NEAR = 6


def _flag() -> Image.Image:
    """Smooth-edged areas of three colours, one of them pale, on white."""
    image = Image.new("RGB", (600, 400), "white")
    pen = ImageDraw.Draw(image)
    pen.ellipse((40, 40, 360, 360), fill=(20, 30, 120))
    pen.rectangle((360, 100, 560, 200), fill=(255, 225, 150))
    pen.rectangle((360, 200, 560, 300), fill=(220, 60, 50))
    return image.resize((150, 100), Image.Resampling.BOX).convert("RGBA")


def _distinct(colours: np.ndarray) -> list[np.ndarray]:
    """Those that are not within NEAR of one before."""
    out: list[np.ndarray] = []
    for colour in colours.astype(int):
        if all(np.abs(colour - other).max() > NEAR for other in out):
            out.append(colour)
    return out


def test_a_pictures_colours_are_those_of_its_ink() -> None:
    image = _flag()
    found = picture_colours(image, ink_of(image).ink, 64)
    for place, colour in (
        ((50, 50), (20, 30, 120)), ((38, 120), (255, 225, 150)), ((62, 120), (220, 60, 50)),
        # On the softened edge, and beyond it: no mixture with the white.
        ((50, 9), (20, 30, 120)), ((2, 45), (20, 30, 120)), ((38, 141), (255, 225, 150)),
    ):  # fmt: skip
        assert np.abs(found.colours[found.labels[place]].astype(int) - colour).max() <= NEAR


def test_a_pictures_colours_are_limited() -> None:
    rng = np.random.default_rng(0)
    pixels = np.full((80, 80, 4), 255, np.uint8)
    pixels[10:70, 10:70, :3] = rng.integers(0, 200, (60, 60, 3))
    image = Image.fromarray(pixels)
    for most in (1, 5, 64, 200):
        found = picture_colours(image, ink_of(image).ink, most)
        assert 1 <= len(found.colours) <= min(most, 64)
        assert found.labels.max() < len(found.colours)
        assert found.labels.min() >= 0


def test_one_colour_is_one_colour() -> None:
    image = Image.new("RGBA", (60, 60), "white")
    ImageDraw.Draw(image).ellipse((10, 10, 50, 50), fill=(200, 10, 90))
    found = picture_colours(image, ink_of(image).ink, 64)
    assert [tuple(colour) for colour in _distinct(found.colours)] == [(200, 10, 90)]
