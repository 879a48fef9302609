"""Frames of every style, of flows whose motion is known: what is where, in which colour."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw
from torch import Tensor

from flowgif.drawing.colours import Look, make_look
from flowgif.drawing.placing import place_runs
from flowgif.drawing.styles.base import Style
from flowgif.drawing.styles.density import DensityStyle
from flowgif.drawing.styles.panels import PanelsStyle
from flowgif.drawing.styles.points import PointsStyle
from flowgif.drawing.styles.table import STYLES
from flowgif.drawing.trajectories import Trajectories
from flowgif.errors import UnusableInput
from flowgif.flows.base import Flow, Mapped
from flowgif.targets.image import ImageTarget, Picture
from flowgif.targets.mixture import GaussianMixture
from flowgif.targets.toy import ToyTarget
from flowgif.timeline import Moment, Pace, make_timeline

SIZE = 160
RED, BLUE = (200, 30, 40), (30, 60, 190)


class Shift(Flow):
    """Everything moves by (1, 0.5) data units, at an even speed."""

    def __init__(self) -> None:
        super().__init__()
        self.way = torch.nn.Parameter(torch.tensor([1.0, 0.5]))

    def to_base(self, x: Tensor, time: float = 1.0) -> Mapped:
        return Mapped(x - time * self.way, x.new_zeros(len(x)))

    def path(self, z: Tensor, times: Tensor) -> Mapped:
        return Mapped(z + times.to(z)[:, None, None] * self.way, z.new_zeros(len(times), len(z)))


class Halves(Shift):
    """Each half goes to the middle of its own half of the picture: left and right of x = 0 to (-1, 0) and (1, 0)."""

    def path(self, z: Tensor, times: Tensor) -> Mapped:
        end = torch.stack((z[:, 0].sign(), torch.zeros_like(z[:, 0])), 1) + 0.2 * z
        return Mapped(torch.lerp(z, end, times.to(z)[:, None, None]), z.new_zeros(len(times), len(z)))


def _two_coloured(left: tuple[int, int, int], right: tuple[int, int, int]) -> ImageTarget:
    image = Image.new("RGBA", (100, 60), "white")
    pen = ImageDraw.Draw(image)
    pen.rectangle((10, 10, 49, 49), fill=left)
    pen.rectangle((50, 10, 89, 49), fill=right)
    return ImageTarget(Picture(image, image.size))


MOONS, CIRCLES, BLOBS = (ToyTarget(name) for name in ("moons", "circles", "8gaussians"))


def _frames(
    name: str, cast: Sequence[tuple[Flow, GaussianMixture]], moments: Sequence[Moment], look: Look, n: int | None = None
) -> tuple[Style, list[np.ndarray]]:
    """In sRGB."""
    runs = place_runs(cast, SIZE)
    style = STYLES[name](runs, look)
    with Trajectories.record(runs, moments, style.base_points(n, 0)) as motion:
        return style, [style.palette.colours[frame] for frame in style.frames(motion, moments)]


def _centre(frame: np.ndarray) -> np.ndarray:
    ink = 255.0 - frame.mean(2)
    row, column = np.indices(ink.shape)
    return np.array([(ink * column).sum(), (ink * row).sum()]) / ink.sum()


TIMES = [Moment(0, time) for time in (0.0, 0.4, 1.0)]


@pytest.mark.parametrize("name", STYLES)
def test_frames_are_of_one_shape_and_one_palette(name: str) -> None:
    style, frames = _frames(name, [(Shift(), MOONS)], TIMES, make_look())
    palette = {tuple(colour) for colour in style.palette.colours.tolist()}
    assert len(style.palette.colours) <= 256
    assert len(frames) == len(TIMES)
    for frame in frames:
        assert frame.shape == (*style.shape, 3)
        colours = {tuple(colour) for colour in np.unique(frame.reshape(-1, 3), axis=0).tolist()}
        assert colours <= palette
        assert len(colours) > 2


@pytest.mark.parametrize("name", ["points", "density"])
def test_ink_moves_as_the_flow_does(name: str) -> None:
    """One unit to the right, and half a unit up, as y points up."""
    cast = [(Shift(), MOONS)]
    _, frames = _frames(name, cast, TIMES, make_look())
    view = place_runs(cast, SIZE)[0].view
    moved = (_centre(frames[1]) - _centre(frames[0])) / (0.4 * np.array(view.scale))
    # Some of the cloud leaves the frame, which holds the centre back.
    assert moved[0] == pytest.approx(1.0, abs=0.2)
    assert moved[1] == pytest.approx(-0.5, abs=0.1)


@pytest.mark.parametrize("name", STYLES)
def test_a_dark_theme_is_light_on_dark(name: str) -> None:
    _, frames = _frames(name, [(Shift(), MOONS)], TIMES, make_look("dark"))
    for frame in frames:
        assert frame[0, 0].max() < 30
        assert frame.max() > 200


def test_a_tail_lies_behind_its_particle_and_fades() -> None:
    """A single particle on its way to the right: no ink ahead of it, and less the further behind."""
    cast = [(Shift(), MOONS)]
    moments = [Moment(0, i / 10) for i in range(10)]
    runs = place_runs(cast, SIZE)
    style = STYLES["trails"](runs, make_look())
    with Trajectories.record(runs, moments, torch.tensor([[-1.0, -0.5]])) as motion:
        *_, last = style.frames(motion, moments)
        here, before = motion.at(moments[-1])[0], motion.at(moments[0])[0]
    row, column = np.nonzero(last)
    assert column.max() <= here[0] + 3
    assert column.min() > before[0] + 3  # seven steps long, not nine
    far, near = (last[:, round(here[0]) - distance].astype(int).sum() for distance in (15, 5))
    assert near > far > 0
    assert abs(np.polyfit(column, row, 1)[0] + 0.5 * runs[0].view.scale[1] / runs[0].view.scale[0]) < 0.15


def test_no_tail_is_drawn_from_the_picture_to_the_cloud() -> None:
    """With the picture first the next frame is the cloud again."""
    cast = [(Shift(), MOONS)]
    moments = list(make_timeline(Pace(frames=30, picture_first=True)).moments)
    assert [moment.time for moment in moments[:2]] == [1.0, 0.0]
    _, cut = _frames("trails", cast, moments[:2], make_look())
    _, alone = _frames("trails", cast, moments[1:2], make_look())
    np.testing.assert_array_equal(cut[1], alone[0])


def test_arrows_point_along_the_velocity() -> None:
    """Every arrow of an even motion has the same direction, and over empty ground there is none."""
    cast = [(Shift(), BLOBS)]
    style, frames = _frames("field", cast, [Moment(0, 0.0)], make_look())
    strokes = (frames[0] == style.palette.colours[-1]).all(2)
    row, column = np.nonzero(strokes)
    assert len(row) > 100
    view = place_runs(cast, SIZE)[0].view
    # Neighbouring pixels of strokes: their main axis.
    near = (np.abs(row[:, None] - row) <= 3) & (np.abs(column[:, None] - column) <= 3)
    i, j = np.nonzero(near)
    spread = np.cov(np.stack((column[j] - column[i], row[j] - row[i])))
    axis = np.linalg.eigh(spread)[1][:, -1]
    assert axis[1] / axis[0] == pytest.approx(-0.5 * view.scale[1] / view.scale[0], abs=0.1)


def test_arrows_turn_where_time_runs_back() -> None:
    cast = [(Shift(), BLOBS)]
    style, frames = _frames("field", cast, [Moment(0, 0.5), Moment(0, 0.6), Moment(0, 0.5)], make_look())
    heads = [_head_side((frame == style.palette.colours[-1]).all(2)) for frame in frames]
    assert heads[0] > 0
    assert heads[1] > 0
    assert heads[2] < 0


def _head_side(strokes: np.ndarray) -> float:
    """Whether the heads, where strokes are wide, lie to the right in the arrows' cells of 10 pixels."""
    row, column = np.nonzero(strokes)
    width = np.array([strokes[max(0, r - 2) : r + 3, c].sum() for r, c in zip(row, column, strict=True)])
    return float(np.corrcoef(width, column % 10)[0, 1])


