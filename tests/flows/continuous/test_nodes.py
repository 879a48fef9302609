"""Grids follow from a target: how fine they are, and where their nodes stand."""

from __future__ import annotations

import math

import pytest
import torch
from PIL import Image, ImageDraw

from flowgif.config.models import FFJORDConfig
from flowgif.errors import UnusableInput
from flowgif.flows.continuous import nodes
from flowgif.flows.continuous.grid import GridNetwork
from flowgif.flows.continuous.nodes import (
    FULL,
    LEAST_SPACING,
    MOST_NODES,
    MOST_SPACING,
    Grids,
    fit_grids,
    grids_of,
    place_nodes,
)
from flowgif.targets.image import ImageTarget
from flowgif.targets.reading.picture import Picture
from flowgif.targets.toy import ToyTarget

SIDE, RADIUS = 200, 70
GRID = FFJORDConfig().resolved("flow-matching")


def _picture(line: int | None, width: int = SIDE) -> ImageTarget:
    """A full disc, or the outline of a square with lines of some thickness; a wide one is an ellipse or rectangle."""
    image = Image.new("RGBA", (width, SIDE), "white")
    pen = ImageDraw.Draw(image)
    box = (30, 30, width - 31, SIDE - 31)
    if line is None:
        pen.ellipse(box, fill="black")
    else:
        pen.rectangle(box, outline="black", width=line)
    return ImageTarget(Picture(image, image.size))


