"""Pictures of every awkward kind, made here, and the way from their pixels to data coordinates and back."""

from __future__ import annotations

import io
import math
import struct
import zlib

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from flowgif.errors import UnusableInput
from flowgif.targets.image import ImageTarget, Picture, ink_of, load_picture

# One of 255 levels, and the rounding to it.
LEVEL = 1.5 / 255
# JPEG at quality 95 keeps flat areas to within a few levels.
COMPRESSION = 0.05
# float64, through two multiplications and their inverses, of pixel numbers up to some thousands.
ROUND_TRIP = 1e-8
# Entropy is a quadrature in float32.
ENTROPY = 1e-4
# Shrinking by a whole factor is symmetric around an aligned block; eight-bit levels leave less than this, in pixels.
SHRUNK = 0.1
# Of 2000 draws the furthest of 4000 standard Gaussian numbers lies beyond this once in 7000 seeds; the seed is fixed.
WIDEST_NOISE = 5.5

WIDTH, HEIGHT = 12, 8


def blot(mode="L", paper=255, ink=0):
    """A picture of 12 x 8 with a block of ink in the upper left: columns 2 to 4, rows 1 to 3."""
    image = Image.new(mode, (WIDTH, HEIGHT), paper)
    image.paste(ink, (2, 1, 5, 4))
    return image


def expected():
    ink = np.zeros((HEIGHT, WIDTH))
    ink[1:4, 2:5] = 1
    return ink


def stored(folder, image, name="picture.png", **options):
    path = folder / name
    image.save(path, **options)
    return path


def mode(path):
    with Image.open(path) as image:
        return image.mode


def ink(path, **options):
    return ink_of(load_picture(path).image, **options).ink


# ------------------------------------------------------------------ kinds of files


@pytest.mark.parametrize("colour", [(0, 0, 0), (255, 255, 255), (255, 200, 0)])
def test_alpha_is_the_ink_whatever_the_colour(tmp_path, colour):
    image = blot("RGBA", (*colour, 0), (*colour, 255))
    found = ink_of(load_picture(stored(tmp_path, image)).image)
    assert np.array_equal(found.ink, expected())
    assert "opaque" in found.remark


def test_half_opaque_is_half_the_ink(tmp_path):
    image = blot("RGBA", (0, 0, 0, 0), (0, 0, 0, 255))
    image.putpixel((9, 6), (0, 0, 0, 128))
    assert ink(stored(tmp_path, image))[6, 9] == pytest.approx(128 / 255, abs=LEVEL)


def test_grey_with_alpha(tmp_path):
    assert np.array_equal(ink(stored(tmp_path, blot("LA", (0, 0), (0, 255)))), expected())


def test_palette_with_a_transparent_entry(tmp_path):
    image = blot("P", 0, 1)
    # Both entries are black; only the transparency tells them apart.
    image.putpalette([0, 0, 0] * 256)
    path = stored(tmp_path, image, transparency=0)
    assert mode(path) == "P"
    assert np.array_equal(ink(path), expected())


def test_palette_of_colours_by_its_darkness(tmp_path):
    image = blot("P", 0, 1)
    image.putpalette([255, 255, 255, 0, 0, 128] + [0] * 762)
    assert np.array_equal(ink(stored(tmp_path, image)), expected())


def test_one_bit(tmp_path):
    assert np.array_equal(ink(stored(tmp_path, blot("1", 1, 0))), expected())


@pytest.mark.parametrize("name", ["picture.png", "picture.tif"])
def test_sixteen_bits_are_scaled_and_not_clipped(tmp_path, name):
    grey = np.full((HEIGHT, WIDTH), 65535, dtype=np.uint16)
    grey[2, 2:6] = (0, 16384, 32768, 49152)
    path = stored(tmp_path, Image.fromarray(grey), name)
    assert mode(path).startswith("I")
    assert ink(path)[2, 2:6].tolist() == pytest.approx([1, 0.75, 0.5, 0.25], abs=LEVEL)


def test_floating_point_grey(tmp_path):
    grey = np.ones((HEIGHT, WIDTH), dtype=np.float32)
    grey[2, 2:4] = (0, 0.5)
    assert ink(stored(tmp_path, Image.fromarray(grey), "picture.tif"))[2, 2:4].tolist() == pytest.approx(
        [1, 0.5], abs=LEVEL
    )


