"""Picture files of every awkward kind, made here, and how they are read or refused."""

from __future__ import annotations

import io
import os
import pty
import struct
import sys
import threading
import zlib
from pathlib import Path

import numpy as np
import pytest
from blots import HEIGHT, LEVEL, WIDTH, blot, expected, stored
from PIL import Image

from flowgif.errors import UnusableInput
from flowgif.files.reading import STDIN
from flowgif.targets.image import ImageTarget
from flowgif.targets.inks.ink import ink_of
from flowgif.targets.reading import loading
from flowgif.targets.reading.loading import PICTURES, PictureKind, load_picture
from flowgif.targets.reading.picture import Picture

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


@pytest.mark.parametrize(
    ("kind", "low", "high"),
    [
        (np.uint16, 100, 4095),  # twelve bits, as cameras and scanners write them
        (np.int16, -30000, 20000),
        (np.int32, -5, 70000),
        (np.uint32, 7, 4_000_000_000),
        (np.float32, -2.5, 1e4),
    ],
)
def test_deep_greys_are_scaled_by_their_own_range(tmp_path, kind, low, high):
    grey = np.full((HEIGHT, WIDTH), high, dtype=kind)
    grey[1:4, 2:5] = low
    grey[6, 9] = (low + high) / 2
    path = tmp_path / "picture.tif"
    path.write_bytes(tiff(grey))
    found = ink(path)
    assert np.array_equal(found[:6], expected()[:6])
    assert found[6, 9] == pytest.approx(0.5, abs=LEVEL)


def tiff(grey, photometric=1, orientation=1):
    """An uncompressed TIFF of greys (rows, columns) of any type."""
    height, width = grey.shape
    kinds = {"u": 1, "i": 2, "f": 3}
    entries = [
        (256, width), (257, height), (258, 8 * grey.itemsize), (259, 1), (262, photometric), (273, None),
        (274, orientation), (277, 1), (278, height), (279, grey.nbytes), (339, kinds[grey.dtype.kind]),
    ]  # fmt: skip
    start = 8 + 2 + 12 * len(entries) + 4
    directory = b"".join(struct.pack("<HHII", tag, 4, 1, start if value is None else value) for tag, value in entries)
    return b"II*\0" + struct.pack("<IH", 8, len(entries)) + directory + bytes(4) + grey.tobytes()


def test_a_tiff_in_which_white_is_zero(tmp_path):
    path = tmp_path / "picture.tif"
    path.write_bytes(tiff((4095 * expected()).astype(np.uint16), photometric=0))
    assert load_picture(path).image.getpixel((0, 0)) == (255, 255, 255, 255)
    assert np.array_equal(ink(path), expected())


def test_grey_without_a_value_is_neither_ink_nor_paper(tmp_path):
    grey = np.where(expected() > 0, 0, 900).astype(np.float32)
    grey[6, 9:12] = (np.nan, np.inf, -np.inf)
    path = tmp_path / "picture.tif"
    path.write_bytes(tiff(grey))
    assert ink(path)[6, 9:12].tolist() == [0, 0, 1]


@pytest.mark.parametrize("depth", [1, 2, 4, 8, 16])
def test_the_see_through_grey_of_a_png(tmp_path, depth):
    """All greys but the key are opaque, whatever their bits."""
    most = 2**depth - 1
    rows = np.where(expected() > 0, most, 0)
    path = tmp_path / "picture.png"
    path.write_bytes(png(rows[..., None], depth, 0, struct.pack(">H", 0)))
    image = load_picture(path).image
    assert np.array_equal(np.asarray(image)[..., 3], 255 * expected())


@pytest.mark.parametrize("depth", [8, 16])
def test_the_see_through_colour_of_a_png(tmp_path, depth):
    step = 1 if depth == 8 else 257
    rows = np.where(expected()[..., None] > 0, (9 * step, 8 * step, 7 * step), (7 * step, 8 * step, 9 * step))
    path = tmp_path / "picture.png"
    path.write_bytes(png(rows, depth, 2, struct.pack(">3H", 7 * step, 8 * step, 9 * step)))
    assert np.array_equal(np.asarray(load_picture(path).image)[..., 3], 255 * expected())


