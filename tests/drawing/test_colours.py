"""Palettes, and the colours of pictures."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw

from flowgif.drawing.colours import CMAPS, THEMES, is_faint, legible, make_look, ramp, shades
from flowgif.drawing.picture_colours import picture_colours
from flowgif.errors import UnusableInput
from flowgif.formats.raster.palette import oklab
from flowgif.targets.image import ink_of

# A picture's colours are clustered, and a cluster's colour is its members' mean: by trial within a few levels of 255.
NEAR = 6


def _lightness(colours: np.ndarray) -> np.ndarray:
    return oklab(colours)[:, 0]


@pytest.mark.parametrize("name", CMAPS)
def test_a_maps_lightness_changes_evenly_from_the_lowest_to_the_highest(name: str) -> None:
    """A perceptual map: no step is hidden, and none stands out as an edge that is not there."""
    colours = ramp(make_look(cmap=name).cmap, 32)
    steps = np.diff(_lightness(colours))
    assert (steps * np.sign(steps.sum()) >= 0).all()
    assert np.abs(steps).max() < 4 * np.abs(steps).mean()


@pytest.mark.parametrize("theme", THEMES)
def test_a_themes_density_rises_out_of_its_background(theme: str) -> None:
    look = make_look(theme)
    assert look.cmap[0] == look.background
    contrast = np.abs(np.diff(_lightness(np.array([look.background, look.foreground], np.uint8))))
    assert contrast > 0.6


def test_options_win_over_the_theme() -> None:
    look = make_look("dark", fg="navy", bg="#fff")
    assert (look.foreground, look.background) == ((0, 0, 128), (255, 255, 255))
    assert look.cmap == ((255, 255, 255), (0, 0, 128))
    assert make_look(bg="#102030", cmap="viridis").cmap[0] == (16, 32, 48)
    assert make_look("dark", fg="red", cmap="magma").cmap == make_look(cmap="magma").cmap


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"theme": "drak"}, "--theme 'drak'.*'dark'"),
        ({"cmap": "virids"}, "--cmap 'virids'.*'viridis'"),
        ({"fg": "bleu"}, "--fg bleu"),
        ({"bg": "#12"}, "--bg #12"),
        ({"color": "picture"}, "--color 'picture'.*source"),
    ],
)
def test_what_is_no_colour_is_refused(options: dict[str, str], message: str) -> None:
    with pytest.raises(UnusableInput, match=message):
        make_look(**options)


def test_shades_go_from_the_background_to_each_colour() -> None:
    palette = shades((255, 255, 255), np.array([[200, 0, 0], [0, 0, 90]], np.uint8), 3, (9, 9, 9))
    assert (palette.shades, palette.levels) == (3, 4)
    assert palette.colours[[0, 3, 6, 9]].tolist() == [[255, 255, 255], [200, 0, 0], [0, 0, 90], [9, 9, 9]]
    for kind in (palette.colours[:4], palette.colours[[0, 4, 5, 6]], palette.colours[[0, 7, 8, 9]]):
        assert (np.diff(_lightness(kind)) < 0).all()


def test_what_is_drawn_over_a_map_is_seen() -> None:
    navy, white, purple = (24, 28, 62), (255, 255, 255), (68, 1, 84)
    assert legible(navy, white) == navy
    assert legible(navy, purple) == white
    assert legible((250, 250, 240), white) == (0, 0, 0)


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


@pytest.mark.parametrize(
    ("colours", "ground", "expected"),
    [
        ([(240, 240, 240)], (255, 255, 255), True),
        ([(240, 240, 240)], (13, 17, 23), False),
        ([(240, 240, 240), (230, 40, 40)], (255, 255, 255), False),
        ([(255, 240, 120)], (255, 255, 255), False),  # yellow is seen on white
        ([(20, 22, 30), (13, 17, 40)], (13, 17, 23), True),
    ],
)
def test_colours_are_faint_where_none_stands_out(
    colours: list[tuple[int, int, int]], ground: tuple[int, int, int], expected: bool
) -> None:
    assert is_faint(np.array(colours, dtype=np.uint8), ground) is expected
