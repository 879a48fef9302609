"""Four panels in a frame."""

from __future__ import annotations

import pytest
from known_flows import CIRCLES, TIMES, Shift, frames_of
from PIL import Image, ImageDraw

from flowgif.drawing.colours import make_look
from flowgif.drawing.placing import place_runs
from flowgif.drawing.styles.panels import PanelsStyle
from flowgif.errors import UnusableInput
from flowgif.targets.image import ImageTarget
from flowgif.targets.reading.picture import Picture


def test_panels_show_the_target_and_what_is_made_of_it() -> None:
    target = CIRCLES
    style, frames = frames_of("panels", [(Shift(), target)], TIMES, make_look())
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
    style, frames = frames_of("panels", [(Shift(), CIRCLES)], TIMES, make_look(cmap="viridis"))
    assert frames[0][0, 0].tolist() == [255, 255, 255]
    assert style.palette.colours[style.text[-1]].tolist() == list(make_look().foreground)
    field, frames = frames_of("field", [(Shift(), CIRCLES)], TIMES, make_look(cmap="viridis"))
    assert field.palette.colours[-1].tolist() == [255, 255, 255]
    assert frames[0][0, 0].tolist() == [68, 1, 84]


def test_a_pictures_panels_need_room() -> None:
    with pytest.raises(UnusableInput, match="--size 100 is too small"):
        PanelsStyle(place_runs([(Shift(), CIRCLES)], 100), make_look())