def test_a_see_through_colour_leaves_no_rim_when_the_picture_is_shrunk(tmp_path):
    image = blot("RGB", (255, 0, 255), (0, 0, 0)).resize((WIDTH * 10, HEIGHT * 10), Image.Resampling.NEAREST)
    picture = load_picture(stored(tmp_path, image, transparency=(255, 0, 255)), max_side=37)
    red, _, blue, alpha = np.moveaxis(np.asarray(picture.image), -1, 0)
    assert 0 < np.count_nonzero(alpha) < alpha.size
    assert (red[alpha > 0].max(), blue[alpha > 0].max()) == (0, 0)


def png(samples, depth, colour_type, transparency):
    """A PNG of samples (rows, columns, channels) with a chunk tRNS."""
    lines = []
    for row in samples:
        bits = "".join(f"{value:0{depth}b}" for value in row.ravel())
        bits += "0" * (-len(bits) % 8)
        lines.append(b"\0" + bytes(int(bits[i : i + 8], 2) for i in range(0, len(bits), 8)))
    height, width = samples.shape[:2]
    head = struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"tRNS", transparency), (b"IDAT", zlib.compress(b"".join(lines))), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(kind, data) for kind, data in chunks)


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


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


def exif_with(kind, value):
    """EXIF whose tag of the orientation has a type and four bytes of value."""
    return b"Exif\0\0II*\0" + struct.pack("<IHHHI", 8, 1, 0x0112, kind, 1) + value + bytes(4)


ODD_ORIENTATIONS = {
    "text": exif_with(2, b"6\0\0\0"),
    "bytes": exif_with(1, b"\x06\0\0\0"),
    "undefined": exif_with(7, b"\x06\0\0\0"),
    "no type": exif_with(99, b"\x06\0\0\0"),
    "nine": exif_with(3, b"\x09\0\0\0"),
    "zero": exif_with(3, bytes(4)),
    "fraction": exif_with(5, struct.pack("<I", 26)) + struct.pack("<II", 6, 1),
    "cut": exif_with(3, b"")[:20],
    "no directory": b"Exif\0\0II*\0\xff\xff\xff\xff",
    "nonsense": b"Exif\0\0nonsense",
}


@pytest.mark.parametrize("name", ["picture.jpg", "picture.png", "picture.webp"])
@pytest.mark.parametrize("odd", ODD_ORIENTATIONS)
def test_an_odd_orientation_is_ignored(tmp_path, odd, name):
    image = blot("RGB", (255,) * 3, (0,) * 3).resize((WIDTH * 16, HEIGHT * 16), Image.Resampling.NEAREST)
    picture = load_picture(stored(tmp_path, image, name, exif=ODD_ORIENTATIONS[odd], quality=95))
    assert picture.size_as_given == picture.image.size == image.size
    assert picture.remarks == ()
    assert np.argwhere(ink_of(picture.image).ink > 0.5).tolist() == np.argwhere(np.asarray(image)[..., 0] == 0).tolist()


@pytest.mark.parametrize("orientation", TURNED)
def test_a_turned_tiff_keeps_its_pixel_coordinates(tmp_path, orientation):
    path = tmp_path / "picture.tif"
    path.write_bytes(tiff((255 * (1 - expected())).astype(np.uint8), orientation=orientation))
    picture = load_picture(path)
    wanted = TURNED[orientation]
    assert (picture.size_as_given, picture.remarks) == (wanted.shape[::-1], ())
    target = ImageTarget(picture)
    assert np.array_equal(target.ink, wanted)
    places = target.to_pixels(target.centres).round().int().tolist()
    assert sorted(places) == sorted([column, row] for row, column in np.argwhere(wanted).tolist())


def test_a_turned_tiff_is_shrunk_in_proportion(tmp_path):
    path = tmp_path / "picture.tif"
    path.write_bytes(tiff(np.zeros((40, 80), dtype=np.uint8), orientation=6))
    picture = load_picture(path, max_side=20)
    assert (picture.size_as_given, picture.image.size) == ((40, 80), (10, 20))


@pytest.mark.parametrize(("form", "sides"), [("ICO", (16, 64, 32)), ("ICNS", (32, 1024, 64))])
def test_the_largest_of_an_icons_sizes_is_taken(tmp_path, form, sides):
    path = tmp_path / f"logo.{form.lower()}"
    largest = blot("RGBA", (0,) * 4, (0, 0, 0, 255)).resize((max(sides),) * 2, Image.Resampling.NEAREST)
    others = [Image.new("RGBA", (side, side), (255, 0, 0, 255)) for side in sides if side != max(sides)]
    largest.save(path, form, sizes=[(side, side) for side in sides], append_images=others)
    picture = load_picture(path)
    assert (picture.size_as_given, picture.remarks) == (largest.size, ())
    assert np.array_equal(np.asarray(picture.image)[..., 3], np.asarray(largest)[..., 3])


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
    assert picture.remarks == ("frame 1 of the picture's 2 is taken (--frame N takes another)",)
    assert np.array_equal(ink_of(picture.image).ink, expected())
    again = load_picture(path, frame=2)
    assert again.remarks == ("frame 2 of the picture's 2 is taken (--frame N takes another)",)
    assert np.argwhere(ink_of(again.image).ink).tolist() == [[row, column] for row in (5, 6) for column in (8, 9, 10)]
    refused(path, "has 2 frames, no frame 3", "from 1 to 2", frame=3)


