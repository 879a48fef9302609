"""Finds cards: the part of a picture that lies within a transparent margin, a frame, or a plain surround."""

from __future__ import annotations

from typing import cast

import numpy as np

from flowgif.targets.inks.masks import Mask, eroded, spanned
from flowgif.targets.inks.perceived import Colours, Points, difference_from, perceived

__all__ = ["find_card", "inner_card", "without_frame"]

OPAQUE = 0.95
CONVEX = 0.92  # least share of its convex hull that a card fills
LARGE = 0.6  # least share of a region that a card in it fills
WIDEST_FRAME = 0.03  # share of the shorter side
FRAMES = 3  # most frames one inside the other
ALIKE = 0.1  # perceived distance below which colours are one colour


def find_card(colours: Colours, alpha: Points) -> Mask | None:
    """Returns the opaque pixels of a picture if they are a card, that is an area and no figure; else None.

    An app icon, a badge and a window are convex. A sticker follows its figure, but has a white edge.
    """
    opaque = alpha > OPAQUE
    if opaque.mean() < 0.05:
        return None
    inner = eroded(opaque, 2)  # the outermost pixels are mixed with what lies behind
    if not inner.any():
        return None
    if _fills_its_hull(opaque):
        return inner
    edge = inner & ~eroded(inner, max(1, min(alpha.shape) // 100))
    away, _ = difference_from(perceived(np.full((1, 3), 255, dtype=np.uint8)), colours)
    return inner if (away[edge] < ALIKE).mean() > 0.9 else None


def inner_card(marks: Mask, region: Mask) -> Mask | None:
    """Returns the card that fills most of a region, or None.

    Args:
        marks: what differs from the region's border.
        region: where to look.
    """
    if spanned(marks).sum() < LARGE * region.sum():
        return None
    from scipy.ndimage import binary_fill_holes, label

    filled = cast(Mask, binary_fill_holes(marks))
    if filled.sum() < LARGE * region.sum():
        return None
    parts = cast(tuple[np.ndarray, int], label(filled))[0]
    largest = parts == 1 + int(np.argmax(np.bincount(parts[parts > 0])[1:]))
    if largest.sum() < LARGE * region.sum() or not _fills_its_hull(largest):
        return None
    inner = eroded(largest, 2)
    # An O is no card with a hole of paper in it: a card is mostly of another colour than what surrounds it.
    return inner if inner.any() and marks[inner].mean() > 0.6 else None


def without_frame(colours: Colours) -> tuple[Mask, bool]:
    """Returns the pixels that lie within thin frames along the picture's edge, and whether there is a frame."""
    region = np.ones(colours.shape[:2], dtype=np.bool_)
    outer = 0
    for _ in range(FRAMES):
        width = _frame_width(colours[outer : colours.shape[0] - outer, outer : colours.shape[1] - outer])
        if width == 0:
            break
        outer += width
    if outer:
        region[:] = False
        region[outer:-outer, outer:-outer] = True
    return region, outer > 0


def _frame_width(colours: Colours) -> int:
    """The width of a frame along the edge, pixels; 0 if there is none."""
    deepest = max(3, round(WIDEST_FRAME * min(colours.shape[:2])))
    if min(colours.shape[:2]) < 4 * deepest:
        return 0
    edge = _loop(colours, 0)
    frame = np.median(edge, axis=0)
    for depth in range(deepest + 1):
        share = float((np.linalg.norm(_loop(colours, depth) - frame, axis=1) < ALIKE).mean())
        if share > 0.95:
            continue
        return depth if depth and share < 0.1 else 0
    return 0


def _loop(colours: Colours, depth: int) -> Points:
    """The perceived colours of the pixels at a depth from the edge, (n, 3)."""
    inner = colours[depth : colours.shape[0] - depth, depth : colours.shape[1] - depth]
    return perceived(np.concatenate([inner[0], inner[-1], inner[1:-1, 0], inner[1:-1, -1]]))


def _fills_its_hull(area: Mask) -> bool:
    """Whether an area fills nearly all of its convex hull."""
    rows, columns = np.flatnonzero(area.any(1)), np.flatnonzero(area.any(0))
    if not len(rows) or area.sum() < CONVEX / 2 * (np.ptp(rows) + 1) * (np.ptp(columns) + 1):
        return False  # a convex area fills at least half of its box
    from scipy.spatial import ConvexHull, QhullError

    left, right = area[rows].argmax(1), area.shape[1] - area[rows, ::-1].argmax(1)
    corners = [np.stack([side, row], 1) for side in (left, right) for row in (rows, rows + 1)]
    try:
        hull = ConvexHull(np.concatenate(corners).astype(np.float64))
    except QhullError:
        return False
    return float(area.sum()) > CONVEX * float(hull.volume)