@pytest.mark.parametrize("run", [0, 1])
def test_velocities_in_the_frame_are_those_of_the_particles_in_it(run: int) -> None:
    """In a morph the pictures' scales differ from the cloud's, and that moves particles too."""
    flow = Halves()
    runs = place_runs([(flow, _two_coloured(RED, BLUE)), (flow, BLOBS)], SIZE)
    view, z, time, step = runs[run].view, torch.randn(9, 2, generator=torch.Generator().manual_seed(0)), 0.4, 1e-3
    z = z.double()
    places = [view.to_frame(flow.from_base(z, time + way * step).point, time + way * step) for way in (-1, 1)]
    x, after = (flow.from_base(z, at).point for at in (time, time + step))
    found = view.velocity_in_frame(x, (after - x) / step, time)
    # Both are straight lines here, but for the product of two linear changes.
    np.testing.assert_allclose(found, (places[1] - places[0]) / (2 * step), rtol=1e-3, atol=0.2)


def test_each_particle_has_the_colour_of_its_end() -> None:
    """From the first frame on, wherever it is."""
    target = _two_coloured(RED, BLUE)
    _, frames = _frames("points", [(Halves(), target)], TIMES, make_look(color="source"), n=400)
    for frame in frames:
        middle = frame.shape[1] // 2
        assert _share_of(frame[:, : middle - 8], RED) > 0.99
        assert _share_of(frame[:, middle + 8 :], BLUE) > 0.99


