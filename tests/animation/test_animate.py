"""One drawing, written in every format that is asked for, from Python."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from films import decode, decode_video
from known_flows import MOONS, Shift, ShiftInLayers

from flowgif.animation.animate import animate
from flowgif.animation.config import AnimationConfig
from flowgif.drawing.styles.table import STYLES
from flowgif.errors import CheckFailed, UnusableInput
from flowgif.flows.base import Flow
from flowgif.targets.mixture import GaussianMixture
from flowgif.timeline import Pace

SHIFT: Sequence[tuple[Flow, GaussianMixture]] = [(Shift(), MOONS)]
LAYERS: Sequence[tuple[Flow, GaussianMixture]] = [(ShiftInLayers(), MOONS)]


class Told:
    """Remembers what it is told."""

    def __init__(self) -> None:
        self.tasks: list[str] = []
        self.shares: list[float] = []
        self.fields: list[str] = []

    def begin(self, task: str) -> None:
        self.tasks.append(task)

    def advance(self, share: float, *fields: str) -> None:
        self.shares.append(share)
        self.fields += fields


def small(**values: Any) -> AnimationConfig:
    return AnimationConfig(**{"size": 64, "points": 100, "pace": Pace(4), **values})


def page(path: Path) -> dict[str, Any]:
    (found,) = re.findall(r'<script type="application/json">(.*?)</script>', path.read_text("utf-8"), re.S)
    return json.loads(found)


def test_outputs_come_back_in_the_order_in_which_they_were_asked_for(tmp_path: Path) -> None:
    outs = [tmp_path / name for name in ("b.html", "b.gif", "a.html", "frames", "a.webp")]
    done = animate(SHIFT, outs, small(), poster=tmp_path / "poster.png")
    assert [file.path for file in done.files] == [*outs, tmp_path / "poster.png"]
    assert [file.frames for file in done.files] == [4, 4, 4, 4, 4, 1]
    assert all(file.bytes == file.path.stat().st_size for file in done.files if file.path.is_file())
    np.testing.assert_array_equal(decode(outs[1])[0][-1], decode(tmp_path / "poster.png")[0][0])
    assert done.frames == 4
    assert done.seconds == pytest.approx(0.12 + 1.2)


@pytest.mark.parametrize(
    ("style", "outs", "solves", "films"),
    [
        ("points", ["a.gif", "a.html", "b.html"], 1, 1),
        ("trails", ["a.html"], 1, 0),
        ("density", ["a.html"], 1, 0),
        ("density", ["a.gif", "b.gif"], 1, 1),
        ("density", ["a.gif", "a.html"], 2, 1),
    ],
)
def test_nothing_is_integrated_or_drawn_twice(
    tmp_path: Path, style: str, outs: list[str], solves: int, films: int
) -> None:
    told = Told()
    animate(SHIFT, [tmp_path / out for out in outs], small(style=style), reporter=told)
    assert sum(task.startswith("integrating") for task in told.tasks) == solves
    assert told.tasks.count("drawing frames") == films
    assert told.shares == ([0.25, 0.5, 0.75, 1.0] if films else [])
    assert told.fields == ([f"frame {i} of 4" for i in (1, 2, 3, 4)] if films else [])


def test_everything_is_checked_before_the_work(tmp_path: Path) -> None:
    told = Told()
    for outs, config in (
        (["a.gif", "b.html", "c.tiff"], small()),
        (["a.gif", "none/b.gif"], small()),
        (["a.mp4", "b.gif"], small(pace=Pace(4, fps=60))),
        (["a.gif", "b.html"], small(size=None, preset="slack")),
        (["a.gif", "b.mp4"], small(size=None, preset="discord")),
    ):
        with pytest.raises(UnusableInput):
            animate(SHIFT, [tmp_path / out for out in outs], config, reporter=told)
    with pytest.raises(UnusableInput, match="--poster"):
        animate(SHIFT, [tmp_path / "a.gif"], small(), poster=tmp_path / "poster.gif", reporter=told)
    assert told.tasks == []
    assert list(tmp_path.iterdir()) == []


def test_sixty_frames_a_second_are_for_formats_that_play_them(tmp_path: Path) -> None:
    config = small(pace=Pace(30, fps=60, hold=(0, 0.5)))
    with pytest.raises(UnusableInput, match=r"--fps 60 is out of range; a GIF plays 0.1 to 50 frames a second"):
        animate(SHIFT, [tmp_path / "a.mp4", tmp_path / "a.gif"], config)
    outs = [tmp_path / name for name in ("a.mp4", "a.html", "a.apng")]
    done = animate(SHIFT, outs, config)
    assert done.seconds == pytest.approx(29 / 60 + 0.5)
    frames, about = decode_video(outs[0])
    assert about["fps"] == 60
    assert len(frames) == 29 + 30
    assert sum(page(outs[1])["delays"]) == pytest.approx(100 * done.seconds)


def test_what_a_pace_leaves_open_is_decided_by_the_flow(tmp_path: Path) -> None:
    """A layered flow shows every layer's end at an even speed; a continuous one begins and ends smoothly."""

    def captions(runs: Sequence[tuple[Flow, GaussianMixture]], pace: Pace) -> list[str]:
        animate(runs, [tmp_path / "a.html"], small(pace=pace, caption=True))
        return page(tmp_path / "a.html")["captions"]

    assert captions(SHIFT, Pace(5)) == ["t = 0.00", "t = 0.16", "t = 0.50", "t = 0.84", "t = 1.00"]
    assert captions(SHIFT, Pace(5, easing="linear"))[1] == "t = 0.25"
    assert captions(LAYERS, Pace(5)) == [f"layer {i}" for i in range(5)]
    assert len(captions(SHIFT, Pace())) == 60
    assert captions(LAYERS, Pace())[::15] == [f"layer {i}" for i in range(5)]
    assert len(captions(LAYERS, Pace(frames_per_layer=2))) == 9
    # In a morph the flow with layers decides.
    assert len(captions([*SHIFT, *LAYERS], Pace())) == 2 * 60 + 1


