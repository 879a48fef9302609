"""Arrows of the velocity."""

from __future__ import annotations

import numpy as np
import pytest
from known_flows import BLOBS, SIZE, TIMES, Shift, frames_of
from PIL import Image, ImageDraw

from flowgif.drawing.colours import make_look
from flowgif.drawing.placing import place_runs
from flowgif.drawing.styles.table import STYLES
from flowgif.drawing.trajectories import Trajectories
from flowgif.targets.image import ImageTarget
from flowgif.targets.reading.picture import Picture
from flowgif.timeline import Moment


def test_arrows_point_along_the_velocity() -> None:
    """Every arrow of an even motion has the same direction, and over empty ground there is none."""
    given = [(Shift(), BLOBS)]
    style, frames = frames_of("field", given, [Moment(0, 0.0)], make_look())
    strokes = (frames[0] == style.palette.colours[-1]).all(2)
    row, column = np.nonzero(strokes)
    assert len(row) > 100
    view = place_runs(given, SIZE)[0].view
    # Neighbouring pixels of strokes: their main axis.
    near = (np.abs(row[:, None] - row) <= 3) & (np.abs(column[:, None] - column) <= 3)
    i, j = np.nonzero(near)
    spread = np.cov(np.stack((column[j] - column[i], row[j] - row[i])))
    axis = np.linalg.eigh(spread)[1][:, -1]
    assert axis[1] / axis[0] == pytest.approx(-0.5 * view.scale[1] / view.scale[0], abs=0.1)


def test_arrows_turn_where_time_runs_back() -> None:
    given = [(Shift(), BLOBS)]
    style, frames = frames_of("field", given, [Moment(0, 0.5), Moment(0, 0.6), Moment(0, 0.5)], make_look())
    heads = [_head_side((frame == style.palette.colours[-1]).all(2)) for frame in frames]
    assert heads[0] > 0
    assert heads[1] > 0
    assert heads[2] < 0


def _head_side(strokes: np.ndarray) -> float:
    """Whether the heads, where strokes are wide, lie to the right in the arrows' cells of 10 pixels."""
    row, column = np.nonzero(strokes)
    width = np.array([strokes[max(0, r - 2) : r + 3, c].sum() for r, c in zip(row, column, strict=True)])
    return float(np.corrcoef(width, column % 10)[0, 1])


def test_a_tiny_frame_has_at_least_an_arrow() -> None:
    image = Image.new("RGBA", (200, 20), "white")
    ImageDraw.Draw(image).rectangle((10, 5, 190, 15), fill="black")
    frames_of("field", [(Shift(), ImageTarget(Picture(image, image.size)))], TIMES, make_look())
    runs = place_runs([(Shift(), ImageTarget(Picture(image, image.size)))], 24)
    style = STYLES["field"](runs, make_look())
    with Trajectories.record(runs, TIMES, style.base_points(100, 0)) as motion:
        assert len(list(style.frames(motion, TIMES))) == 3