def test_colours_that_are_not_seen_are_told() -> None:
    runs = place_runs([(Halves(), _two_coloured(RED, BLUE))], SIZE)
    assert not STYLES["points"](runs, make_look(color="source")).remarks
    pale = place_runs([(Halves(), _two_coloured((235, 235, 235), (240, 240, 240)))], SIZE)
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
    cast = [(Halves(), _two_coloured(RED, BLUE)), (Halves(), _two_coloured(*other))]
    timeline = make_timeline(Pace(frames=21), 2)
    _, frames = _frames("points", cast, timeline.moments, make_look(color="source"), n=600)
    old = np.array([_share_of(frame, RED) + _share_of(frame, BLUE) for frame in frames])
    times = np.array([moment.time if moment.run else -moment.time for moment in timeline.moments])
    assert (old[times <= -0.5] == 1).all()
    assert (old[times >= 0.5] == 0).all()
    assert old[times == 0] == pytest.approx(0.5, abs=0.1)
    steps = np.diff(old)
    assert steps.max() <= 0.03  # it only falls, but for what covers what
    assert steps.min() > -0.15  # and never at once


def test_in_a_morph_particles_are_in_the_same_places_in_the_cloud() -> None:
    """Pictures of different shapes share one cloud."""
    cast = [(Shift(), _two_coloured(RED, BLUE)), (Halves(), MOONS)]
    runs = place_runs(cast, SIZE)
    moments = [Moment(0, 0.0), Moment(1, 0.0)]
    with Trajectories.record(runs, moments, PointsStyle(runs, make_look()).base_points(100, 0)) as motion:
        np.testing.assert_allclose(motion.at(moments[0]), motion.at(moments[1]), atol=1e-4)


def test_particles_fit_the_picture() -> None:
    """Thin lines have more and smaller ones than a blot, and a small frame has fewer than a large one."""
    thin, blot = Image.new("RGBA", (400, 400), "white"), Image.new("RGBA", (400, 400), "white")
    ImageDraw.Draw(thin).ellipse((40, 40, 360, 360), outline="black", width=4)
    ImageDraw.Draw(blot).ellipse((40, 40, 360, 360), fill="black")

    def of(image: Image.Image, size: int) -> PointsStyle:
        style = PointsStyle(place_runs([(Shift(), ImageTarget(Picture(image, image.size)))], size), make_look())
        assert style.fewest / 20 < style.particles <= style.most
        return style

    end = Moment(0, 1.0)
    assert of(thin, 480).particles > of(blot, 480).particles
    assert of(thin, 128).particles < of(thin, 480).particles
    assert of(thin, 480).radius(5000, end) < of(blot, 480).radius(5000, end)
    # All ink of the blot is covered four fifths by discs that do not overlap.
    style = of(blot, 480)
    area = np.pi * style.radius(style.particles, end) ** 2 * style.particles
    assert area == pytest.approx(0.8 * np.pi * (160 * 480 / 400 / 1.16) ** 2, rel=0.05)


