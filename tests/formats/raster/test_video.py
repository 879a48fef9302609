"""MP4 and WebM, decoded by ffmpeg."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest
from films import FILMS, decode_video, discs, film_of, leaks_of_imageio, ramp, see_through, seen

from flowgif.errors import UnusableInput
from flowgif.formats.film import Film
from flowgif.formats.raster import video
from flowgif.formats.table import check_output, write_output

VIDEOS = (".mp4", ".webm")


@pytest.fixture
def usual() -> Iterator[Film]:
    with FILMS["usual"]() as film:
        yield film


@pytest.mark.parametrize("suffix", VIDEOS)
@pytest.mark.parametrize(
    ("delays", "step"),
    [
        ([4] * 5 + [100], 4),
        pytest.param([3, 4, 3, 3, 4, 50], 1, marks=pytest.mark.slow),
        pytest.param([50] * 6, 50, marks=pytest.mark.slow),
        ([250] * 6, 50),
    ],
)
def test_a_video_shows_each_frame_as_long(suffix: str, delays: list[int], step: int, tmp_path: Path) -> None:
    with film_of(discs(6, 64, 48), ramp(6), delays) as film:
        write_output(tmp_path / f"out{suffix}", film)
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
@pytest.mark.parametrize(("ticks", "delays", "fps"), [(120, [1] * 4 + [144], 120), (60, [2] * 4 + [72], 30)])
def test_a_video_plays_at_any_rate(suffix: str, ticks: int, delays: list[int], fps: float, tmp_path: Path) -> None:
    with film_of(discs(5, 64, 48), ramp(6), delays, ticks=ticks) as film:
        write_output(tmp_path / f"out{suffix}", film)
    frames, meta = decode_video(tmp_path / f"out{suffix}")
    assert meta["fps"] == pytest.approx(fps, rel=1e-3)
    assert len(frames) == sum(delays) * fps / ticks


@pytest.mark.parametrize("suffix", VIDEOS)
def test_colours_of_a_video_are_right(suffix: str, tmp_path: Path) -> None:
    """Large areas of colours that the other definition of YUV would change by 20 and more."""
    colours = np.array([[255, 255, 255], [200, 30, 30], [20, 160, 40], [30, 40, 190], [0, 0, 0]], np.uint8)
    frame = np.repeat(np.arange(5, dtype=np.uint8), 16)[None].repeat(64, 0)
    with film_of([frame] * 3, colours) as film:
        write_output(tmp_path / f"out{suffix}", film)
    found = decode_video(tmp_path / f"out{suffix}")[0][1]
    for index, colour in enumerate(colours):
        assert np.abs(found[32, 16 * index + 8].astype(int) - colour).max() <= 6


@pytest.mark.parametrize("suffix", VIDEOS)
def test_odd_sides_of_a_video_get_a_line_of_background(suffix: str, tmp_path: Path) -> None:
    with film_of(discs(3, 41, 31), ramp(6)) as film:
        write_output(tmp_path / f"out{suffix}", film)
        frames, meta = decode_video(tmp_path / f"out{suffix}")
        assert meta["source_size"] == (42, 32)
        wanted = np.pad(film.colours[film.frame(2)], ((0, 1), (0, 1), (0, 0)), constant_values=0).astype(int)
        wanted[31], wanted[:, 41] = film.colours[0], film.colours[0]
        assert np.abs(frames[2] - wanted).mean() < 4
        assert np.abs(frames[2][31, 20:30] - film.colours[0].astype(int)).max() < 40


def test_a_webm_is_as_see_through_as_the_film(tmp_path: Path) -> None:
    with film_of(discs(4, 64, 48, levels=16), see_through(16)) as film:
        write_output(tmp_path / "out.webm", film)
        wanted = np.stack([film.colours[frame] for frame in film.frames()]).astype(int)
    # ffmpeg's own decoder of VP9 leaves opacity out; that of libvpx does not.
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-c:v", "libvpx-vp9", "-i", tmp_path / "out.webm"]
    data = subprocess.run([*command, "-f", "rawvideo", "-pix_fmt", "rgba", "-"], capture_output=True, check=True).stdout
    found = np.frombuffer(data, np.uint8).reshape(wanted.shape).astype(int)
    assert np.abs(found[..., 3] - wanted[..., 3]).mean() < 2
    assert np.abs(found[..., 3] - wanted[..., 3]).max() < 60
    # Nothing of the white background is left at the ink's edges.
    visible = wanted[..., 3] > 40
    assert np.abs(found[..., :3] - (20, 30, 60))[visible].max() < 20


@pytest.mark.parametrize("suffix", VIDEOS)
def test_the_comment_is_in_a_video(suffix: str, tmp_path: Path) -> None:
    with film_of([np.zeros((32, 32), np.uint8)], ramp(6), comment="of a cat") as film:
        write_output(tmp_path / f"out{suffix}", film)
    told = subprocess.run(
        [imageio_ffmpeg.get_ffmpeg_exe(), "-i", tmp_path / f"out{suffix}"], capture_output=True, text=True, check=False
    )
    assert "of a cat" in told.stderr


def test_a_video_can_start_before_it_is_loaded(usual: Film, tmp_path: Path) -> None:
    write_output(tmp_path / "out.mp4", usual)
    data = (tmp_path / "out.mp4").read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")


@pytest.mark.parametrize("suffix", VIDEOS)
def test_without_ffmpeg_the_remedy_is_told(
    suffix: str, usual: Film, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    for attempt in (lambda out: write_output(out, usual), check_output):
        with pytest.raises(UnusableInput, match=r"pip install 'flowgif\[video\]'") as caught:
            attempt(tmp_path / f"out{suffix}")
        assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_broken_ffmpeg_is_told_in_a_line(usual: Film, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(video, "_H264", ("-no-such-option",))
    with leaks_of_imageio():
        with pytest.raises(UnusableInput, match="ffmpeg") as caught:
            write_output(tmp_path / "out.mp4", usual)
        caught.value.__context__ = None  # it holds the frames that hold the pipes
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []
