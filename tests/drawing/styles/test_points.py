"""Particles: their number, their size and their colours."""

from __future__ import annotations

import numpy as np
import pytest
from known_flows import BLUE, MOONS, RED, SIZE, TIMES, Halves, Shift, frames_of, two_coloured
from PIL import Image, ImageDraw

from flowgif.drawing.colours import make_look
from flowgif.drawing.placing import place_runs
from flowgif.drawing.styles.points import PointsStyle
from flowgif.drawing.styles.table import STYLES
from flowgif.errors import UnusableInput
from flowgif.targets.image import ImageTarget
from flowgif.targets.reading.picture import Picture
from flowgif.timeline import Moment, Pace, make_timeline


def test_each_particle_has_the_colour_of_its_end() -> None:
    """From the first frame on, wherever it is."""
    target = two_coloured(RED, BLUE)
    _, frames = frames_of("points", [(Halves(), target)], TIMES, make_look(color="source"), n=400)
    for frame in frames:
        middle = frame.shape[1] // 2
        assert _share_of(frame[:, : middle - 8], RED) > 0.99
        assert _share_of(frame[:, middle + 8 :], BLUE) > 0.99


def test_colours_that_are_not_seen_are_told() -> None:
    runs = place_runs([(Halves(), two_coloured(RED, BLUE))], SIZE)
    assert not STYLES["points"](runs, make_look(color="source")).remarks
    pale = place_runs([(Halves(), two_coloured((235, 235, 235), (240, 240, 240)))], SIZE)
    (remark,) = STYLES["points"](pale, make_look(color="source")).remarks
    assert "--theme" in remark
    assert not STYLES["points"](pale, make_look("dark", color="source")).remarks


def _share_of(frame: np.ndarray, colour: tuple[int, int, int]) -> float:
    """Of pixels with ink those that are nearer to this colour than to any other full one."""
    inked = frame[(frame < 150).any(2)].astype(int)
    full = np.array([RED, BLUE, (20, 120, 60), (120, 90, 20)])
    nearest = np.abs(inked[:, None] - full).sum(2).argmin(1)
    return float((full[nearest] == colour).all(1).mean())


def test_in_a_morph_colours_are_exchanged_around_the_cloud_bit_by_bit() -> None:
    other = ((20, 120, 60), (120, 90, 20))
    given = [(Halves(), two_coloured(RED, BLUE)), (Halves(), two_coloured(*other))]
    timeline = make_timeline(Pace(frames=21), 2)
    _, frames = frames_of("points", given, timeline.moments, make_look(color="source"), n=600)
    old = np.array([_share_of(frame, RED) + _share_of(frame, BLUE) for frame in frames])
    times = np.array([moment.time if moment.run else -moment.time for moment in timeline.moments])
    assert (old[times <= -0.5] == 1).all()
    assert (old[times >= 0.5] == 0).all()
    assert old[times == 0] == pytest.approx(0.5, abs=0.1)
    steps = np.diff(old)
    assert steps.max() <= 0.03  # it only falls, but for what covers what
    assert steps.min() > -0.15  # and never at once


def test_particles_fit_the_picture() -> None:
    """Thin lines have more and smaller ones than a blot, and a small frame has fewer than a large one."""
    thin, blot = Image.new("RGBA", (400, 400), "white"), Image.new("RGBA", (400, 400), "white")
    ImageDraw.Draw(thin).ellipse((40, 40, 360, 360), outline="black", width=4)
    ImageDraw.Draw(blot).ellipse((40, 40, 360, 360), fill="black")

    def of(image: Image.Image, size: int) -> PointsStyle:
        style = PointsStyle(place_runs([(Shift(), ImageTarget(Picture(image, image.size)))], size), make_look())
        assert style.MIN_PARTICLES / 20 < style.suitable_count <= style.MAX_PARTICLES
        return style

    end = Moment(0, 1.0)
    assert of(thin, 480).suitable_count > of(blot, 480).suitable_count
    assert of(thin, 128).suitable_count < of(thin, 480).suitable_count
    assert of(thin, 480).radius(5000, end) < of(blot, 480).radius(5000, end)
    # All ink of the blot is covered four fifths by discs that do not overlap.
    style = of(blot, 480)
    area = np.pi * style.radius(style.suitable_count, end) ** 2 * style.suitable_count
    assert area == pytest.approx(0.8 * np.pi * (160 * 480 / 400 / 1.16) ** 2, rel=0.05)


def test_a_data_set_has_no_colours() -> None:
    with pytest.raises(UnusableInput, match="data set"):
        STYLES["points"](place_runs([(Shift(), MOONS)], SIZE), make_look(color="source"))
