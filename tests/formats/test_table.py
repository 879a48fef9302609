"""Each format, decoded by somebody else's program."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import imageio.v2
import imageio_ffmpeg
import numpy as np
import pytest
from conftest import ROOT
from films import decode, decode_video, discs, film_of, leaks_of_imageio, noise, ramp, seen
from PIL import Image

from flowgif.errors import UnusableInput
from flowgif.formats.raster import video
from flowgif.formats.raster.film import Film
from flowgif.formats.table import WRITERS, check_encodable, encode

PICTURES = (".gif", ".png", ".apng", ".webp")
VIDEOS = (".mp4", ".webm")


def _twice_alike() -> Film:
    frames = discs(3)
    return film_of([frames[0], frames[1], frames[1], frames[1], frames[2]], ramp(6), [5, 7, 11, 13, 17])


def _returning() -> Film:
    """Pixels come and go, one at a time: nearly all of a frame is as before."""
    frames = [np.zeros((25, 37), np.uint8) for _ in range(8)]
    for i, frame in enumerate(frames):
        frame[3 * i, 36 - 5 * i] = frame[24, 36] = 1 + i % 5
    return film_of(frames, ramp(6))


def _blinking() -> Film:
    """Wholly see-through in the middle."""
    frames = discs(5)
    frames[2][:] = 0
    return film_of(frames, ramp(6), transparent=0)


FILMS: dict[str, Callable[[], Film]] = {
    "usual": lambda: film_of(discs(8), ramp(6), [4] * 7 + [120]),
    "one frame": lambda: film_of(discs(1), ramp(6), [50]),
    "one pixel": lambda: film_of([np.zeros((1, 1), np.uint8)] * 2, ramp(2)),
    "one colour": lambda: film_of([np.zeros((5, 7), np.uint8)] * 2, ramp(6)[:1]),
    "2 levels": lambda: film_of(discs(levels=2), ramp(2)),
    "4 levels": lambda: film_of(discs(levels=4), ramp(4)),
    "16 levels": lambda: film_of(discs(levels=16), ramp(16)),
    "255 levels": lambda: film_of(noise(3, 40, 30, 255), ramp(255)),
    "256 levels": lambda: film_of(noise(3, 40, 30, 256), ramp(256)),
    "256 levels, most at rest": lambda: film_of([f // 16 * 16 for f in discs(5, levels=256)], ramp(256)),
    "odd sides": lambda: film_of(discs(5, 41, 31), ramp(6)),
    "a line": lambda: film_of(discs(4, 97, 1), ramp(6)),
    "all alike": lambda: film_of([discs(1)[0]] * 4, ramp(6), [3, 5, 7, 9]),
    "twice alike": _twice_alike,
    "returning": _returning,
    "blinking": _blinking,
    "see-through background": lambda: film_of(discs(6, 41, 31), ramp(6), transparent=0),
    "see-through in the middle": lambda: film_of(discs(6, levels=16), ramp(16), transparent=7),
    "see-through at the end": lambda: film_of(noise(3, 40, 30, 256), ramp(256), transparent=255),
    "hardly through": lambda: film_of(discs(6, levels=5), ramp(5), transparent=4, loops=1),
    "loops": lambda: film_of(discs(3), ramp(6), loops=3),
    "long": lambda: film_of(discs(2), ramp(6), [1, 65535]),
}


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
    encode(out, film)
    frames, delays, image = decode(out)
    assert image.size == (film.width, film.height)
    assert len(frames) == len(film)
    for index, (found, wanted) in enumerate(zip(frames, seen(film), strict=True)):
        assert np.array_equal(found, wanted), f"frame {index}"
    # Of a still WebP or GIF Pillow tells no delay.
    assert delays == list(film.delays) or len(film) == 1


@pytest.mark.parametrize(("suffix", "kind"), [(".gif", "gif"), (".png", "apng")])
def test_ffmpeg_sees_the_same_pixels(suffix: str, kind: str, film: Film, tmp_path: Path) -> None:
    """A second opinion: Pillow wrote what it reads, in part."""
    encode(tmp_path / f"out{suffix}", replace(film, delays=(4,) * len(film)))
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-f", kind, "-i", tmp_path / f"out{suffix}"]
    command += ["-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", "rgba", "-"]
    pixels = np.frombuffer(subprocess.run(command, capture_output=True, check=True).stdout, np.uint8)
    frames = pixels.reshape(-1, film.height, film.width, 4).copy()
    frames[frames[..., 3] == 0] = 0
    assert np.array_equal(frames, seen(film))


@pytest.mark.parametrize("loops", [0, 1, 2, 5])
@pytest.mark.parametrize("suffix", PICTURES)
def test_loops(suffix: str, loops: int, usual: Film, tmp_path: Path) -> None:
    out = tmp_path / f"out{suffix}"
    encode(out, replace(usual, loops=loops))
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
    encode(out, replace(usual, comment=comment))
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


@pytest.mark.parametrize("suffix", [*PICTURES, *VIDEOS])
def test_the_same_film_gives_the_same_bytes(suffix: str, tmp_path: Path) -> None:
    written = []
    for name in ("a", "b"):
        with film_of(discs(4), ramp(6), comment="c") as film:
            for _ in range(2):
                encode(tmp_path / f"{name}{suffix}", film)
                written.append((tmp_path / f"{name}{suffix}").read_bytes())
    assert len(set(written)) == 1


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
    encode(tmp_path / "out.gif", film)
    places, own, shared = _gif_images((tmp_path / "out.gif").read_bytes())
    assert own == [False] * len(film)
    assert len(film.colours) <= shared
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
        encode(tmp_path / f"film{suffix}", film)
        encode(tmp_path / f"one{suffix}", one)
        assert np.array_equal(decode(tmp_path / f"film{suffix}")[0][-1], seen(film)[-1])
    # 20 whole frames would take twenty times as much.
    assert (tmp_path / f"film{suffix}").stat().st_size < 2.5 * (tmp_path / f"one{suffix}").stat().st_size


def test_a_single_frame_png_is_one_for_all_programs(usual: Film, tmp_path: Path) -> None:
    """A program that knows no animation shows the first frame of any APNG, and checks every chunk's sum."""
    encode(tmp_path / "out.png", usual)
    with Image.open(tmp_path / "out.png") as image:
        image.verify()
    first = imageio.v2.imread(tmp_path / "out.png", format="PNG-PIL")
    assert np.array_equal(first[..., :3], seen(usual)[0][..., :3])


