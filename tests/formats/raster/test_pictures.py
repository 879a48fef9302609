"""GIF, APNG and WebP, decoded by other programs."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import imageio.v2
import imageio_ffmpeg
import numpy as np
import pytest
from films import FILMS, decode, discs, film_of, noise, ramp, seen
from PIL import Image

from flowgif.formats.film import Film
from flowgif.formats.table import write_output

PICTURES = (".gif", ".png", ".apng", ".webp")


@pytest.fixture(params=FILMS)
def film(request: pytest.FixtureRequest) -> Iterator[Film]:
    with FILMS[request.param]() as film:
        yield film


@pytest.fixture
def usual() -> Iterator[Film]:
    with FILMS["usual"]() as film:
        yield film


@pytest.mark.parametrize("suffix", PICTURES)
def test_every_pixel_and_delay_is_there(film: Film, suffix: str, tmp_path: Path) -> None:
    out = tmp_path / f"out{suffix}"
    write_output(out, film)
    frames, delays, image = decode(out)
    assert image.size == (film.width, film.height)
    assert len(frames) == len(film)
    for index, (found, wanted) in enumerate(zip(frames, seen(film, suffix), strict=True)):
        assert np.array_equal(found, wanted), f"frame {index}"
    # Of a still WebP or GIF Pillow tells no delay.
    assert delays == list(film.delays) or len(film) == 1


@pytest.mark.parametrize(("suffix", "kind"), [(".gif", "gif"), (".png", "apng")])
def test_ffmpeg_sees_the_same_pixels(suffix: str, kind: str, film: Film, tmp_path: Path) -> None:
    """A second opinion: Pillow wrote what it reads, in part."""
    write_output(tmp_path / f"out{suffix}", replace(film, delays=(4,) * len(film)))
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-f", kind, "-i", tmp_path / f"out{suffix}"]
    command += ["-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", "rgba", "-"]
    pixels = np.frombuffer(subprocess.run(command, capture_output=True, check=True).stdout, np.uint8)
    frames = pixels.reshape(-1, film.height, film.width, 4).copy()
    frames[frames[..., 3] == 0] = 0
    assert np.array_equal(frames, seen(film, suffix))


@pytest.mark.parametrize("loops", [0, 1, 2, 5])
@pytest.mark.parametrize("suffix", PICTURES)
def test_loops(suffix: str, loops: int, usual: Film, tmp_path: Path) -> None:
    out = tmp_path / f"out{suffix}"
    write_output(out, replace(usual, loops=loops))
    image = decode(out)[2]
    if suffix == ".gif":
        # Pillow gives the number as it is in the file, where it counts the times after the first.
        assert image.info.get("loop") == {0: 0, 1: None, 2: 1, 5: 4}[loops]
    else:
        assert image.info["loop"] == loops


@pytest.mark.parametrize("comment", ["seed 3, cat.png", "\N{CAT} & <cat>" * 60])
@pytest.mark.parametrize("suffix", PICTURES)
def test_the_comment_is_in_the_file(suffix: str, comment: str, usual: Film, tmp_path: Path) -> None:
    out = tmp_path / f"out{suffix}"
    write_output(out, replace(usual, comment=comment))
    frames, _, image = decode(out)
    assert np.array_equal(frames[-1], seen(usual)[-1])
    if suffix == ".gif":
        assert image.info["comment"].decode() == comment
    elif suffix == ".webp":
        from xml.etree import ElementTree

        (text,) = ElementTree.fromstring(image.info["xmp"]).itertext()
        assert text == comment
    else:
        assert image.info["Comment"] == comment


@pytest.mark.parametrize(
    ("suffix", "wanted"),
    [
        # The moments are rounded, not the delays: hundredths of a second of a GIF, and milliseconds of a WebP.
        (".gif", [20, 10, 20, 20, 1200]),
        (".png", [1000 / 60] * 4 + [1200]),
        (".webp", [17, 16, 17, 17, 1200]),
    ],
)
def test_delays_are_as_exact_as_the_format_can_say(suffix: str, wanted: list[float], tmp_path: Path) -> None:
    """Sixty frames a second, of which the last stays 1.2 s."""
    out = tmp_path / f"out{suffix}"
    with film_of(discs(5), ramp(6), [1, 1, 1, 1, 72], ticks=60) as film:
        write_output(out, film)
    found = []
    with Image.open(out) as image:
        for index in range(5):
            image.seek(index)
            image.load()
            found.append(image.info["duration"])
    assert found == pytest.approx(wanted)


def _gif_images(gif: bytes) -> tuple[list[tuple[int, ...]], list[bool], int]:
    """Of each image its place, and whether it has its own palette; and the size of the palette of all."""
    assert gif[:6] == b"GIF89a"
    shared = 2 ** ((gif[10] & 7) + 1) * (gif[10] >> 7)
    at, places, own = 13 + 3 * shared, [], []
    while gif[at] != 0x3B:
        if gif[at] == 0x21:
            at += 2
        else:
            assert gif[at] == 0x2C
            places.append(tuple(int.from_bytes(gif[at + i : at + i + 2], "little") for i in (1, 3, 5, 7)))
            own.append(bool(gif[at + 9] >> 7))
            at += 11
        while gif[at]:
            at += gif[at] + 1
        at += 1
    assert at == len(gif) - 1
    return places, own, shared


def test_a_gif_has_one_palette_and_its_first_image_is_whole(film: Film, tmp_path: Path) -> None:
    write_output(tmp_path / "out.gif", film)
    places, own, shared = _gif_images((tmp_path / "out.gif").read_bytes())
    assert own == [False] * len(film)
    shown = np.concatenate([frame.reshape(-1, 4) for frame in seen(film, ".gif")])
    assert len(np.unique(shown, axis=0)) <= shared
    assert places[0] == (0, 0, film.width, film.height)
    for left, top, width, height in places:
        assert width > 0
        assert height > 0
        assert left + width <= film.width
        assert top + height <= film.height


@pytest.mark.parametrize("suffix", [".gif", ".png", ".webp"])
def test_what_does_not_change_takes_little(suffix: str, tmp_path: Path) -> None:
    still = noise(1, 100, 100, 6)[0]
    frames = [still.copy() for _ in range(20)]
    for i, frame in enumerate(frames):
        # Opposite corners change, so the rectangle is the whole frame.
        frame[0, 0] = frame[-1, -1] = i % 6
    with film_of(frames, ramp(6)) as film, film_of([still], ramp(6)) as one:
        write_output(tmp_path / f"film{suffix}", film)
        write_output(tmp_path / f"one{suffix}", one)
        assert np.array_equal(decode(tmp_path / f"film{suffix}")[0][-1], seen(film)[-1])
    # 20 whole frames would take twenty times as much.
    assert (tmp_path / f"film{suffix}").stat().st_size < 2.5 * (tmp_path / f"one{suffix}").stat().st_size


def test_a_single_frame_png_is_one_for_all_programs(usual: Film, tmp_path: Path) -> None:
    """A program that knows no animation shows the first frame of any APNG, and checks every chunk's sum."""
    write_output(tmp_path / "out.png", usual)
    with Image.open(tmp_path / "out.png") as image:
        image.verify()
    first = imageio.v2.imread(tmp_path / "out.png", format="PNG-PIL")
    assert np.array_equal(first[..., :3], seen(usual)[0][..., :3])
