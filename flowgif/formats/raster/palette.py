"""Merges the colours of a palette, and finds the nearest colour in one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from flowgif.colour.oklab import from_oklab, oklab
from flowgif.colour.opacity import OPAQUE, over, take_from

__all__ = ["blended", "merge_colours", "nearest_colours"]

Colours = npt.NDArray[np.uint8]
Points = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]

REFINEMENTS = 20
ENTRIES = 1 << 22  # largest number of entries in a table of distances, which bounds its memory


@dataclass(frozen=True, eq=False)
class _Clustered:
    """Colours that are to be merged into fewer.

    Attributes:
        points: the colours in Oklab, (n, 3); with opacity as they look over the background, and it beside it, (n, 4).
        weights: weight of each colour, (n,), at least 0.
        fixed: whether a colour keeps its value, (n,); others may join it.
    """

    points: Points
    weights: npt.NDArray[np.float64]
    fixed: npt.NDArray[np.bool_]

    def centre(self, name: int, cluster: Indices) -> Points:
        """Returns the middle of a cluster, (3,) or (4,): its fixed colour, or else the weighted mean.

        Args:
            name: the index of the colour after which the cluster is named.
            cluster: (n,), the name of each colour's cluster.
        """
        if self.fixed[name]:
            return self.points[name]
        members = cluster == name
        weights = self.weights[members]
        return np.average(self.points[members], axis=0, weights=weights if weights.any() else None)


def blended(colours: Colours) -> npt.NDArray[np.floating]:
    """Returns values whose averages over pixels are those of the averaged pixels, 0 to 255.

    These are the colours themselves, (n, 3), or if they are see-through, (n, 4), how they look over the background,
    which is the first, and their opacity.
    """
    if colours.shape[1] == 3:
        return colours.astype(np.float64)
    return np.column_stack((over(colours, colours[0, :3]), colours[:, 3].astype(np.float64)))


def merge_colours(colours: Colours, counts: npt.NDArray[np.int64], levels: int) -> tuple[Colours, Colours]:
    """Merges colours until ``levels`` of them are left, beginning with colours that look alike and are seldom used.

    The first colour (the background) and the last keep their values, and the others their order between them.

    Args:
        colours: (n, 3), sRGB; or (n, 4), with opacity.
        counts: number of pixels of each colour, (n,).
        levels: requested number of colours; at least two are left if there are two.

    Returns:
        The merged colours, (m, 3) or (m, 4), and for each of the n colours the index of its merged colour, (n,).
    """
    n = len(colours)
    fixed = np.zeros(n, bool)
    fixed[[0, -1]] = True
    # With the counts themselves as weights, only the background would matter; without weights, colours that nobody sees
    # would matter too much. Square roots of the counts are a compromise.
    clustered = _Clustered(_points(colours), np.sqrt(counts.astype(np.float64)), fixed)
    cluster = _refine(clustered, _merge(clustered, max(levels, int(fixed.sum()))))

    names = np.unique(cluster)
    # Clusters are sorted by the mean index of their colours, so that a ramp remains a ramp.
    mean_index = [float(c) if fixed[c] else float(np.flatnonzero(cluster == c).mean()) for c in names]
    names = names[np.argsort(mean_index, kind="stable")]
    # A fixed colour keeps its bytes, which a conversion to Oklab and back might change.
    merged = [colours[c] if fixed[c] else _colour(clustered.centre(c, cluster), colours[0]) for c in names]
    index = np.zeros(n, np.uint8)
    index[names] = np.arange(len(names))
    return np.array(merged, np.uint8), index[cluster]


def _points(colours: Colours) -> Points:
    """Returns colours in Oklab; opacity counts as much as lightness, which goes from 0 to 1 too."""
    looks = blended(colours)
    return np.column_stack((oklab(looks[:, :3]), looks[:, 3:] / OPAQUE))


def _colour(point: Points, background: Colours) -> Colours:
    """Returns the colour of one of the points."""
    look = from_oklab(point[:3])
    return look if len(point) == 3 else take_from(look[None], background[:3], point[3:])[0]


def _merge(clustered: _Clustered, levels: int) -> Indices:
    """Repeatedly merges the two clusters whose union adds the least squared error (Ward 1963).

    A cluster is named after one of its colours.

    Returns:
        (n,), the name of each colour's cluster.
    """
    fixed = clustered.fixed
    n = len(clustered.points)
    centre, weight = clustered.points.copy(), clustered.weights.copy()
    cluster, left = np.arange(n), n
    squares = np.square(centre[:, None] - centre).sum(2)
    never = np.eye(n, dtype=bool) | (fixed[:, None] & fixed)
    while left > levels:
        total = weight[:, None] + weight
        # A fixed colour does not move to the mean, so a colour that joins it moves the whole distance.
        free_cost = weight[:, None] * weight / np.where(total > 0, total, 1)
        cost = np.where(fixed[:, None], weight[None, :], np.where(fixed, weight[:, None], free_cost)) * squares
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


def _refine(clustered: _Clustered, cluster: Indices) -> Indices:
    """Alternately moves colours to the nearest cluster and clusters to their middles (Lloyd 1982).

    Fixed colours neither move nor leave their clusters.
    """
    for _ in range(REFINEMENTS):
        names = np.unique(cluster)
        centre = np.array([clustered.centre(name, cluster) for name in names])
        squares = np.square(clustered.points[:, None] - centre).sum(2)
        after = names[squares.argmin(1)]
        after[clustered.fixed] = np.flatnonzero(clustered.fixed)
        # A cluster is named after one of its members.
        for name in np.unique(after):
            members = np.flatnonzero(after == name)
            if name not in members:
                after[members] = members[0]
        if np.array_equal(after, cluster):
            break
        cluster = after
    return cluster


def nearest_colours(pixels: npt.NDArray[np.floating], colours: npt.NDArray[np.number]) -> Colours:
    """Returns the indices of the nearest colours, (n,); of two that are equally near, the first.

    Args:
        pixels: (n, 3) in sRGB, 0 to 255; or (n, 4), with opacity as another such channel.
        colours: (levels, 3) or (levels, 4).
    """
    # With the origin in the middle of the cube, single precision tells the squares of neighbouring colours apart.
    table = colours.astype(np.float32) - 127.5
    half = 0.5 * np.square(table).sum(1)
    nearest = np.empty(len(pixels), np.uint8)
    step = max(1, ENTRIES // len(table))
    for start in range(0, len(pixels), step):
        part = pixels[start : start + step].astype(np.float32) - 127.5
        nearest[start : start + step] = (half - part @ table.T).argmin(1)
    return nearest
