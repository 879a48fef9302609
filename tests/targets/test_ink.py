"""What counts as ink in pictures of every colour, made here."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from blots import HEIGHT, WIDTH, blot, expected, rgba
from drawn_ink import BLACK, WHITE, Drawn, drawn_pictures, held_out_pictures, overlap
from PIL import Image

from flowgif.errors import UnusableInput
from flowgif.targets.inks.ink import MIN_INK, ink_of


@pytest.mark.parametrize("picture", [*drawn_pictures(), *held_out_pictures()], ids=lambda picture: picture.name)
def test_ink_is_what_was_drawn(picture: Drawn):
    found = ink_of(picture.image)
    assert overlap(found.ink >= 0.5, picture.ink) >= 0.9
    assert picture.said in found.remark
    assert "photograph" not in found.remark


def test_white_on_black_is_seen_by_the_border():
    found = ink_of(rgba((0, 0, 0), (255, 255, 255)))
    assert np.array_equal(found.ink, expected())
    assert "lighter" in found.remark
    assert "--ink dark" in found.remark


@pytest.mark.parametrize(("paper", "drawn", "kind"), [(WHITE, BLACK, "light"), (BLACK, WHITE, "dark")])
def test_the_background_itself_can_be_the_ink(paper, drawn, kind):
    found = ink_of(rgba(paper, drawn), kind)
    assert np.array_equal(found.ink, 1 - expected())
    assert kind in found.remark


@pytest.mark.parametrize(("paper", "kind"), [(WHITE, "dark"), (BLACK, "light"), (WHITE, "difference")])
def test_saying_what_the_border_says_changes_nothing(paper, kind):
    image = rgba(paper, (120, 130, 90))
    assert np.array_equal(ink_of(image, kind).ink, ink_of(image).ink)


def test_of_black_and_white_on_red_one_can_be_left_out():
    image = rgba((214, 40, 40), BLACK)
    image.paste((*WHITE, 255), (7, 5, 10, 7))
    both, dark, light = (ink_of(image, kind).ink > 0 for kind in ("auto", "dark", "light"))
    assert np.array_equal(dark, expected() > 0)
    assert np.array_equal(both, dark | light)
    assert light.sum() == 6


def test_the_light_part_of_a_black_mark_on_nothing_is_nothing():
    found = ink_of(blot("RGBA", (0, 0, 0, 0), (0, 0, 0, 255)), "light")
    assert np.array_equal(found.ink, 1 - expected())


def test_alpha_can_be_asked_for_where_a_card_would_be_seen():
    icon = next(picture for picture in drawn_pictures() if picture.said == "card")
    found = ink_of(icon.image, "alpha")
    assert np.array_equal(found.ink, np.asarray(icon.image.getchannel("A")) / 255)


def test_alpha_of_an_opaque_picture_is_refused():
    with pytest.raises(UnusableInput, match=r"--ink alpha.*no transparency.*leave --ink out"):
        ink_of(rgba(WHITE, BLACK), "alpha")


@pytest.mark.parametrize(("paper", "drawn"), [(WHITE, BLACK), (BLACK, WHITE), ((128,) * 3, BLACK), (WHITE, (200,) * 3)])
def test_ink_of_grey_is_in_proportion_to_what_is_covered(paper, drawn):
    level = np.linspace(paper[0], drawn[0], WIDTH - 4).round()
    grey = np.full((HEIGHT, WIDTH), paper[0], dtype=np.uint8)
    grey[3, 2:-2] = level
    found = ink_of(Image.fromarray(grey).convert("RGBA")).ink[3, 2:-2]
    share = (level - paper[0]) / (drawn[0] - paper[0])
    assert found == pytest.approx(np.where(share < MIN_INK, 0, share), abs=1e-6)  # Oklab's matrices have ten digits


def test_an_edge_pixel_of_colour_has_about_the_share_that_is_covered():
    for paper, drawn in itertools.permutations([WHITE, BLACK, (214, 40, 40), (29, 78, 216), (34, 139, 84)], 2):
        image = rgba(paper, drawn)
        image.putpixel((8, 6), (*((a + b) // 2 for a, b in zip(paper, drawn, strict=True)), 255))
        assert ink_of(image).ink[6, 8] == pytest.approx(0.5, abs=0.12)


def test_yellow_on_white_has_three_quarters_of_black_s_ink():
    image = rgba(WHITE, (255, 220, 0))
    image.putpixel((9, 6), (0, 0, 0, 255))
    # By its lightness alone yellow would have a tenth of black's ink.
    found = ink_of(image).ink
    assert found[6, 9] == 1
    assert found[2, 3] > 0.7


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
@pytest.mark.parametrize("kind", ["auto", "dark", "light", "difference"])
def test_blank_pictures_are_refused(image, kind):
    with pytest.raises(UnusableInput, match=r"blank.*give one with a shape") as caught:
        ink_of(image.convert("RGBA"), kind)
    assert "\n" not in str(caught.value)


def test_a_shape_that_is_fully_transparent_is_blank():
    # Erasing in an image editor leaves the colours behind an alpha of 0; nobody can see them.
    image = rgba((255, 255, 255), (0, 0, 0))
    image.putalpha(0)
    with pytest.raises(UnusableInput, match="blank"):
        ink_of(image)
