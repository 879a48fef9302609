"""Merges the colours of a palette, and finds the nearest colour in one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from flowgif.oklab import from_oklab, oklab

__all__ = ["merge_colours", "nearest_colours"]

Colours = npt.NDArray[np.uint8]
Points = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]

REFINEMENTS = 20
ENTRIES = 1 << 22  # largest number of entries in a table of distances, which bounds its memory


@dataclass(frozen=True, eq=False)
class _Clustered:
    """Colours that are to be merged into fewer.

    Attributes:
        points: the colours in Oklab, (n, 3).
        weights: weight of each colour, (n,), at least 0.
        fixed: whether a colour keeps its value, (n,); others may join it.
        alone: whether no other colour may join a colour, (n,).
    """

    points: Points
    weights: npt.NDArray[np.float64]
    fixed: npt.NDArray[np.bool_]
    alone: npt.NDArray[np.bool_]

    def centre(self, name: int, cluster: Indices) -> Points:
        """Returns the middle of a cluster, (3,): its fixed colour, or else the weighted mean.

        Args:
            name: the index of the colour after which the cluster is named.
            cluster: (n,), the name of each colour's cluster.
        """
        if self.fixed[name]:
            return self.points[name]
        members = cluster == name
        weights = self.weights[members]
        return np.average(self.points[members], axis=0, weights=weights if weights.any() else None)


def merge_colours(
    colours: Colours, counts: npt.NDArray[np.int64], levels: int, transparent: int | None = None
) -> tuple[Colours, Colours]:
    """Merges colours until ``levels`` of them are left, beginning with colours that look alike and are seldom used.

    The first colour (the background), the last and the transparent one keep their values. The others keep their order
    between them. Faint ink is nearly background, so colours may be merged into the background even if it is
    transparent. No colour is merged into another transparent colour.

    Args:
        colours: (n, 3), sRGB.
        counts: number of pixels of each colour, (n,).
        levels: requested number of colours; more are left if more must keep their values.
        transparent: the index of the transparent colour.

    Returns:
        The merged colours, (m, 3), and for each of the n colours the index of its merged colour, (n,).
    """
    n = len(colours)
    fixed, alone = np.zeros(n, bool), np.zeros(n, bool)
    fixed[[0, -1]] = True
    if transparent is not None:
        fixed[transparent] = True
        alone[transparent] = transparent != 0
    # With the counts themselves as weights, only the background would matter; without weights, colours that nobody sees
    # would matter too much. Square roots of the counts are a compromise.
    clustered = _Clustered(oklab(colours), np.sqrt(counts.astype(np.float64)), fixed, alone)
    cluster = _refine(clustered, _merge(clustered, max(levels, int(fixed.sum()))))

    names = np.unique(cluster)
    # Clusters are sorted by the mean index of their colours, so that a ramp remains a ramp.
    mean_index = [float(c) if fixed[c] else float(np.flatnonzero(cluster == c).mean()) for c in names]
    names = names[np.argsort(mean_index, kind="stable")]
    # A fixed colour keeps its bytes, which a conversion to Oklab and back might change.
    merged = [colours[c] if fixed[c] else from_oklab(clustered.centre(c, cluster)) for c in names]
    index = np.zeros(n, np.uint8)
    index[names] = np.arange(len(names))
    return np.array(merged, np.uint8), index[cluster]


def _merge(clustered: _Clustered, levels: int) -> Indices:
    """Repeatedly merges the two clusters whose union adds the least squared error (Ward 1963).

    A cluster is named after one of its colours.

    Returns:
        (n,), the name of each colour's cluster.
    """
    fixed, alone = clustered.fixed, clustered.alone
    n = len(clustered.points)
    centre, weight = clustered.points.copy(), clustered.weights.copy()
    cluster, left = np.arange(n), n
    squares = np.square(centre[:, None] - centre).sum(2)
    never = np.eye(n, dtype=bool) | (fixed[:, None] & fixed) | alone[:, None] | alone
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
        squares[:, clustered.alone[names]] = np.inf
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


def nearest_colours(pixels: npt.NDArray[np.floating], colours: Colours) -> Colours:
    """Returns the indices of the nearest colours in sRGB, (n,); of two that are equally near, the first.

    Args:
        pixels: (n, 3), 0 to 255.
        colours: (levels, 3).
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
