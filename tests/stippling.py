"""Photographs to stipple, weighted Voronoi stippling as the yardstick, and how well points show a tone."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter
from scipy.spatial import cKDTree
from sklearn.datasets import load_sample_images

from flowgif.targets.inks.perceived import perceived

BLUR = 0.01  # share of the longer side


def sample_photograph(name):
    """A photograph that comes with scikit-learn, ``china.jpg`` or ``flower.jpg``, at half its size; RGBA."""
    samples = load_sample_images()
    index = [path.rsplit("/", 1)[-1] for path in samples.filenames].index(name)
    return Image.fromarray(samples.images[index]).reduce(2).convert("RGBA")


def portrait(size=(300, 360)):
    """A drawn head with shoulders before a backdrop, lit from the left, soft and noisy as a photograph is; RGBA."""
    columns, rows = np.meshgrid(np.linspace(-1, 1, size[0]), np.linspace(-1.2, 1.2, size[1]))

    def ellipsoid(x, y, wide, high):
        """How much of a pixel an ellipsoid fills, and how its surface is lit."""
        u, v = (columns - x) / wide, (rows - y) / high
        inside = 1 / (1 + np.exp(np.clip(40 * (np.hypot(u, v) - 1), -50, 50)))
        depth = np.sqrt(np.clip(1 - u**2 - v**2, 0, 1))
        return inside, np.clip(-0.55 * u - 0.35 * v + 0.75 * depth, 0, 1)

    image = np.array([150, 160, 175]) * (1 - 0.25 * np.hypot(columns - 0.3, rows + 0.2))[..., None]
    parts = [
        ((0, 1.3, 0.85, 0.7), (60, 70, 110)),
        ((0, 0.55, 0.17, 0.4), (205, 150, 120)),
        ((0, -0.2, 0.46, 0.62), (70, 45, 30)),
        ((0, -0.05, 0.4, 0.55), (235, 185, 155)),
        ((-0.15, -0.12, 0.07, 0.035), (60, 40, 40)),
        ((0.15, -0.12, 0.07, 0.035), (60, 40, 40)),
        ((0, 0.05, 0.05, 0.13), (225, 165, 140)),
        ((0, 0.27, 0.13, 0.035), (170, 80, 80)),
    ]
    for place, colour in parts:
        inside, lit = ellipsoid(*place)
        shade = np.array(colour) * (0.35 + 0.75 * lit)[..., None]
        image = image * (1 - inside[..., None]) + shade * inside[..., None]
    noise = np.random.default_rng(0).normal(0, 4, image.shape)
    return Image.fromarray(np.clip(image + noise, 0, 255).astype(np.uint8)).convert("RGBA")


def tone_of(image, is_light):
    """The darkness (or lightness) of a picture, (rows, columns)."""
    level = perceived(np.asarray(image.convert("RGB")))[..., 0]
    return level if is_light else 1 - level


def voronoi_stipples(tone, count, rounds=15, seed=0):
    """Places points by Lloyd's iteration: each moves to the centre of the tone that is nearest to it (Secord 2002).

    Args:
        tone: weights of the pixels, (rows, columns).
        count: the number of points.
        rounds: the number of iterations.
        seed: of the points at the start, drawn from the tone.

    Returns:
        The points, (count, 2): column and row.
    """
    rows, columns = (side.reshape(-1) for side in np.indices(tone.shape))
    pixels, weight = np.stack([columns, rows], 1).astype(float), tone.reshape(-1)
    random = np.random.default_rng(seed)
    points = pixels[random.choice(len(pixels), count, p=weight / weight.sum())] + random.uniform(-0.5, 0.5, (count, 2))
    for _ in range(rounds):
        nearest = cKDTree(points).query(pixels)[1]
        mass = np.bincount(nearest, weight, count)
        centres = np.stack([np.bincount(nearest, weight * pixels[:, axis], count) for axis in (0, 1)], 1)
        points = np.where(mass[:, None] > 0, centres / np.maximum(mass, 1e-12)[:, None], points)
    return points


def likeness(points, tone):
    """The correlation of points with a tone, both blurred by :data:`BLUR`.

    Args:
        points: column and row, (n, 2).
        tone: (rows, columns).
    """
    height, width = tone.shape
    edges = (np.arange(height + 1) - 0.5, np.arange(width + 1) - 0.5)
    counts = np.histogram2d(points[:, 1], points[:, 0], bins=edges)[0]
    blur = BLUR * max(tone.shape)
    blurred = [gaussian_filter(values, blur).reshape(-1) for values in (counts, tone)]
    found = float(np.corrcoef(*blurred)[0, 1])
    assert math.isfinite(found)
    return found