def test_a_picture_that_stands_still_has_one_frame(tmp_path):
    path = stored(tmp_path, blot())
    assert np.array_equal(ink_of(load_picture(path, frame=1).image).ink, expected())
    refused(path, "has 1 frame, no frame 2", "leave --frame out", frame=2)


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


def read_letters(file):
    """Reads a made-up kind of picture: a text in which every letter is a pixel of ink."""
    rows = file.stream.read().decode().splitlines()
    image = Image.fromarray(np.array([[0 if c.isalpha() else 255 for c in row] for row in rows], dtype=np.uint8))
    return Picture(image.convert("RGBA"), image.size, ("letters are pixels",))


@pytest.fixture
def letters(monkeypatch):
    """Registers the made-up kind, as other packages would, and takes it away after the test."""
    monkeypatch.setattr(PICTURES, "_rows", dict(PICTURES))
    monkeypatch.setattr(PICTURES.names, "_names", list(PICTURES.names))
    PICTURES.register("letters", PictureKind(lambda head, suffix: suffix == ".letters", read_letters))


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


def refused(path, *words, **options):
    """Asserts that the file is refused in one line that names it and says each of the words."""
    with pytest.raises(UnusableInput) as caught:
        load_picture(path, **options)
    message = str(caught.value)
    assert "\n" not in message
    assert str(path) in message
    for word in words:
        assert word in message


def header_only(width, height):
    """A PNG that states its size and holds no pixels."""
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


@pytest.mark.parametrize("folder", ["", "configs/"])
def test_an_address_gets_its_slashes_back_and_advice(folder):
    # A config's folder stands before the paths in it.
    with pytest.raises(UnusableInput, match=r"^https://example\.com/a b\.png is an address.* curl -sL 'https://exam"):
        load_picture(Path(f"{folder}https://example.com/a b.png"))


# ------------------------------------------------------------------ stdin


@pytest.fixture
def pipe(monkeypatch):
    """Puts bytes on stdin."""

    def put(content):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))

    return put


@pytest.mark.parametrize("form", ["PNG", "GIF", "TIFF"])
def test_a_picture_from_stdin(pipe, form):
    content = io.BytesIO()
    blot().save(content, form)
    pipe(content.getvalue())
    assert np.array_equal(ink(STDIN), expected())


def test_an_svg_from_stdin(pipe):
    pipe(b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 12 8"><rect x="2" y="1" width="3" height="3"/></svg>')
    picture = load_picture(STDIN, max_side=12)
    assert np.array_equal(np.asarray(picture.image)[..., 3], 255 * expected())


def test_what_stdin_may_not_be(pipe, monkeypatch):
    for content, words in ((b"", "stdin is empty"), (b"text", "stdin is not a picture")):
        pipe(content)
        with pytest.raises(UnusableInput, match=words):
            load_picture(STDIN)
    monkeypatch.setattr(loading, "MOST_BYTES", 2**20)
    pipe(bytes(2**20 + 1))
    with pytest.raises(UnusableInput, match="stdin holds more than 1 MB"):
        load_picture(STDIN)
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(UnusableInput, match="which is closed"):
        load_picture(STDIN)
    main, terminal = pty.openpty()
    with open(terminal) as typed, open(main, "rb"):  # noqa: PTH123
        monkeypatch.setattr(sys, "stdin", typed)
        with pytest.raises(UnusableInput, match="which is a terminal"):
            load_picture(STDIN)


def test_a_picture_from_a_pipe_with_a_name(tmp_path):
    path, content = tmp_path / "pipe", io.BytesIO()
    blot().save(content, "PNG")
    os.mkfifo(path)
    writing = threading.Thread(target=path.write_bytes, args=(content.getvalue(),))
    writing.start()
    found = ink(path)
    writing.join()
    assert np.array_equal(found, expected())


# ------------------------------------------------------------------ broken files


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
