"""Rows of frames."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from films import decode
from known_flows import MOONS, Shift, ShiftInLayers

from flowgif.animation.animate import animate
from flowgif.animation.config import AnimationConfig
from flowgif.animation.stills import draw_stills
from flowgif.errors import UnusableInput
from flowgif.timeline import Pace

RUN = (Shift(), MOONS)
SIZE = 64


def _row(path: Path, count: int) -> list[np.ndarray]:
    """The frames of a row, without the gaps of two pixels between them."""
    ((row,), _, _) = decode(path)
    assert row.shape[1] == count * SIZE + 2 * (count - 1)
    return [row[:, (SIZE + 2) * i : (SIZE + 2) * i + SIZE] for i in range(count)]


@pytest.mark.parametrize("style", ["points", "density", "trails", "field"])
def test_the_order_of_a_row_does_not_change_its_frames(tmp_path: Path, style: str) -> None:
    """Arrows of the velocity show forward in time, and tails lie behind, also where a later time stands first."""
    config = AnimationConfig(style=style, size=SIZE, points=200)
    rising, falling = [0.0, 0.5, 0.9], [0.9, 0.5, 0.0]
    for name, times in (("rising.png", rising), ("falling.png", falling)):
        done = draw_stills([RUN], tmp_path / name, times, config)
        assert [(file.path, file.frames) for file in done.files] == [(tmp_path / name, 3)]
        assert (done.frames, done.seconds) == (3, 0.0)
        assert done.files[0].bytes == (tmp_path / name).stat().st_size
    for one, other in zip(_row(tmp_path / "rising.png", 3), _row(tmp_path / "falling.png", 3)[::-1], strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_row_has_the_frames_of_the_animation_with_its_captions(tmp_path: Path) -> None:
    config = AnimationConfig(size=SIZE, points=200, caption=True, pace=Pace(5))
    run = (ShiftInLayers(), RUN[1])
    draw_stills([run], tmp_path / "row.png", [0, 0.25, 0.5, 0.75, 1], config)
    animate([run], [tmp_path / "a.gif"], config)
    for still, frame in zip(_row(tmp_path / "row.png", 5), decode(tmp_path / "a.gif")[0], strict=True):
        np.testing.assert_array_equal(still, frame)


@pytest.mark.parametrize(
    ("runs", "out", "times", "config", "message"),
    [
        ([RUN, RUN], "a.png", [0.5], AnimationConfig(), "--stills shows one run; give one"),
        ([RUN], "a.gif", [0.5], AnimationConfig(), "--stills .*its suffix is not .png"),
        ([RUN], "a.png", [], AnimationConfig(), "--times are numbers from 0"),
        ([RUN], "a.png", [1.5], AnimationConfig(), "--times are numbers from 0"),
        ([RUN], "a.png", [0.5], AnimationConfig(preset="slack"), "leave --preset and --max-size out"),
        ([RUN], "a.png", [0.5], AnimationConfig(max_bytes=9), "leave --preset and --max-size out"),
    ],
)
def test_what_a_row_cannot_show_is_refused(
    tmp_path: Path, runs: list, out: str, times: list[float], config: AnimationConfig, message: str
) -> None:
    with pytest.raises(UnusableInput, match=message):
        draw_stills(runs, tmp_path / out, times, config)
    assert list(tmp_path.iterdir()) == []
