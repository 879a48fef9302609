"""Oklab, palettes with fewer colours, and the nearest colour of a palette."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["from_oklab", "merge_colours", "nearest_colours", "oklab"]

Colours = npt.NDArray[np.uint8]
Points = npt.NDArray[np.float64]

REFINEMENTS = 20
ENTRIES = 1 << 22  # of a table of distances, which bounds the memory it takes

# Björn Ottosson's Oklab, in which equal distances look equal: linear sRGB to cone responses, their roots to L, a, b.
_CONES = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_OKLAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)


def merge_colours(
    colours: Colours, counts: npt.NDArray[np.int64], levels: int, transparent: int | None = None
) -> tuple[Colours, Colours]:
    """Merges colours until a number of them is left; neighbours in looks that are seldom used go first.

    The first colour (the background), the last and the see-through one stay as they are, and in their order the others
    stand between them. Colours are merged into a see-through background like into any other, as faint ink is nearly
    background; into another see-through colour none are.

    Args:
        colours: (n, 3), sRGB.
        counts: (n,), pixels of each colour.
        levels: how many are wanted; there are more where more have to stay.
        transparent: the index of the see-through colour.

    Returns:
        The colours that are left, (m, 3), and for each of the n the index of the one it is now, (n,).
    """
    n = len(colours)
    fixed = np.zeros(n, bool)
    fixed[[0, -1]] = True
    alone = np.zeros(n, bool)
    if transparent is not None:
        fixed[transparent] = True
        alone[transparent] = transparent != 0
    levels = max(levels, int(fixed.sum()))
    # By counts alone the background would be all that mattered, by looks alone colours that nobody sees.
    points, weights = oklab(colours), np.sqrt(counts.astype(np.float64))
    cluster = _merge(points, weights, levels, fixed, alone)
    cluster = _refine(points, weights, cluster, fixed, alone)

    names = np.unique(cluster)
    # An average of members' indices keeps a ramp a ramp.
    place = [float(c) if fixed[c] else float(np.flatnonzero(cluster == c).mean()) for c in names]
    names = names[np.argsort(place, kind="stable")]
    means = [colours[c] if fixed[c] else _mean_colour(points, weights, cluster == c) for c in names]
    index = np.zeros(n, np.uint8)
    index[names] = np.arange(len(names))
    return np.array(means, np.uint8), index[cluster]


def _merge(
    points: Points,
    weights: npt.NDArray[np.float64],
    levels: int,
    fixed: npt.NDArray[np.bool_],
    alone: npt.NDArray[np.bool_],
) -> npt.NDArray[np.int64]:
    """Ward's agglomeration: always the two whose union adds the least squared error. (n,), the name of each cluster."""
    n = len(points)
    centre, weight = points.copy(), weights.copy()
    cluster, left = np.arange(n), n
    squares = np.square(points[:, None] - points).sum(2)
    never = np.eye(n, dtype=bool) | (fixed[:, None] & fixed) | alone[:, None] | alone
    while left > levels:
        total = weight[:, None] + weight
        # A fixed colour does not move to the mean, so what joins it bears the whole distance.
        pulled = weight[:, None] * weight / np.where(total > 0, total, 1)
        cost = np.where(fixed[:, None], weight[None, :], np.where(fixed, weight[:, None], pulled)) * squares
        cost[never] = np.inf
        a, b = sorted(divmod(int(cost.argmin()), n))
        if np.isinf(cost[a, b]):
            break
        keep, lost = (b, a) if fixed[b] else (a, b)
        if not fixed[keep] and weight[keep] + weight[lost] > 0:
            centre[keep] = np.average(centre[[keep, lost]], axis=0, weights=weight[[keep, lost]])
        weight[keep] += weight[lost]
        cluster[cluster == lost] = keep
        never[lost] = never[:, lost] = True
        squares[keep] = squares[:, keep] = np.square(centre - centre[keep]).sum(1)
        left -= 1
    return cluster


def _refine(
    points: Points,
    weights: npt.NDArray[np.float64],
    cluster: npt.NDArray[np.int64],
    fixed: npt.NDArray[np.bool_],
    alone: npt.NDArray[np.bool_],
) -> npt.NDArray[np.int64]:
    """Lloyd's iterations from what merging found; fixed colours neither move nor leave."""
    for _ in range(REFINEMENTS):
        names = np.unique(cluster)
        centre = np.array([points[c] if fixed[c] else _mean(points, weights, cluster == c) for c in names])
        squares = np.square(points[:, None] - centre).sum(2)
        squares[:, alone[names]] = np.inf
        after = names[squares.argmin(1)]
        after[fixed] = np.flatnonzero(fixed)
        # A cluster is named after one of its members.
        for name in np.unique(after):
            members = np.flatnonzero(after == name)
            if name not in members:
                after[members] = members[0]
        if np.array_equal(after, cluster):
            break
        cluster = after
    return cluster


def _mean(points: Points, weights: npt.NDArray[np.float64], members: npt.NDArray[np.bool_]) -> Points:
    weight = weights[members]
    return np.average(points[members], axis=0, weights=weight if weight.any() else None)


def _mean_colour(points: Points, weights: npt.NDArray[np.float64], members: npt.NDArray[np.bool_]) -> Colours:
    return from_oklab(_mean(points, weights, members))


def oklab(colours: Colours) -> Points:
    """Lightness, and how red or green and how yellow or blue, (n, 3), of sRGB colours (n, 3)."""
    share = colours / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    return np.cbrt(linear @ _CONES.T) @ _OKLAB.T


def from_oklab(points: Points) -> Colours:
    """The inverse of :func:`oklab`; what the screen cannot show is cut."""
    linear = (points @ np.linalg.inv(_OKLAB).T) ** 3 @ np.linalg.inv(_CONES).T
    linear = np.clip(linear, 0, 1)
    share = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.rint(255 * share).astype(np.uint8)


def nearest_colours(pixels: npt.NDArray[np.floating], colours: Colours) -> Colours:
    """Indices of the nearest colours in sRGB, (n,); of two as near the first.

    Args:
        pixels: (n, 3), 0 to 255.
        colours: (levels, 3).
    """
    # Around the middle of the cube, single precision tells the squares of neighbouring colours apart.
    table = colours.astype(np.float32) - 127.5
    half = 0.5 * np.square(table).sum(1)
    found = np.empty(len(pixels), np.uint8)
    step = max(1, ENTRIES // len(table))
    for start in range(0, len(pixels), step):
        part = pixels[start : start + step].astype(np.float32) - 127.5
        found[start : start + step] = (half - part @ table.T).argmin(1)
    return found
