"""Finds the background of a picture from its border: one colour, a gradient, light that falls off, or a few colours."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from flowgif.targets.inks.masks import Mask, eroded
from flowgif.targets.inks.perceived import Colours, Points, perceived

__all__ = ["Background", "Mask", "distances", "find_background", "ring_of"]

RING = 0.02  # width of the border that is looked at, share of the shorter side
ALIKE = 0.1  # colours nearer than this are one colour, in perceived units
# A gradient is taken if it fits the border better than one colour does by more than noise would.
GRADIENT = 0.006
HIGHEST_DEGREE = 4
LEAST_SHARE_OF_GRADIENT = 0.75  # of the border; a gradient through letters that touch it explains less
COLOURS = 6  # most colours of a border
LEAST_SHARE = 0.1  # of the border, for one of several colours


@dataclass(frozen=True, eq=False)
class Background:
    """What lies behind the marks of a picture.

    Attributes:
        colours: the colours, (k, 3) sRGB. All but one are None for a gradient.
        gradient: coefficients of a polynomial of the place for each channel, (degree + 1, degree + 1, 3), or None.
        share: the share of the border that is explained.
    """

    colours: Colours
    share: float
    gradient: Points | None = None

    def evened(self, colours: Colours) -> Colours:
        """Returns colours as they would be if the background had its one colour everywhere, (rows, columns, 3).

        Per channel, the local background goes to the common one; 0 and 255 stay, and the rest follows in proportion.
        So a black mark stays black in a dark corner, where it differs less from its paper.
        """
        if self.gradient is None:
            return colours
        local = np.clip(_surface(self.gradient, (colours.shape[0], colours.shape[1])), 1, 254)
        common = self.colours[0].astype(np.float32)
        below = colours * (common / local)
        above = 255 - (255 - colours) * ((255 - common) / (255 - local))
        return np.clip(np.rint(np.where(colours < local, below, above)), 0, 255).astype(np.uint8)


def ring_of(region: Mask) -> Mask:
    """Returns the pixels of a region that are near its outline or the picture's edge."""
    return region & ~eroded(region, max(1, round(RING * min(region.shape))), corners=True)


def find_background(colours: Colours, region: Mask) -> Background:
    """Finds the background of a region.

    Args:
        colours: sRGB, (rows, columns, 3); a small copy of a picture is enough.
        region: the pixels that belong to the picture, (rows, columns).
    """
    ring = ring_of(region)
    clusters = _clusters(colours[ring])
    plain, share = clusters[0]
    one = Background(plain[None], share)
    gradient = _find_gradient(colours, region, ring, one)
    best = one if gradient is None else gradient
    if best.share < 0.85 and len(clusters) > 1:
        several = np.stack([colour for colour, _ in clusters])
        together = Background(several, sum(share for _, share in clusters))
        if together.share >= 0.85 and _marks_remain(colours, region, ring, together):
            return together
        paper = _paper_behind_letters(colours, clusters)
        if paper is not None and gradient is None:
            return Background(paper[None], share)
    return best


def distances(colours: Colours, background: Background) -> Points:
    """Returns how far each pixel looks from a background, (rows, columns), in perceived units."""
    points = perceived(background.evened(colours))
    places = perceived(background.colours)
    return np.min([np.linalg.norm(points - place, axis=-1) for place in places], axis=0)


def _clusters(colours: Colours) -> list[tuple[Colours, float]]:
    """Returns the colours of a border, each with its share, the largest share first."""
    points, left = perceived(colours), np.ones(len(colours), dtype=np.bool_)
    found: list[tuple[Colours, float]] = []
    while left.any() and len(found) < COLOURS:
        cells = np.floor(points[left] / (ALIKE / 2)).astype(np.int64)
        _, index, counts = np.unique(cells, axis=0, return_inverse=True, return_counts=True)
        middle = np.median(points[left][index.reshape(-1) == counts.argmax()], axis=0)
        for _ in range(2):
            near = left & (np.linalg.norm(points - middle, axis=1) < ALIKE)
            if near.any():
                middle = np.median(points[near], axis=0)
        near = left & (np.linalg.norm(points - middle, axis=1) < ALIKE)
        if not near.any():
            break
        share = float(near.sum()) / len(colours)
        if found and share < LEAST_SHARE:
            break
        found.append((np.rint(np.median(colours[near], axis=0)).astype(np.uint8), share))
        left &= ~near
    return sorted(found, key=lambda row: -row[1])


def _powers(side: int, degree: int) -> Points:
    return np.polynomial.chebyshev.chebvander(np.linspace(-1, 1, side), degree).astype(np.float64)


