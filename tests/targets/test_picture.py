"""Picture files of every awkward kind, made here, and how they are read or refused."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from blots import HEIGHT, LEVEL, WIDTH, blot, expected, stored
from PIL import Image

from flowgif.errors import UnusableInput
from flowgif.targets.ink import ink_of
from flowgif.targets.loading import READERS, load_picture
from flowgif.targets.picture import Picture

# JPEG at quality 95 keeps flat areas to within a few levels.
COMPRESSION = 0.05


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


def read_letters(path, max_side):
    """Reads a made-up kind of picture: a text in which every letter is a pixel of ink."""
    rows = path.read_text().splitlines()
    image = Image.fromarray(np.array([[0 if c.isalpha() else 255 for c in row] for row in rows], dtype=np.uint8))
    return Picture(image.convert("RGBA"), image.size, ("letters are pixels",))


@pytest.fixture
def letters(monkeypatch):
    """Registers the made-up kind, as other packages would, and takes it away after the test."""
    monkeypatch.setattr(READERS, "_rows", dict(READERS))
    monkeypatch.setattr(READERS.names, "_names", list(READERS.names))
    READERS.register(".letters", read_letters)


def test_another_kind_of_picture_is_one_row(tmp_path, letters):
    path = tmp_path / "cat.LETTERS"
    path.write_text("....\n.ab.\n....\n")
    picture = load_picture(path)
    assert picture.remarks == ("letters are pixels",)
    assert np.argwhere(ink_of(picture.image).ink).tolist() == [[1, 1], [1, 2]]


def test_another_kind_of_picture_is_shrunk_like_all(tmp_path, letters):
    path = tmp_path / "cat.letters"
    path.write_text("........\n" * 4)
    picture = load_picture(path, max_side=4)
    assert picture.image.size == (4, 2)
    assert picture.size_as_given == (8, 4)
    assert picture.remarks == ("letters are pixels", "shrunk from 8x4 to 4x2 (--max-side 4)")


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
