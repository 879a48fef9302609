"""The written file, decoded."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import run_flowgif
from measures import correlation, placed_ink
from PIL import Image

from flowgif.animation.animate import animate
from flowgif.animation.config import AnimationConfig
from flowgif.api import Loaded
from flowgif.drawing.cloud import spread_cloud
from flowgif.drawing.colours import make_look
from flowgif.drawing.ink import smooth_mass
from flowgif.drawing.placing import place_runs
from flowgif.drawing.styles.table import STYLES
from flowgif.drawing.trajectories import Trajectories
from flowgif.drawing.view import make_view
from flowgif.errors import UnusableInput
from flowgif.targets.image import ImageTarget
from flowgif.targets.reading.picture import Picture
from flowgif.targets.toy import ToyTarget
from flowgif.timeline import Moment, Pace

# Of particles, which leave gaps, after a short training.
LEAST_CORRELATION = 0.9


def _decode(path: Path) -> tuple[list[np.ndarray], list[int]]:
    frames, delays = [], []
    with Image.open(path) as gif:
        for index in range(getattr(gif, "n_frames", 1)):
            gif.seek(index)
            frames.append(np.asarray(gif.convert("RGB")))
            delays.append(gif.info["duration"])
    return frames, delays


def _palette(style: str) -> list[list[int]]:
    view_of_anything = place_runs([(None, ToyTarget("moons"))], 64)  # type: ignore[list-item]
    return STYLES[style](view_of_anything, make_look()).palette.colours.tolist()


def _config(frames: int, **changes: object) -> AnimationConfig:
    return AnimationConfig(pace=Pace(frames, 20, (0, 1)), **changes)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def default_gif(workplace: Path) -> Path:
    done = run_flowgif("animate", cwd=workplace)
    assert done.code == 0, done.err
    assert done.out == "runs/cat/cat.gif\n"
    return workplace / "runs" / "cat" / "cat.gif"


def test_the_default_gif_is_what_is_promised(default_gif: Path) -> None:
    frames, delays = _decode(default_gif)
    assert len(frames) == 60
    assert delays[:-1] == [40] * 59
    assert delays[-1] >= 800
    assert frames[0].shape == (480, 480, 3)
    assert default_gif.stat().st_size < 2_000_000
    with Image.open(default_gif) as gif:
        assert gif.info["loop"] == 0  # for ever


def _local_palettes(gif: bytes) -> list[bool]:
    """Whether each image of a GIF brings a palette of its own (GIF89a specification, sections 17 to 22)."""
    assert gif[:6] == b"GIF89a"
    at = 13 + 3 * 2 ** ((gif[10] & 7) + 1) * (gif[10] >> 7)
    found: list[bool] = []
    while gif[at] != 0x3B:  # the trailer
        if gif[at] == 0x21:  # an extension: its label, then blocks
            at += 2
        else:
            assert gif[at] == 0x2C
            flags = gif[at + 9]
            found.append(bool(flags >> 7))
            at += 10 + 3 * 2 ** ((flags & 7) + 1) * (flags >> 7) + 1
        while gif[at]:  # blocks, each with its length in front
            at += gif[at] + 1
        at += 1
    return found


def test_one_palette_serves_the_whole_file(default_gif: Path) -> None:
    assert _local_palettes(default_gif.read_bytes()) == [False] * 60
    palette = {tuple(colour) for colour in _palette("points")}
    for frame in _decode(default_gif)[0][::10]:
        assert {tuple(colour) for colour in np.unique(frame.reshape(-1, 3), axis=0).tolist()} <= palette


def test_the_last_frame_of_points_is_the_ink(cat: Loaded, tmp_path: Path) -> None:
    out = tmp_path / "out.gif"
    animate([(cat.flow, cat.target)], [out], _config(3, size=240))
    assert isinstance(cat.target, ImageTarget)
    last, ink = 255.0 - _decode(out)[0][-1].mean(2), placed_ink(cat.target, (240, 240))
    right = correlation(last, ink)
    assert right > LEAST_CORRELATION
    # Any mistake of orientation would show: the cat's tail is on one side, its ears are up.
    for wrong in (np.fliplr(ink), np.flipud(ink), ink.T):
        assert correlation(last, wrong) < right - 0.05


def test_the_first_frame_is_the_gaussian(cat: Loaded, tmp_path: Path) -> None:
    out = tmp_path / "out.gif"
    animate([(cat.flow, cat.target)], [out], _config(2, size=240, style="density"))
    view = make_view(cat.target, 240)
    rows, columns = np.mgrid[0:240, 0:240]
    x = (columns - view.origin[0]) / view.scale[0]
    y = -(rows - view.origin[1]) / view.scale[1]
    exact = np.exp(-0.5 * (x**2 + y**2))
    first = 255.0 - np.asarray(Image.fromarray(_decode(out)[0][0]).convert("L"))
    # The scale saturates in the middle, so only the order of grey levels is compared.
    assert np.corrcoef(first.ravel(), np.minimum(exact, 0.6).ravel())[0, 1] > 0.95


def test_density_frames_hold_the_mass_inside_the_view(cat: Loaded) -> None:
    """Against the share of particles inside, at the cloud, halfway, and the picture."""
    view = make_view(cat.target, 200)
    z = spread_cloud(20_000, 0)
    times = torch.tensor([0.0, 0.5, 1.0])
    for points in cat.flow.relaxed(1e-4).trajectory(z, times):
        at = view.to_frame(points)
        inside = ((at > -0.5) & (at < (view.width - 0.5, view.height - 0.5))).all(1).mean()
        mass = smooth_mass((view.height, view.width), [(at, np.full(len(at), 1 / len(at)))], 1.0)
        # Smoothing moves some mass across the edges, as much inwards as outwards.
        assert float(mass.sum()) == pytest.approx(float(inside), abs=2e-3)


def test_frames_are_the_flows_image_of_base_draws(cat: Loaded) -> None:
    """Particles that are drawn far apart, one by one: each sits where the flow takes its base draw."""
    drawn = place_runs([(cat.flow, cat.target)], 480)
    view, style = drawn[0].view, STYLES["points"](drawn, make_look())
    for z in spread_cloud(8, 3):
        moments = [Moment(0, 0.7)]
        with Trajectories.record(drawn, moments, z[None]) as motion:
            (frame,) = style.frames(motion, moments)
        there = view.to_frame(cat.flow.from_base(z[None], 0.7).point)[0]
        if not ((there > 4) & (there < (view.width - 5, view.height - 5))).all():
            continue
        row, column = np.nonzero(frame)
        weight = frame[row, column].astype(float)
        centre = (np.average(column, weights=weight), np.average(row, weights=weight))
        # Half a pixel: six levels of anti-aliasing place a disc no better.
        assert np.hypot(*(np.array(centre) - there)) < 0.5


def test_the_same_seed_gives_the_same_bytes(cat: Loaded, tmp_path: Path) -> None:
    def write(name: str, seed: int) -> bytes:
        animate([(cat.flow, cat.target)], [tmp_path / name], _config(3, size=96, points=500, seed=seed))
        return (tmp_path / name).read_bytes()

    assert write("a.gif", 0) == write("b.gif", 0)
    assert write("a.gif", 0) != write("b.gif", 1)


def test_a_banner_keeps_its_aspect_ratio() -> None:
    image = Image.new("RGBA", (400, 100), "white")
    image.paste("black", (20, 40, 300, 90))
    view = make_view(ImageTarget(Picture(image, (400, 100))), 480)
    # 400 + 2 * 8 % of 400 wide, 100 + the same margin high.
    assert (view.width, view.height) == (480, round(480 * (100 + 64) / (400 + 64)))


def test_an_ellipse_of_the_base_fits_the_banner(cat: Loaded) -> None:
    """Pixels are square: a data unit is as many pixels as the target's own scale says, in both axes alike."""
    view = make_view(cat.target, 480)
    per_pixel = np.array(view.scale) / cat.target.scale.numpy()
    assert per_pixel[0] == pytest.approx(per_pixel[1], rel=1e-9)