def test_a_file_that_is_too_large_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(CheckFailed, match="more than 99 bytes"):
        animate(SHIFT, [tmp_path / "a.gif"], small(max_bytes=99))
    assert list(tmp_path.iterdir()) == []


def test_remarks_say_what_was_given_up_for_which_file(tmp_path: Path) -> None:
    outs = [tmp_path / "a.gif", tmp_path / "a.webp"]
    whole = animate(SHIFT, outs, small(pace=Pace(12), points=400))
    most = whole.files[0].bytes * 2 // 3
    done = animate(SHIFT, outs, small(pace=Pace(12), points=400, max_bytes=most))
    assert all(file.bytes <= most for file in done.files)
    given_up = [file for file in done.files if file.given_up]
    assert given_up
    assert done.remarks == tuple(f"{file.path}: {file.given_up}" for file in given_up)


@pytest.mark.parametrize("style", STYLES)
def test_a_preset_draws_at_its_size_instead_of_shrinking(tmp_path: Path, style: str) -> None:
    """So its frames are those of that size, but for the square that it needs."""
    if style == "panels":
        return  # they are too small for a Slack emoji
    for name, config in (
        ("preset.gif", AnimationConfig(style=style, preset="slack", points=100, pace=Pace(3))),
        ("size.gif", AnimationConfig(style=style, size=128, points=100, pace=Pace(3))),
    ):
        animate(SHIFT, [tmp_path / name], config)
    preset, sized = (decode(tmp_path / name)[0] for name in ("preset.gif", "size.gif"))
    height, width, _ = sized[0].shape
    top, left = (128 - height) // 2, (128 - width) // 2
    for square, frame in zip(preset, sized, strict=True):
        assert square.shape == (128, 128, 4)
        np.testing.assert_array_equal(square[top : top + height, left : left + width], frame)


@pytest.mark.parametrize("style", ["points", "density", "panels"])
def test_a_page_shows_the_whole_frame_of_the_particles(tmp_path: Path, style: str) -> None:
    """A page of panels shows particles in the picture's frame, not in that of the panels, which is less high."""
    config = small(style=style, size=200)
    animate(SHIFT, [tmp_path / "a.html"], config)
    found = page(tmp_path / "a.html")
    animate(SHIFT, [tmp_path / "a.gif"], small(size=200))
    height, width, _ = decode(tmp_path / "a.gif")[0][0].shape
    assert (found["width"], found["height"]) == (width, height)


@pytest.mark.parametrize("pace", [Pace(2, bounce=True), Pace(3, easing="out")])
def test_few_frames_have_tails_and_move_on_pages(tmp_path: Path, pace: Pace) -> None:
    """However large the steps are, only from the picture to the cloud there is a cut."""
    outs = [tmp_path / "a.gif", tmp_path / "a.html"]
    animate(SHIFT, outs, small(style="trails", pace=pace))
    moves = page(outs[1])["moves"]
    assert moves == ([True, True] if pace.bounce else [True, True, False])
    if not pace.bounce:  # of two frames, one is the picture, which has no tails, and the other the first
        middle = decode(outs[0])[0][1]
        animate(SHIFT, [tmp_path / "points.gif"], small(pace=pace))
        points = decode(tmp_path / "points.gif")[0][1]
        assert (middle[..., :3].mean(2) < 250).sum() > 1.3 * (points[..., :3].mean(2) < 250).sum()
