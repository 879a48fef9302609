"""A small picture with a block of ink, in every mode that Pillow has, which tests of pictures and ink share."""

from __future__ import annotations

import numpy as np
from PIL import Image

# One of 255 levels, and the rounding to it.
LEVEL = 1.5 / 255
WIDTH, HEIGHT = 12, 8


def blot(mode="L", paper=255, ink=0):
    """A picture of 12 x 8 with a block of ink in the upper left: columns 2 to 4, rows 1 to 3."""
    image = Image.new(mode, (WIDTH, HEIGHT), paper)
    image.paste(ink, (2, 1, 5, 4))
    return image


def expected():
    """The ink of :func:`blot`."""
    ink = np.zeros((HEIGHT, WIDTH))
    ink[1:4, 2:5] = 1
    return ink


def rgba(paper, drawn):
    return blot("RGB", paper, drawn).convert("RGBA")


def stored(folder, image, name="picture.png", **options):
    path = folder / name
    image.save(path, **options)
    return path
