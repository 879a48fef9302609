"""Palettes, colour maps and themes."""

from __future__ import annotations

import subprocess
import sys

import cmap
import numpy as np
import pytest

from flowgif.colour.oklab import oklab
from flowgif.colour.opacity import over
from flowgif.drawing.colours import CMAPS, THEMES, Palette, is_faint, legible, make_look, shades
from flowgif.errors import UnusableInput


def _lightness(colours: np.ndarray) -> np.ndarray:
    return oklab(colours)[:, 0]


@pytest.mark.parametrize("name", [*CMAPS, "viridis", "magma", "inferno", "plasma", "cividis"])
def test_a_maps_lightness_changes_evenly_from_the_lowest_to_the_highest(name: str) -> None:
    """A perceptual map: no step is hidden, and none stands out as an edge that is not there."""
    colours = Palette.ramp(make_look(cmap=name).cmap, 32).colours
    steps = np.diff(_lightness(colours))
    assert (steps * np.sign(steps.sum()) >= 0).all()
    assert np.abs(steps).max() < 4 * np.abs(steps).mean()


@pytest.mark.parametrize("name", ["turbo", "Crest", "coolwarm", "CET_L4", "cmocean:haline", "RdBu_r", "oslo"])
def test_any_map_of_the_library_works(name: str, caplog: pytest.LogCaptureFixture) -> None:
    """At the levels of a frame it has the library's colours, up to rounding and the space of interpolation."""
    levels = 32
    found = Palette.ramp(make_look(cmap=name).cmap, levels).colours
    assert not caplog.records  # the library warns of names that several authors gave
    exact = np.asarray(cmap.Colormap(name)(np.linspace(0, 1, levels), N=1021))[:, :3] * 255
    assert np.abs(found - exact).max() < 4


def test_a_cyclic_map_shows_on_another_background() -> None:
    look = make_look(cmap="twilight", bg="black")
    assert look.cmap[0] == (0, 0, 0)
    assert look.cmap[-1] == (226, 217, 226)


def test_the_library_of_maps_is_loaded_only_for_its_maps() -> None:
    code = (
        "import sys; from flowgif.drawing.colours import make_look; make_look(cmap='grey'); make_look('dark');"
        "print('cmap' in sys.modules); make_look(cmap='magma'); print('cmap' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True"]


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
        ({"cmap": "Nights"}, "--cmap 'Nights'.*'night'"),
        ({"cmap": "zzzqqq"}, "--cmap 'zzzqqq'; give ink, night or grey, or a map such as viridis, magma or crest$"),
        ({"cmap": "tab10"}, "--cmap tab10: its colours have no order"),
        ({"cmap": "twilight"}, "--cmap twilight ends with nearly the colour .* another --bg"),
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
    assert palette.colours[[0, 3, 6, 9]].tolist() == [[255, 255, 255], [200, 0, 0], [0, 0, 90], [9, 9, 9]]
    for kind in (palette.colours[:4], palette.colours[[0, 4, 5, 6]], palette.colours[[0, 7, 8, 9]]):
        assert (np.diff(_lightness(kind)) < 0).all()


@pytest.mark.parametrize("name", [*CMAPS, "viridis", "magma", "coolwarm", "turbo"])
def test_a_map_without_its_background_looks_the_same_over_it(name: str) -> None:
    palette = Palette.ramp(make_look(cmap=name).cmap, 32)
    assert np.abs(over(palette.see_through, palette.colours[0]) - palette.colours).max() <= 1
    opacity = palette.see_through[:, 3].astype(int)
    assert (np.diff(opacity) >= 0).all()
    assert (opacity[0], opacity[-1]) == (0, 255)


@pytest.mark.parametrize(
    ("ground", "ink"),
    [((255, 255, 255), (24, 28, 62)), ((255, 255, 255), (128, 128, 128)), ((13, 17, 23), (226, 236, 247))],
)
def test_an_ink_has_its_own_colour_at_every_opacity(ground: tuple[int, int, int], ink: tuple[int, int, int]) -> None:
    """A grey ink on white would do as a black one of half the opacity, but nobody would see that on a dark page."""
    palette = shades(ground, np.zeros((0, 3), np.uint8), 5, ink)
    assert palette.see_through[-1].tolist() == [*ink, 255]
    assert np.abs(palette.see_through[1:, :3].astype(int) - ink).max() <= 30


def test_an_ink_of_the_backgrounds_colour_is_opaque_too() -> None:
    white = (255, 255, 255)
    assert Palette.ramp((white, white), 4).see_through.tolist() == [[255, 255, 255, a] for a in (0, 85, 170, 255)]


def test_what_is_drawn_over_a_map_is_seen() -> None:
    navy, white, purple = (24, 28, 62), (255, 255, 255), (68, 1, 84)
    assert legible(navy, white) == navy
    assert legible(navy, purple) == white
    assert legible((250, 250, 240), white) == (0, 0, 0)


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
