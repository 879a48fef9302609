"""How faithful a frame is; for tests and benchmarks."""

from __future__ import annotations

import itertools
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image, ImageFilter

from flowgif.api import Loaded
from flowgif.drawing.colours import make_look
from flowgif.drawing.placing import place_runs
from flowgif.drawing.styles.density import DensityStyle
from flowgif.drawing.trajectories import Trajectories
from flowgif.targets.image import ImageTarget
from flowgif.timeline import Moment

GAUSS = (-(12**-0.5), 12**-0.5)


class Compared(NamedTuple):
    """A density frame beside the exact density.

    Attributes:
        variation: total variation between the mass of each pixel and the exact mass on it, by Gauss's rule with two
            points along each side.
        beside_middles: the same beside the exact density at the pixel's middle, times a pixel's area. Where lines are
            as thin as a pixel that is not the mass on it, so even exact masses are some way off.
        mass: in the frame.
        exact_mass: there.
    """

    variation: float
    beside_middles: float
    mass: float
    exact_mass: float


def compare_density(loaded: Loaded, time: float, every: int, size: int = 480) -> Compared:
    """With exp(log_prob), which solves back to the base, in every so-many-th pixel along both sides."""
    runs = place_runs([(loaded.flow, loaded.target)], size)
    view, style = runs[0].view, DensityStyle(runs, make_look())
    moment = Moment(0, time)
    with Trajectories.record(runs, [moment], style.base_points(None, 0), style.refinements(None)) as motion:
        mass = style.mass(motion, moment)
    rows, columns = (np.arange(every // 2, side, every) for side in style.shape)
    grid = np.stack(np.meshgrid(columns, rows), -1).reshape(-1, 1, 2)
    places = grid + np.array([(0.0, 0.0), *itertools.product(GAUSS, GAUSS)])
    with torch.no_grad():
        x = view.from_frame(places.reshape(-1, 2), time)
        there = loaded.flow.relaxed(1e-5).log_prob(x, time).double().exp().numpy()
    there = there.reshape(len(rows), len(columns), -1) / (view.scale[0] * view.scale[1])
    middles, exact, seen = there[..., 0], there[..., 1:].mean(2), mass[np.ix_(rows, columns)]
    variation, beside_middles = (0.5 * float(np.abs(seen - each).sum()) * every**2 for each in (exact, middles))
    return Compared(variation, beside_middles, float(mass.sum()), float(exact.sum()) * every**2)


def _blurred(picture: np.ndarray) -> np.ndarray:
    """By 1 % of the longer side."""
    image = Image.fromarray(np.uint8(np.clip(picture, 0, 255)))
    return np.asarray(image.filter(ImageFilter.GaussianBlur(max(picture.shape) / 100)), dtype=float)


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.corrcoef(_blurred(a).ravel(), _blurred(b).ravel())[0, 1])


def placed_ink(target: ImageTarget, shape: tuple[int, int]) -> np.ndarray:
    """The picture's ink in a frame of that shape, with the documented margin of 8 % of the longer side, by hand."""
    ink = Image.fromarray((target.ink * 255).astype(np.uint8))
    inner = max(shape) / 1.16
    width, height = (round(inner * side / max(ink.size)) for side in ink.size)
    canvas = Image.new("L", (shape[1], shape[0]))
    canvas.paste(ink.resize((width, height)), (round((shape[1] - width) / 2), round((shape[0] - height) / 2)))
    return np.asarray(canvas, dtype=float)
