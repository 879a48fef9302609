"""What all styles have in common."""

from __future__ import annotations

import numpy as np
import pytest
from known_flows import CIRCLES, MOONS, SIZE, TIMES, Shift, frames_of

from flowgif.drawing.colours import make_look
from flowgif.drawing.placing import place_runs
from flowgif.drawing.styles.points import PointsStyle
from flowgif.drawing.styles.table import STYLES
from flowgif.errors import UnusableInput


@pytest.mark.parametrize("name", STYLES)
def test_frames_are_of_one_shape_and_one_palette(name: str) -> None:
    style, frames = frames_of(name, [(Shift(), MOONS)], TIMES, make_look())
    palette = {tuple(colour) for colour in style.palette.colours.tolist()}
    assert len(style.palette.colours) <= 256
    assert len(frames) == len(TIMES)
    for frame in frames:
        assert frame.shape == (*style.shape, 3)
        colours = {tuple(colour) for colour in np.unique(frame.reshape(-1, 3), axis=0).tolist()}
        assert colours <= palette
        assert len(colours) > 2


def _centre(frame: np.ndarray) -> np.ndarray:
    ink = 255.0 - frame.mean(2)
    row, column = np.indices(ink.shape)
    return np.array([(ink * column).sum(), (ink * row).sum()]) / ink.sum()


@pytest.mark.parametrize("name", ["points", "density"])
def test_ink_moves_as_the_flow_does(name: str) -> None:
    """One unit to the right, and half a unit up, as y points up."""
    given = [(Shift(), MOONS)]
    _, frames = frames_of(name, given, TIMES, make_look())
    view = place_runs(given, SIZE)[0].view
    moved = (_centre(frames[1]) - _centre(frames[0])) / (0.4 * np.array(view.scale))
    # Some of the cloud leaves the frame, which holds the centre back.
    assert moved[0] == pytest.approx(1.0, abs=0.2)
    assert moved[1] == pytest.approx(-0.5, abs=0.1)


@pytest.mark.parametrize("name", STYLES)
def test_a_dark_theme_is_light_on_dark(name: str) -> None:
    _, frames = frames_of(name, [(Shift(), MOONS)], TIMES, make_look("dark"))
    for frame in frames:
        assert frame[0, 0].max() < 30
        assert frame.max() > 200


@pytest.mark.parametrize("name", STYLES)
def test_text_stands_out_in_every_style(name: str) -> None:
    for look in (make_look(), make_look("dark"), make_look(cmap="magma"), make_look(fg="yellow", bg="black")):
        style = STYLES[name](place_runs([(Shift(), CIRCLES)], SIZE), look)
        ground, *_, full = style.palette.colours[style.text].astype(int)
        assert np.abs(full - ground).max() > 100
        assert style.text[0] == 0


@pytest.mark.parametrize(("name", "number", "message"), [("panels", 2, "one run"), ("density", 1, "--color source")])
def test_what_a_style_cannot_show_is_told(name: str, number: int, message: str) -> None:
    runs = place_runs([(Shift(), MOONS)] * number, SIZE)
    with pytest.raises(UnusableInput, match=message):
        STYLES[name](runs, make_look(color="source" if number == 1 else None))


@pytest.mark.parametrize("name", STYLES)
def test_every_style_has_particles_for_a_page(name: str) -> None:
    style = STYLES[name](place_runs([(Shift(), MOONS)], SIZE), make_look(fg="navy"))
    points = style.as_points()
    assert (points is style) == style.is_particle_style == isinstance(style, PointsStyle)
    assert (points.runs, points.look) == (style.runs, style.look)
