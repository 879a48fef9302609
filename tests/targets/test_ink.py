"""What counts as ink in pictures of every colour, made here."""

from __future__ import annotations

import numpy as np
import pytest
from blots import HEIGHT, WIDTH, blot, expected, rgba
from PIL import Image

from flowgif.errors import UnusableInput
from flowgif.targets.ink import ink_of


def test_white_on_black_is_seen_by_the_border():
    found = ink_of(rgba((0, 0, 0), (255, 255, 255)))
    assert np.array_equal(found.ink, expected())
    assert "lighter" in found.remark
    assert "--no-invert" in found.remark


def test_invert_overrides_a_light_border():
    found = ink_of(rgba((255, 255, 255), (0, 0, 0)), invert=True)
    assert np.array_equal(found.ink, 1 - expected())


def test_no_invert_overrides_a_dark_border():
    found = ink_of(rgba((0, 0, 0), (255, 255, 255)), invert=False)
    assert np.array_equal(found.ink, 1 - expected())


@pytest.mark.parametrize(("paper", "invert"), [((255, 255, 255), False), ((0, 0, 0), True)])
def test_saying_what_the_border_says_changes_nothing(paper, invert):
    image = rgba(paper, (120, 130, 90))
    assert np.array_equal(ink_of(image, invert=invert).ink, ink_of(image).ink)


def test_invert_of_alpha_is_the_transparent_part():
    found = ink_of(blot("RGBA", (0, 0, 0, 0), (0, 0, 0, 255)), invert=True)
    assert np.array_equal(found.ink, 1 - expected())
    assert "transparent" in found.remark


def test_yellow_on_white_has_nearly_as_much_ink_as_black():
    image = rgba((255, 255, 255), (255, 220, 0))
    image.putpixel((9, 6), (0, 0, 0, 255))
    # By its lightness alone yellow would have a tenth of black's ink.
    found = ink_of(image).ink
    assert found[6, 9] == 1
    assert found[2, 3] > 0.9


def test_blue_on_black_has_nearly_as_much_ink_as_white():
    image = rgba((0, 0, 0), (0, 0, 255))
    image.putpixel((9, 6), (255, 255, 255, 255))
    assert ink_of(image).ink[2, 3] > 0.9


@pytest.mark.parametrize(
    ("paper", "drawn"),
    [
        ((255, 0, 0), (255, 255, 255)),
        ((0, 0, 255), (255, 255, 255)),
        ((255, 255, 0), (0, 0, 0)),
        ((0, 255, 0), (0, 0, 0)),
        ((200, 30, 40), (255, 255, 255)),
    ],
    ids=["white on red", "white on blue", "black on yellow", "black on green", "white on crimson"],
)
def test_a_plain_shape_on_a_coloured_background_is_ink(paper, drawn):
    assert np.array_equal(ink_of(rgba(paper, drawn)).ink, expected())


def test_pale_grey_is_stretched_to_full_ink():
    assert np.array_equal(ink_of(rgba((255,) * 3, (225,) * 3)).ink, expected())


def test_off_white_paper_is_no_ink():
    assert np.array_equal(ink_of(rgba((245, 240, 230), (20, 20, 20))).ink, expected())


def test_specks_of_compression_are_no_ink():
    image = rgba((255,) * 3, (0,) * 3)
    image.putpixel((9, 6), (252, 252, 252, 255))
    assert np.array_equal(ink_of(image).ink, expected())


@pytest.mark.parametrize(("threshold", "inked"), [(0.0, [1, 1, 1, 0]), (0.5, [1, 1, 0, 0]), (1.0, [1, 0, 0, 0])])
def test_threshold_makes_ink_all_or_nothing(threshold, inked):
    grey = np.full((HEIGHT, WIDTH), 255, dtype=np.uint8)
    # Ink of 1, 0.6, 0.2 and none.
    grey[2, 2:6] = (0, 102, 204, 255)
    found = ink_of(Image.fromarray(grey).convert("RGBA"), threshold=threshold).ink
    assert found[2, 2:6].tolist() == inked
    assert found.sum() == sum(inked)


# ------------------------------------------------------------------ blank pictures


@pytest.mark.parametrize(
    "image",
    [
        Image.new("RGB", (WIDTH, HEIGHT), (255, 255, 255)),
        Image.new("RGB", (WIDTH, HEIGHT), (0, 0, 0)),
        Image.new("RGB", (WIDTH, HEIGHT), (90, 160, 30)),
        Image.new("RGBA", (WIDTH, HEIGHT), (0, 0, 0, 0)),
        Image.new("RGBA", (WIDTH, HEIGHT), (255, 255, 255, 0)),
        Image.new("L", (1, 1), 0),
    ],
    ids=["white", "black", "green", "transparent black", "transparent white", "one pixel"],
)
@pytest.mark.parametrize("invert", [None, True, False])
def test_blank_pictures_are_refused(image, invert):
    with pytest.raises(UnusableInput, match=r"blank.*give one with a shape") as caught:
        ink_of(image.convert("RGBA"), invert)
    assert "\n" not in str(caught.value)


def test_a_shape_that_is_fully_transparent_is_blank():
    # Erasing in an image editor leaves the colours behind an alpha of 0; nobody can see them.
    image = rgba((255, 255, 255), (0, 0, 0))
    image.putalpha(0)
    with pytest.raises(UnusableInput, match="blank"):
        ink_of(image)