def test_panels_show_the_target_and_what_is_made_of_it() -> None:
    target = CIRCLES
    style, frames = _frames("panels", [(Shift(), target)], TIMES, make_look())
    assert isinstance(style, PanelsStyle)
    width = style.shape[1]
    quarters = [frames[0][:, i * width // 4 : (i + 1) * width // 4] for i in range(4)]
    # The target's panel stands still, the others do not.
    later = [frames[2][:, i * width // 4 : (i + 1) * width // 4] for i in range(4)]
    assert (quarters[0] == later[0]).all()
    for before, after in zip(quarters[1:], later[1:], strict=True):
        assert (before != after).any()


@pytest.mark.parametrize("size", [160, 333, 480, 512])
@pytest.mark.parametrize("shape", [(100, 60), (60, 100), (30, 200), (200, 30)])
def test_panels_are_as_large_as_asked_for(size: int, shape: tuple[int, int]) -> None:
    image = Image.new("RGBA", shape, "white")
    ImageDraw.Draw(image).rectangle((10, 10, shape[0] - 10, shape[1] - 10), fill="black")
    style = PanelsStyle(place_runs([(Shift(), ImageTarget(Picture(image, shape)))], size), make_look())
    assert style.shape[1] == size
    assert style.shape[0] <= size


def test_panels_on_a_maps_own_ground_are_seen() -> None:
    """A map of dark ground on a light theme: names and dots are dark on light, arrows light on dark."""
    style, frames = _frames("panels", [(Shift(), CIRCLES)], TIMES, make_look(cmap="viridis"))
    assert frames[0][0, 0].tolist() == [255, 255, 255]
    assert style.palette.colours[style.text[-1]].tolist() == list(make_look().foreground)
    field, frames = _frames("field", [(Shift(), CIRCLES)], TIMES, make_look(cmap="viridis"))
    assert field.palette.colours[-1].tolist() == [255, 255, 255]
    assert frames[0][0, 0].tolist() == [68, 1, 84]


@pytest.mark.parametrize("name", STYLES)
def test_text_stands_out_in_every_style(name: str) -> None:
    for look in (make_look(), make_look("dark"), make_look(cmap="magma"), make_look(fg="yellow", bg="black")):
        style = STYLES[name](place_runs([(Shift(), CIRCLES)], SIZE), look)
        ground, *_, full = style.palette.colours[style.text].astype(int)
        assert np.abs(full - ground).max() > 100
        assert style.text[0] == 0


def test_a_tiny_frame_has_at_least_an_arrow() -> None:
    image = Image.new("RGBA", (200, 20), "white")
    ImageDraw.Draw(image).rectangle((10, 5, 190, 15), fill="black")
    _frames("field", [(Shift(), ImageTarget(Picture(image, image.size)))], TIMES, make_look())
    runs = place_runs([(Shift(), ImageTarget(Picture(image, image.size)))], 24)
    style = STYLES["field"](runs, make_look())
    with Trajectories.record(runs, TIMES, style.base_points(100, 0)) as motion:
        assert len(list(style.frames(motion, TIMES))) == 3


def test_a_pictures_panels_need_room() -> None:
    with pytest.raises(UnusableInput, match="--size 100 is too small"):
        PanelsStyle(place_runs([(Shift(), CIRCLES)], 100), make_look())


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


def test_a_part_of_the_particles_is_where_it_is_among_all_of_them() -> None:
    large, small = (place_runs([(Shift(), MOONS)], size) for size in (SIZE, 2 * SIZE))
    with Trajectories.record(large, TIMES, torch.randn(50, 2)) as motion:
        part = motion.subset(small, 10, 30)
        again = part.subset(large, 5, 20)
        for moment in TIMES:
            places = motion.at(moment)
            np.testing.assert_array_equal(again.at(moment), places[15:35])
            x = large[0].view.from_frame(places, moment.time)
            np.testing.assert_allclose(part.at(moment), small[0].view.to_frame(x, moment.time)[10:40], atol=1e-3)
        assert torch.equal(again.base, motion.base[15:35])
        assert (part.runs, again.runs) == (small, large)


def test_a_data_set_has_no_colours() -> None:
    with pytest.raises(UnusableInput, match="data set"):
        STYLES["points"](place_runs([(Shift(), MOONS)], SIZE), make_look(color="source"))


def test_a_density_needs_no_seed_and_takes_about_so_many_particles() -> None:
    style = DensityStyle(place_runs([(Shift(), MOONS)], SIZE), make_look())
    assert torch.equal(style.base_points(1000, 0), style.base_points(1000, 5))
    assert len(style.base_points(1000, 0)) == 32**2
    assert len(style.base_points(1, 0)) == 4