# Where the block of blot() is seen, from the definition of the tag; a quarter of a turn swaps the sides.
TURNED = {
    1: expected(),
    2: expected()[:, ::-1],
    3: expected()[::-1, ::-1],
    4: expected()[::-1],
    5: expected().T,
    6: np.rot90(expected(), -1),
    7: expected()[::-1, ::-1].T,
    8: np.rot90(expected()),
}


@pytest.mark.parametrize("orientation", TURNED)
def test_turned_jpeg_stands_upright(tmp_path, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    # Blocks of 16 pixels, so that no colour bleeds over an edge.
    image = blot().resize((WIDTH * 16, HEIGHT * 16), Image.Resampling.NEAREST)
    picture = load_picture(stored(tmp_path, image, "picture.jpg", exif=exif, quality=95))
    wanted = np.kron(TURNED[orientation], np.ones((16, 16)))
    assert picture.size_as_given == wanted.shape[::-1]
    assert ink_of(picture.image).ink == pytest.approx(wanted, abs=COMPRESSION)


@pytest.mark.parametrize("size", [(1003, 1001), (2003, 1001)])
def test_turned_and_shrunk_jpeg_has_the_sides_of_its_upright_self(tmp_path, size):
    exif = Image.Exif()
    exif[0x0112] = 6
    image = Image.new("L", size, 255)
    image.paste(0, (0, 0, 400, 300))
    picture = load_picture(stored(tmp_path, image, "picture.jpg", exif=exif), max_side=100)
    assert picture.size_as_given == (size[1], size[0])


def test_cmyk_jpeg(tmp_path):
    image = blot("CMYK", (0, 0, 0, 0), (0, 0, 0, 255)).resize((WIDTH * 16, HEIGHT * 16), Image.Resampling.NEAREST)
    path = stored(tmp_path, image, "picture.jpg", quality=95)
    assert mode(path) == "CMYK"
    assert ink(path) == pytest.approx(np.kron(expected(), np.ones((16, 16))), abs=COMPRESSION)


@pytest.mark.parametrize("name", ["picture.gif", "picture.webp", "picture.png"])
def test_first_frame_of_an_animation(tmp_path, name):
    later = Image.new("L", (WIDTH, HEIGHT), 255)
    later.paste(0, (8, 5, 11, 7))
    options = {"lossless": True} if name.endswith("webp") else {}
    first, second = (blot(), later) if not options else (blot().convert("RGB"), later.convert("RGB"))
    path = stored(tmp_path, first, name, save_all=True, append_images=[second], duration=100, **options)
    picture = load_picture(path)
    assert any("animated" in remark and "first frame" in remark for remark in picture.remarks)
    assert np.array_equal(ink_of(picture.image).ink, expected())


@pytest.mark.parametrize(
    ("name", "options"), [("picture.webp", {"lossless": True}), ("picture.bmp", {}), ("picture.gif", {})]
)
def test_still_pictures_of_other_formats(tmp_path, name, options):
    picture = load_picture(stored(tmp_path, blot("RGB", (255,) * 3, (0,) * 3), name, **options))
    assert picture.remarks == ()
    assert np.array_equal(ink_of(picture.image).ink, expected())


def test_the_name_s_ending_need_not_be_right(tmp_path):
    path = tmp_path / "picture.jpg"
    blot().save(path, format="PNG")
    assert np.array_equal(ink(path), expected())


# ------------------------------------------------------------------ what is ink


def rgba(paper, drawn):
    return blot("RGB", paper, drawn).convert("RGBA")


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


# ------------------------------------------------------------------ refusals


def refused(path, *words):
    """Asserts that the file is refused in one line that names it and says each of the words."""
    with pytest.raises(UnusableInput) as caught:
        load_picture(path)
    message = str(caught.value)
    assert "\n" not in message
    assert str(path) in message
    for word in words:
        assert word in message


def header_only(width, height):
    """A PNG that states its size and holds no pixels."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    size = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", size) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


# The first is refused here, the second already by Pillow.
@pytest.mark.parametrize(("width", "height"), [(12_000, 10_000), (100_000, 100_000)])
def test_too_many_pixels_are_refused_before_they_are_decoded(tmp_path, width, height):
    path = tmp_path / "huge.png"
    path.write_bytes(header_only(width, height))
    refused(path, "million", "shrink it")


def test_missing_file(tmp_path):
    refused(tmp_path / "nothing.png", "no such picture", "check the path")


def test_folder(tmp_path):
    refused(tmp_path, "folder", "name one picture")


def test_svg(tmp_path):
    path = tmp_path / "logo.SVG"
    path.write_text('<svg xmlns="http://www.w3.org/2000/svg"/>')
    refused(path, "SVG", "export it as a PNG")


@pytest.mark.parametrize("content", [b"", b"just some text\n", b"\x89PNG\r\n\x1a\n"])
def test_no_picture_at_all(tmp_path, content):
    path = tmp_path / "notes.png"
    path.write_bytes(content)
    refused(path, "not a picture", "give a PNG")


def test_truncated_picture(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64), dtype=np.uint8)
    path = stored(tmp_path, Image.fromarray(noise))
    path.write_bytes(path.read_bytes()[:2000])
    refused(path, "cannot be decoded", "save the picture anew")


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow's, on damaged TIFF directories
@pytest.mark.parametrize("form", ["PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF", "ICO", "PPM", "TGA"])
def test_a_file_cut_anywhere_is_read_or_refused(tmp_path, form):
    whole = io.BytesIO()
    blot("RGB", (255,) * 3, (0,) * 3).save(whole, form)
    content = whole.getvalue()
    path = tmp_path / "cut.img"
    messages = []
    for length in range(0, len(content), max(1, len(content) // 150)):
        path.write_bytes(content[:length])
        try:
            load_picture(path)
        except UnusableInput as error:
            messages.append(str(error))
    # Some formats forgive a missing end, none the loss of its header.
    assert messages
    assert all(str(path) in message and "\n" not in message for message in messages)


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


# ------------------------------------------------------------------ size


@pytest.mark.parametrize("longer", [64, 63, 1])
def test_small_enough_pictures_keep_their_size(tmp_path, longer):
    picture = load_picture(stored(tmp_path, Image.new("L", (longer, 1))), max_side=64)
    assert picture.image.size == picture.size_as_given == (longer, 1)
    assert picture.remarks == ()


@pytest.mark.parametrize("name", ["picture.png", "picture.jpg"])
@pytest.mark.parametrize(
    ("given", "used"),
    [((400, 100), (100, 25)), ((100, 400), (25, 100)), ((101, 101), (100, 100)), ((400, 400), (100, 100))],
)
def test_larger_pictures_shrink_to_the_limit_in_proportion(tmp_path, name, given, used):
    picture = load_picture(stored(tmp_path, Image.new("L", given), name), max_side=100)
    assert picture.image.size == used
    assert picture.size_as_given == given
    (remark,) = picture.remarks
    assert f"from {given[0]}x{given[1]} to {used[0]}x{used[1]}" in remark


def test_a_thin_line_stays_a_pixel_high(tmp_path):
    assert load_picture(stored(tmp_path, Image.new("L", (900, 2))), max_side=30).image.size == (30, 1)


# ------------------------------------------------------------------ coordinates


def target_of(grey, as_given=None):
    image = Image.fromarray(np.asarray(grey, dtype=np.uint8)).convert("RGBA")
    return ImageTarget(Picture(image, as_given or image.size))


def corner():
    """Full ink in the upper left pixel, half as much in the lower right one; 9 wide, 6 high."""
    grey = np.full((6, 9), 255)
    grey[0, 0], grey[5, 8] = 0, 127
    return target_of(grey)


def test_the_first_pixel_s_centre_is_the_origin():
    target = corner()
    heaviest = target.centres[target.weights.argmax()]
    assert target.to_pixels(heaviest).tolist() == pytest.approx([0, 0], abs=ROUND_TRIP)
    assert target.to_pixels(target.centres[target.weights.argmin()]).tolist() == pytest.approx([8, 5], abs=ROUND_TRIP)


def test_rows_go_down_and_y_up():
    target = corner()
    upper_left, lower_right = target.from_pixels(torch.tensor([[0.0, 0.0], [8.0, 5.0]], dtype=torch.float64))
    assert upper_left[0] < lower_right[0]
    assert upper_left[1] > lower_right[1]
    # The ink is denser in the upper left, and two to one of the mass means the mean lies a third of the way.
    densest, sparser = target.log_prob(torch.stack((upper_left, lower_right)))
    assert float(densest - sparser) == pytest.approx(math.log(2), abs=2 * LEVEL)


def test_two_pixels_apart_are_the_scale_they_were_divided_by():
    target = corner()
    step = target.from_pixels(torch.tensor([[3.0, 2.0], [4.0, 3.0]], dtype=torch.float64)).diff(dim=0)[0]
    assert (step * target.scale).tolist() == pytest.approx([1, -1], abs=ROUND_TRIP)
    assert (target.std * target.scale).tolist() == pytest.approx([0.5, 0.5], abs=ROUND_TRIP)


sides = st.tuples(st.integers(1, 4000), st.integers(1, 4000))
coordinate = st.floats(-5000, 5000)


@settings(deadline=None, derandomize=True, database=None, max_examples=60)
@given(as_given=sides, column=coordinate, row=coordinate)
def test_to_pixels_and_from_pixels_are_inverse(as_given, column, row):
    grey = np.full((6, 9), 255)
    grey[1, 2], grey[4, 7] = 0, 90
    target = target_of(grey, as_given)
    pixel = torch.tensor([column, row], dtype=torch.float64)
    assert target.to_pixels(target.from_pixels(pixel)).tolist() == pytest.approx([column, row], abs=ROUND_TRIP)


def test_pixel_coordinates_keep_shape_and_dtype():
    target = corner()
    x = torch.zeros(2, 3, 2, dtype=torch.float32)
    for there in (target.to_pixels, target.from_pixels):
        assert there(x).shape == x.shape
        assert there(x).dtype == x.dtype


@pytest.mark.parametrize("name", ["picture.png", "picture.jpg"])
def test_pixels_of_a_shrunk_picture_are_those_of_the_picture_as_given(tmp_path, name):
    image = Image.new("L", (400, 200), 255)
    # Columns 160 to 191 and rows 80 to 95: the centre of that block is (175.5, 87.5).
    image.paste(0, (160, 80, 192, 96))
    target = ImageTarget(load_picture(stored(tmp_path, image, name), max_side=100))
    assert target.picture.image.size == (100, 50)
    # The mean of the ink, which is 0 in data units, is the middle of the block.
    assert target.to_pixels(torch.zeros(2, dtype=torch.float64)).tolist() == pytest.approx([175.5, 87.5], abs=SHRUNK)


def test_samples_lie_on_the_ink():
    grey = np.full((40, 60), 255)
    grey[3:9, 5:20], grey[25:36, 40:44] = 0, 120
    target = target_of(grey)
    at = target.to_pixels(target.sample(2000, torch.Generator().manual_seed(0)).double())
    inked = torch.from_numpy(np.argwhere(grey < 255)[:, ::-1].copy()).double()
    # The nearest inked pixel is at most as far as the one the draw belongs to, on either axis.
    off = (at[:, None] - inked).abs().amax(-1).amin(1)
    assert float(off.max()) < WIDEST_NOISE * 0.5


def test_weights_are_the_ink():
    grey = np.full((6, 9), 255)
    grey[1, 2], grey[3, 4], grey[4, 7] = 0, 51, 204
    target = target_of(grey)
    column, row = target.to_pixels(target.centres).round().long().T
    got = np.zeros((6, 9))
    got[row.numpy(), column.numpy()] = target.weights.numpy()
    assert got == pytest.approx(target.ink / target.ink.sum(), abs=ROUND_TRIP)


@pytest.mark.parametrize("n", [2, 3, 6])
def test_separate_pixels_have_the_entropy_of_their_number_and_of_one(n):
    grey = np.full((60, 140), 255)
    # At least 20 pixels apart, which is 40 standard deviations.
    for k in range(n):
        grey[5 + 20 * (k % 3), 5 + 22 * k] = 0
    target = target_of(grey)
    one = 1 + math.log(2 * math.pi) + 2 * math.log(0.5)
    assert target.entropy() == pytest.approx(math.log(n) + one - float(target.scale.log().sum()), abs=ENTROPY)