def _by_grid(grids: Grids, places: torch.Tensor) -> list[torch.Tensor]:
    """The nodes of each grid, (n, 2) columns and rows."""
    found = []
    for first, (columns, rows) in zip(grids.firsts, grids.sizes, strict=True):
        inside = places[(places >= first) & (places < first + columns * rows)] - first
        found.append(torch.stack((inside % columns, inside // columns), 1))
    return found


def _coordinates(grids: Grids, level: int, found: torch.Tensor) -> torch.Tensor:
    return torch.tensor(grids.box[:2]).double() + found * grids.spacings()[:, level].double()


def test_nodes_stand_along_the_outline_of_a_disc_and_nowhere_else() -> None:
    target = _picture(None)
    config = fit_grids(GRID, target)
    grids = grids_of(config)
    places = place_nodes(grids, target)
    assert len(places) == config.nodes
    assert places.dtype == torch.int32
    assert torch.equal(places, places.unique(sorted=True))
    fine = 0
    for level, found in enumerate(_by_grid(grids, places)):
        columns, rows = grids.sizes[level]
        if min(columns, rows) <= FULL:
            assert len(found) == (columns - 4) * (rows - 4)
            continue
        at = target.in_given_units(_coordinates(grids, level, found))
        spacing = grids.spacings()[:, level].double() * target.scale
        middle = (SIDE - 1) / 2
        from_outline = ((at - middle).norm(dim=1) - RADIUS).abs()
        # A blur of 2.8 spacings changes the density by 2 % up to two of its standard deviations away; and a spline
        # reads the neighbours of such nodes.
        assert from_outline.max() < (2 * 2.8 + 2) * spacing.max()
        # No part of the outline is without nodes.
        angle = torch.linspace(0, 2 * math.pi, 200, dtype=torch.float64)
        outline = middle + RADIUS * torch.stack((angle.cos(), angle.sin()), 1)
        assert torch.cdist(outline, at).min(1).values.max() < spacing.max()
        fine += 1
    assert fine >= 2
    assert len(places) < 0.8 * grids.count


@pytest.mark.parametrize("kind", ["toy", "thin", "wide"])
def test_the_two_outermost_rings_have_no_nodes(kind: str) -> None:
    target = ToyTarget("8gaussians") if kind == "toy" else _picture(3) if kind == "thin" else _picture(12, 320)
    grids = grids_of(fit_grids(GRID, target))
    for (columns, rows), found in zip(grids.sizes, _by_grid(grids, place_nodes(grids, target)), strict=True):
        assert len(found) > 0
        assert found.min() >= 2
        assert found[:, 0].max() <= columns - 3
        assert found[:, 1].max() <= rows - 3


def test_thinner_lines_have_finer_grids_and_more_nodes() -> None:
    counts, spacings = [], []
    for line in (2, 8, 10):
        target = _picture(line)
        config = fit_grids(GRID, target)
        assert config.finest is not None
        assert config.nodes is not None
        counts.append(config.nodes)
        spacings.append(config.finest / float(2 * target.std.prod().sqrt()))  # in pixels
    assert spacings == sorted(spacings)
    assert counts == sorted(counts, reverse=True)
    assert counts[0] > 1.5 * counts[-1]
    # Four digits are kept.
    assert spacings[0] == pytest.approx(LEAST_SPACING, rel=1e-3)
    thick = _picture(30)
    finest = fit_grids(GRID, thick).finest
    assert finest is not None
    assert finest / float(2 * thick.std.prod().sqrt()) == pytest.approx(MOST_SPACING, rel=1e-3)


def test_the_box_holds_the_cloud_and_the_ink() -> None:
    """Nearly all of N(0, I) lies within 4.2 of the origin."""
    for target in (ToyTarget("8gaussians"), _picture(3)):
        assert fit_grids(GRID, target).box == (-4.2, -4.2, 4.2, 4.2)
    image = Image.new("RGBA", (300, 40), "white")
    pen = ImageDraw.Draw(image)
    pen.rectangle((140, 5, 160, 35), fill="black")
    pen.rectangle((285, 18, 290, 22), fill="black")
    target = ImageTarget(Picture(image, image.size))
    box = fit_grids(GRID, target).box
    assert box is not None
    assert box[2] == pytest.approx(float(target.centres[:, 0].max()) + nodes.MARGIN, abs=1e-3)
    assert box[2] > 5
    assert (box[0], box[1], box[3]) == (-4.2, -4.2, 4.2)


def test_what_is_given_stays() -> None:
    given = GRID.model_copy(update={"box": (-5.0, -4.0, 6.0, 7.0), "finest": 0.4})
    config = fit_grids(given, ToyTarget("8gaussians"))
    assert (config.box, config.finest) == (given.box, given.finest)


def test_too_many_nodes_make_the_grids_coarser(monkeypatch: pytest.MonkeyPatch) -> None:
    target = _picture(3)
    free = fit_grids(GRID, target)
    assert free.nodes is not None
    assert free.finest is not None
    for most in (free.nodes, free.nodes - 1, free.nodes // 4):
        monkeypatch.setattr(nodes, "MOST_NODES", most)
        config = fit_grids(GRID, target)
        assert config.nodes is not None
        assert config.finest is not None
        assert config.nodes <= most
        assert (config.finest > free.finest) == (most < free.nodes)
        assert config.nodes == len(place_nodes(grids_of(config), target))


def test_too_many_places_make_a_spacing_coarser_that_is_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    target = _picture(3)
    free = fit_grids(GRID, target)
    assert free.finest is not None
    places = math.prod(grids_of(free).sizes[-1])
    monkeypatch.setattr(nodes, "MOST_PLACES", places // 4)
    monkeypatch.setattr(nodes, "MOST_CHOSEN", places // 8)
    config = fit_grids(GRID, target)
    assert config.finest == pytest.approx(free.finest * 8**0.5, rel=0.05)
    with pytest.raises(UnusableInput, match="is too fine"):
        fit_grids(GRID.model_copy(update={"finest": free.finest}), target)


def test_with_the_most_nodes_a_network_has_at_most_400000_weights() -> None:
    assert GRID.channels == 4
    config = GRID.model_copy(update={"box": (-4.2, -4.2, 4.2, 4.2), "finest": 8.4 / 2000, "nodes": MOST_NODES})
    network = GridNetwork.from_config(config, torch.Generator().manual_seed(0))
    assert sum(p.numel() for p in network.parameters()) <= 400_000


@pytest.mark.parametrize("finest", [(0.1, 0.1), (0.3, 0.05), (5.0, 0.2), (9.0, 9.0)])
def test_grids_fall_by_one_ratio_from_the_coarsest_to_the_finest(finest: tuple[float, float]) -> None:
    box = (-4.0, -5.0, 5.0, 6.0)
    grids = Grids.down_to(box, finest)
    assert grids.sizes[0] == (nodes.COARSEST + 1, nodes.COARSEST + 1)
    for axis, span in ((0, 9.0), (1, 11.0)):
        counts = [size[axis] - 1 for size in grids.sizes]
        last = max(nodes.COARSEST, span / finest[axis])
        ratio = (last / nodes.COARSEST) ** (1 / (len(counts) - 1))
        assert ratio < nodes.RATIO * 1.5
        # Whole numbers of spacings.
        assert all(abs(count - nodes.COARSEST * ratio**k) <= 0.5 for k, count in enumerate(counts))
    assert grids.firsts == tuple(sum(c * r for c, r in grids.sizes[:k]) for k in range(len(grids.sizes)))
    assert grids.count == grids.firsts[-1] + math.prod(grids.sizes[-1])
    assert grids.spacings()[:, 0].tolist() == pytest.approx([9 / 8, 11 / 8])


def test_a_wide_pictures_spacing_is_the_same_in_pixels_along_both_axes() -> None:
    target = _picture(3, 320)
    aspect = round(float(target.scale[0] / target.scale[1]), 4)
    grids = grids_of(fit_grids(GRID.model_copy(update={"aspect": aspect}), target))
    along_x, along_y = (grids.spacings()[:, -1].double() * target.scale).tolist()
    assert along_x == pytest.approx(along_y, rel=0.01)  # whole numbers of spacings
    assert aspect > 1.3