@pytest.mark.parametrize("suffix", VIDEOS)
@pytest.mark.parametrize(
    ("delays", "step"), [([4] * 5 + [100], 4), ([3, 4, 3, 3, 4, 50], 1), ([50] * 6, 50), ([250] * 6, 50)]
)
def test_a_video_shows_each_frame_as_long(suffix: str, delays: list[int], step: int, tmp_path: Path) -> None:
    with film_of(discs(6, 64, 48), ramp(6), delays) as film:
        encode(tmp_path / f"out{suffix}", film)
        frames, meta = decode_video(tmp_path / f"out{suffix}")
        assert meta["fps"] == pytest.approx(100 / step, rel=1e-3)
        assert meta["source_size"] == (64, 48)
        assert meta["pix_fmt"].startswith("yuv420p")
        assert "bt709" in meta["pix_fmt"]
        shown = [picture for picture, delay in zip(seen(film), delays, strict=True) for _ in range(delay // step)]
    assert len(frames) == len(shown)
    for found, wanted in zip(frames, shown, strict=True):
        # Colours are shared between neighbours and rounded, but a frame in another's place is off by 10.
        assert np.abs(found.astype(int) - wanted[..., :3]).mean() < 4


@pytest.mark.parametrize("suffix", VIDEOS)
def test_colours_of_a_video_are_right(suffix: str, tmp_path: Path) -> None:
    """Large areas of colours that the other definition of YUV would change by 20 and more."""
    colours = np.array([[255, 255, 255], [200, 30, 30], [20, 160, 40], [30, 40, 190], [0, 0, 0]], np.uint8)
    frame = np.repeat(np.arange(5, dtype=np.uint8), 16)[None].repeat(64, 0)
    with film_of([frame] * 3, colours) as film:
        encode(tmp_path / f"out{suffix}", film)
    found = decode_video(tmp_path / f"out{suffix}")[0][1]
    for index, colour in enumerate(colours):
        assert np.abs(found[32, 16 * index + 8].astype(int) - colour).max() <= 6


@pytest.mark.parametrize("suffix", VIDEOS)
def test_odd_sides_of_a_video_get_a_line_of_background(suffix: str, tmp_path: Path) -> None:
    with film_of(discs(3, 41, 31), ramp(6)) as film:
        encode(tmp_path / f"out{suffix}", film)
        frames, meta = decode_video(tmp_path / f"out{suffix}")
        assert meta["source_size"] == (42, 32)
        wanted = np.pad(film.colours[film.frame(2)], ((0, 1), (0, 1), (0, 0)), constant_values=0).astype(int)
        wanted[31], wanted[:, 41] = film.colours[0], film.colours[0]
        assert np.abs(frames[2] - wanted).mean() < 4
        assert np.abs(frames[2][31, 20:30] - film.colours[0].astype(int)).max() < 40


@pytest.mark.parametrize("suffix", VIDEOS)
def test_what_is_see_through_is_white_in_a_video(suffix: str, tmp_path: Path) -> None:
    with film_of([np.zeros((32, 32), np.uint8)], ramp(6)[::-1].copy(), transparent=0, comment="of a cat") as film:
        encode(tmp_path / f"out{suffix}", film)
    assert (decode_video(tmp_path / f"out{suffix}")[0][0] > 250).all()
    told = subprocess.run(
        [imageio_ffmpeg.get_ffmpeg_exe(), "-i", tmp_path / f"out{suffix}"], capture_output=True, text=True, check=False
    )
    assert "of a cat" in told.stderr


def test_a_video_can_start_before_it_is_loaded(usual: Film, tmp_path: Path) -> None:
    encode(tmp_path / "out.mp4", usual)
    data = (tmp_path / "out.mp4").read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")


@pytest.mark.parametrize("suffix", VIDEOS)
def test_without_ffmpeg_the_remedy_is_told(
    suffix: str, usual: Film, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    for attempt in (lambda out: encode(out, usual), check_encodable):
        with pytest.raises(UnusableInput, match=r"pip install 'flowgif\[video\]'") as caught:
            attempt(tmp_path / f"out{suffix}")
        assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_broken_ffmpeg_is_told_in_a_line(usual: Film, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(video, "_H264", ("-no-such-option",))
    with leaks_of_imageio():
        with pytest.raises(UnusableInput, match="ffmpeg") as caught:
            encode(tmp_path / "out.mp4", usual)
        caught.value.__context__ = None  # it holds the frames that hold the pipes
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["out.jpg", "out.giff", "out.gif.txt", ".gif"])
def test_an_unknown_suffix_lists_or_suggests(name: str, usual: Film, tmp_path: Path) -> None:
    for attempt in (lambda out: encode(out, usual), check_encodable):
        with pytest.raises(UnusableInput, match=r"known: \.gif|did you mean") as caught:
            attempt(tmp_path / name)
        assert caught.value.exit_code == 2
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", WRITERS)
def test_a_failure_leaves_the_old_file_alone(
    suffix: str, usual: Film, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def frames(film: Film) -> Iterator[np.ndarray]:
        yield film.frame(0)
        yield film.frame(1)
        raise KeyboardInterrupt

    monkeypatch.setattr(Film, "frames", frames)
    out = tmp_path / f"out{suffix}"
    out.write_bytes(b"precious")
    with pytest.raises(KeyboardInterrupt):
        encode(out, usual)
    assert out.read_bytes() == b"precious"
    assert [path.name for path in tmp_path.iterdir()] == [out.name]


def test_a_place_that_cannot_be_written_is_told(usual: Film, tmp_path: Path) -> None:
    for attempt in (lambda out: encode(out, usual), check_encodable):
        for name in ("out.gif", "out", "frame-%d.png"):
            with pytest.raises(UnusableInput, match=r"cannot write"):
                attempt(tmp_path / "none" / name)


def test_suffixes_may_be_written_large(usual: Film, tmp_path: Path) -> None:
    encode(tmp_path / "OUT.GIF", usual)
    assert (tmp_path / "OUT.GIF").read_bytes()[:6] == b"GIF89a"


def _still(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        rgba = np.array(image.convert("RGBA"))
    rgba[rgba[..., 3] == 0] = 0
    return rgba


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_folder_gets_a_png_a_frame(film: Film, tmp_path: Path) -> None:
    out = tmp_path / "frames"
    check_encodable(out)
    encode(out, film)
    assert _names(out) == [f"frame-{i:04d}.png" for i in range(len(film))]
    for path, wanted in zip(sorted(out.iterdir()), seen(film), strict=True):
        assert np.array_equal(_still(path), wanted)
    assert _names(tmp_path) == ["frames"]


def test_a_pattern_names_the_frames(usual: Film, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    encode(tmp_path / "100%-%03d-cat.png", usual)
    assert _names(tmp_path) == [*(f"100%-{i:03d}-cat.png" for i in range(8)), "notes.txt"]


def test_a_shorter_film_leaves_no_frames_of_the_longer_one(usual: Film, tmp_path: Path) -> None:
    (tmp_path / "frame-of-mind.png").write_bytes(b"mine")
    (tmp_path / "frame-3.png").write_bytes(b"mine as well")
    encode(tmp_path, usual)
    with usual.with_frames(3) as short:
        encode(tmp_path, short)
        assert np.array_equal(_still(tmp_path / "frame-0002.png"), seen(short)[2])
    assert _names(tmp_path) == [*(f"frame-000{i}.png" for i in range(3)), "frame-3.png", "frame-of-mind.png"]


@pytest.mark.parametrize("name", ["frame-0001.png", "frame-0099.png"])
def test_files_of_others_are_not_touched(name: str, usual: Film, tmp_path: Path) -> None:
    Image.new("L", (3, 3)).save(tmp_path / name)
    before = (tmp_path / name).read_bytes()
    for attempt in (lambda out: encode(out, usual), check_encodable):
        with pytest.raises(UnusableInput, match=name):
            attempt(tmp_path)
    assert _names(tmp_path) == [name]
    assert (tmp_path / name).read_bytes() == before


def test_a_failure_leaves_a_folder_as_it_was(usual: Film, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    encode(tmp_path / "old", usual)
    before = {path.name: path.read_bytes() for path in (tmp_path / "old").iterdir()}

    def frames(film: Film) -> Iterator[np.ndarray]:
        yield film.frame(7)
        raise KeyboardInterrupt

    monkeypatch.setattr(Film, "frames", frames)
    for name in ("old", "new"):
        with pytest.raises(KeyboardInterrupt):
            encode(tmp_path / name, usual)
    assert {path.name: path.read_bytes() for path in (tmp_path / "old").iterdir()} == before
    assert _names(tmp_path) == ["old"]


def test_a_file_is_no_folder(usual: Film, tmp_path: Path) -> None:
    (tmp_path / "out").write_bytes(b"precious")
    for attempt in (lambda out: encode(out, usual), check_encodable):
        with pytest.raises(UnusableInput, match="is a file"):
            attempt(tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == b"precious"


_GROWTH = """
import resource, sys
from pathlib import Path
import numpy as np
from flowgif.formats.table import encode
from flowgif.formats.raster.film import Film

def write(number):
    rng = np.random.default_rng(0)
    frames = (rng.integers(0, 8, (200, 200), np.uint8) for _ in range(number))
    colours = np.repeat(np.linspace(0, 255, 8).astype(np.uint8)[:, None], 3, 1)
    with Film.record(frames, colours, [4] * number) as film:
        encode(Path(sys.argv[1]), film)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

few = write(50)
print(write(500) - few)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss has another unit")
@pytest.mark.parametrize("name", ["out.gif", "out.png", "out.webp", "out.mp4", "frames"])
def test_memory_does_not_grow_with_the_number_of_frames(name: str, tmp_path: Path) -> None:
    """450 frames more are 18 MB of indices, 7 MB when they are compressed; the file is as large."""
    done = subprocess.run(
        [sys.executable, "-c", _GROWTH, tmp_path / name], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert int(done.stdout) < 3000  # kilobytes