def _surface(gradient: Points, shape: tuple[int, int]) -> npt.NDArray[np.float32]:
    degree = gradient.shape[0] - 1
    rows, columns = _powers(shape[0], degree), _powers(shape[1], degree)
    return np.einsum("ri,ijk,cj->rck", rows, gradient, columns, optimize=True).astype(np.float32)


def _fit(colours: Colours, taken: Mask, degree: int, rounds: int = 1) -> Points:
    """Fits a polynomial to the colours of the taken pixels; more rounds make outliers count less."""
    rows, columns = np.nonzero(taken)
    height, width = taken.shape
    powers = [(i, j) for i in range(degree + 1) for j in range(degree + 1 - i)]
    down, right = _powers(height, degree), _powers(width, degree)
    matrix = np.stack([down[rows, i] * right[columns, j] for i, j in powers], 1)
    values = colours[taken].astype(np.float64)
    weights = np.ones(len(values))
    solution = np.zeros((len(powers), 3))
    for _ in range(rounds):
        scaled = matrix * weights[:, None]
        solution = np.linalg.solve(scaled.T @ matrix + 1e-6 * np.eye(len(powers)), scaled.T @ values)
        weights = 1 / (1 + np.linalg.norm(values - matrix @ solution, axis=1))
    gradient = np.zeros((degree + 1, degree + 1, 3))
    for row, (i, j) in zip(solution, powers, strict=True):
        gradient[i, j] = row
    return gradient


def _find_gradient(colours: Colours, region: Mask, ring: Mask, plain: Background) -> Background | None:
    """Returns a smooth background that explains the border better than one colour does, or None."""
    best: Background | None = None
    error = _error(colours, ring, plain)
    if plain.share > 0.97 and error < GRADIENT:
        return None
    for degree in (1, 2):
        # First the border alone; then all that fits, so that the middle of the picture has a say.
        gradient = _fit(colours, ring, degree, rounds=12)
        for limit in range(degree, HIGHEST_DEGREE + 1):
            fitting = region & (_away(colours, gradient) < ALIKE / 2)
            if fitting.sum() < 30:
                break
            gradient = _fit(colours, fitting, limit)
        fitting = region & (_away(colours, gradient) < ALIKE / 2)
        if fitting.sum() < 30:
            continue
        share = float((_away(colours, gradient)[ring] < ALIKE).mean())
        common = np.rint(np.median(colours[fitting], axis=0)).astype(np.uint8)
        found = Background(common[None], share, gradient)
        if share < LEAST_SHARE_OF_GRADIENT:
            continue
        if share > (plain if best is None else best).share + 0.05 or (
            best is None and share > plain.share - 0.02 and _error(colours, ring, found) < 0.6 * error - GRADIENT
        ):
            best = found
    return best


def _away(colours: Colours, gradient: Points) -> Points:
    local = np.clip(np.rint(_surface(gradient, (colours.shape[0], colours.shape[1]))), 0, 255).astype(np.uint8)
    return np.linalg.norm(perceived(colours) - perceived(local), axis=-1)


def _error(colours: Colours, ring: Mask, background: Background) -> float:
    """The mean distance of the border's pixels that a background explains."""
    away = distances(colours, background)[ring]
    near = away[away < ALIKE]
    return float(near.mean()) if near.size else 1.0


def _marks_remain(colours: Colours, region: Mask, ring: Mask, background: Background) -> bool:
    """Whether solid marks that the border does not cut remain if all the border's colours are background."""
    marks = eroded(region & (distances(colours, background) > 2 * ALIKE), corners=True)
    return bool(marks.sum() > 0.01 * region.sum() and not (marks & ring).any())


def _paper_behind_letters(colours: Colours, clusters: list[tuple[Colours, float]]) -> Colours | None:
    """Returns white paper of which black letters that touch the sides leave bays at the border; else None.

    Black bars around white bays, such as those of an E, and white bars on black are the same picture. The bays must be
    as wide as a letter's, and more than one, for the white to be the paper.
    """
    (first, _), (second, _) = clusters[:2]
    dark, light = (perceived(colour[None])[0] for colour in (first, second))
    if dark[0] > 0.25 or light[0] < 0.85:
        return None
    edge = np.concatenate([colours[0], colours[1:, -1], colours[-1, -2::-1], colours[-2:0:-1, 0]])
    is_light = np.linalg.norm(perceived(edge) - light, axis=1) < 2 * ALIKE
    begins = int((is_light & ~np.roll(is_light, 1)).sum())
    if begins < 2 or is_light.sum() / begins < 0.12 * min(colours.shape[:2]):
        return None
    return second
