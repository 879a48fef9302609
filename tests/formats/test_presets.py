"""Presets and the check of a file against them."""

from __future__ import annotations

from pathlib import Path

import pytest
from films import film_of, noise, ramp

from flowgif.errors import CheckFailed, UnusableInput
from flowgif.formats.presets import PRESETS, verify
from flowgif.formats.table import write_output


def _gif(path: Path, width: int, height: int, frames: int = 2) -> Path:
    with film_of(noise(frames, width, height, 16), ramp(16)) as film:
        write_output(path, film)
    return path


@pytest.mark.parametrize("suffix", [".gif", ".png", ".webp"])
def test_a_file_within_its_preset_passes(suffix: str, tmp_path: Path) -> None:
    verify(_gif(tmp_path / f"out{suffix}", 128, 128), PRESETS["slack"])
    verify(_gif(tmp_path / f"out{suffix}", 128, 128), PRESETS["discord"])
    verify(_gif(tmp_path / f"out{suffix}", 512, 512), PRESETS["square"])
    verify(_gif(tmp_path / f"out{suffix}", 480, 100), PRESETS["readme"])


@pytest.mark.parametrize(
    ("preset", "width", "height", "frames", "message"),
    [
        ("slack", 128, 127, 2, "128x127 pixels, not 128x128"),
        ("square", 480, 480, 2, "480x480 pixels, not 512x512"),
        ("readme", 100, 481, 2, "100x481 pixels, more than 480"),
        ("slack", 128, 128, 51, "51 frames, more than 50"),
        ("slack", 128, 128, 40, "KB, more than 128 KB"),
        ("readme", 480, 480, 12, "MB, more than 1 MB"),
    ],
)
def test_a_limit_that_is_missed_is_told(
    preset: str, width: int, height: int, frames: int, message: str, tmp_path: Path
) -> None:
    path = _gif(tmp_path / "out.gif", width, height, frames)
    with pytest.raises(CheckFailed, match=message) as caught:
        verify(path, PRESETS[preset])
    assert "\n" not in str(caught.value)


def test_what_is_no_picture_cannot_be_checked(tmp_path: Path) -> None:
    (tmp_path / "out.gif").write_bytes(b"no")
    with pytest.raises(UnusableInput, match="cannot check"):
        verify(tmp_path / "out.gif", PRESETS["slack"])
    with pytest.raises(UnusableInput, match="cannot check"):
        verify(tmp_path / "none.gif", PRESETS["slack"])