def _nowhere(folder: Path) -> Path:
    return folder / "none" / "out.gif"


@pytest.mark.parametrize(
    ("place", "changes", "message"),
    [
        (_nowhere, {}, "no folder"),
        (lambda folder: folder / "out.jpg", {}, "suffix"),
        (lambda folder: folder / "out.gif", {"size": 3}, "--size"),
        (lambda folder: folder / "out.gif", {"points": -1}, "--points"),
        (lambda folder: folder / "out.gif", {"style": "dots"}, "did you mean|known"),
    ],
)
def test_what_cannot_be_done_leaves_no_file(
    cat: Loaded, tmp_path: Path, place: Callable[[Path], Path], changes: dict[str, object], message: str
) -> None:
    with pytest.raises(UnusableInput, match=message):
        animate([(cat.flow, cat.target)], [place(tmp_path)], _config(2, **changes))
    assert list(tmp_path.iterdir()) == []


def test_a_failure_leaves_the_old_file_alone(cat: Loaded, tmp_path: Path) -> None:
    out = tmp_path / "out.gif"
    out.write_bytes(b"precious")

    class Interrupting:
        def begin(self, task: str) -> None:
            pass

        def advance(self, share: float, *fields: str) -> None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        animate([(cat.flow, cat.target)], [out], _config(3, size=64, points=10), reporter=Interrupting())
    assert out.read_bytes() == b"precious"
    assert [path.name for path in tmp_path.iterdir()] == ["out.gif"]
