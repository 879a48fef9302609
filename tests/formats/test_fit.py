"""The search for the best quality that fits."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from films import decode, discs, film_of, noise, ramp, seen
from PIL import Image

from flowgif.errors import CheckFailed
from flowgif.formats.film import Film
from flowgif.formats.fit import FLOOR, Fitted, Quality, write_fitted
from flowgif.formats.presets import PRESETS, verify
from flowgif.formats.table import find_format, write_output


def fit(path: Path, film: Film, max_bytes: int | None, **more: Any) -> Fitted:
    return write_fitted(path, film, find_format(path).write, max_bytes, **more)


@pytest.fixture(scope="module")
def film() -> Iterator[Film]:
    """Speckles on a disc that moves: each level, frame and pixel takes room."""
    rng = np.random.default_rng(0)
    frames = []
    for frame in discs(40, 200, 150, levels=16):
        blot = rng.integers(0, 16, frame.shape) * (rng.random(frame.shape) < 0.2)
        frames.append(np.maximum(frame, blot).astype(np.uint8))
    with film_of(frames, ramp(16), [4] * 39 + [100], comment="c") as film:
        yield film


@pytest.fixture(scope="module")
def whole(film: Film, tmp_path_factory: pytest.TempPathFactory) -> int:
    out = tmp_path_factory.mktemp("whole") / "out.gif"
    write_output(out, film)
    return out.stat().st_size


def test_nothing_is_given_up_where_nothing_must_be(film: Film, whole: int, tmp_path: Path) -> None:
    out = tmp_path / "out.gif"
    fitted = fit(out, film, whole)
    assert fitted.given_up == ""
    assert (fitted.bytes, fitted.levels, fitted.frames) == (whole, 16, 40)
    assert fit(out, film, None) == fitted
    write_output(tmp_path / "same.gif", film)
    assert out.read_bytes() == (tmp_path / "same.gif").read_bytes()


@pytest.mark.parametrize(("suffix", "share"), [*((".gif", share) for share in (0.95, 0.5, 0.02)), (".webp", 0.5)])
def test_a_file_fits_and_is_what_is_told(suffix: str, share: float, film: Film, whole: int, tmp_path: Path) -> None:
    out, limit = tmp_path / f"out{suffix}", int(share * whole)
    fitted = fit(out, film, limit)
    assert out.stat().st_size == fitted.bytes <= limit
    frames, delays, image = decode(out)
    assert image.size == (fitted.width, fitted.height)
    assert len(frames) == fitted.frames
    assert sum(delays) == sum(film.delays)
    assert delays[-1] >= 100
    assert len(np.unique(np.concatenate([f.reshape(-1, 4) for f in frames]), axis=0)) <= fitted.levels
    told = {what: (int(a), int(b)) for a, b, what in re.findall(r"(\d+) -> (\d+) (\w+)", fitted.given_up)}
    assert told == {
        what: (before, after)
        for what, before, after in (
            ("levels", 16, fitted.levels),
            ("frames", 40, fitted.frames),
            ("pixels", 200, fitted.width),
        )
        if after < before
    }
    # Given up in this order, and the last only as far as needed: what is thrown away is less than half.
    assert list(told) == [what for what in ("levels", "frames", "pixels") if what in told]
    assert fitted.bytes > 0.5 * limit or share == 0.02


def test_colours_go_before_frames_and_frames_before_pixels(film: Film, whole: int, tmp_path: Path) -> None:
    first = [fit(tmp_path / "out.gif", film, int(share * whole)).given_up for share in (0.9, 0.35)]
    assert re.fullmatch(r"16 -> \d+ levels", first[0])
    assert re.fullmatch(r"16 -> \d+ levels, 40 -> \d+ frames.*", first[1])


def test_the_floor_is_kept(film: Film, whole: int, tmp_path: Path) -> None:
    fitted = fit(tmp_path / "out.gif", film, int(0.3 * whole), floor=Quality(levels=8, frames=6, side=200))
    assert (fitted.levels, fitted.width) == (8, 200)
    assert 6 <= fitted.frames < 40


def test_frames_are_limited_too(film: Film, tmp_path: Path) -> None:
    fitted = fit(tmp_path / "out.gif", film, None, max_frames=15)
    assert fitted.given_up == "40 -> 15 frames"
    assert len(decode(tmp_path / "out.gif")[0]) == 15


def test_what_cannot_fit_leaves_the_old_file_alone(film: Film, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out, scratch = tmp_path / "out.gif", tmp_path / "scratch"
    out.write_bytes(b"precious")
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    with pytest.raises(
        CheckFailed, match=r"out\.gif: .* at 2 levels, 8 frames and 48 pixels, more than 100 bytes"
    ) as caught:
        fit(out, film, 100)
    assert caught.value.exit_code == 1
    assert "\n" not in str(caught.value)
    assert out.read_bytes() == b"precious"
    assert list(scratch.iterdir()) == []


def test_a_film_below_the_floor_is_not_blown_up(tmp_path: Path) -> None:
    with film_of(discs(3, 20, 15, levels=2), ramp(2)) as film:
        with pytest.raises(CheckFailed):
            fit(tmp_path / "out.gif", film, 100)
        assert fit(tmp_path / "out.gif", film, 5000).given_up == ""
        assert np.array_equal(decode(tmp_path / "out.gif")[0][1], seen(film)[1])


def test_a_very_long_film_keeps_delays_that_a_file_can_say(tmp_path: Path) -> None:
    """100 frames of three minutes: two of them cannot be shown for five hours in all."""
    with film_of(noise(100, 30, 30, 2), ramp(2), [20_000] * 100) as film:
        fitted = fit(tmp_path / "out.gif", film, 10_000, floor=Quality(2, 2, 30))
        delays = decode(tmp_path / "out.gif")[1]
    assert fitted.frames < 100
    assert max(delays) <= 65535
    assert sum(delays) == 2_000_000


def test_the_same_limit_gives_the_same_bytes(film: Film, whole: int, tmp_path: Path) -> None:
    written = set()
    for name in ("a.gif", "b.gif"):
        fit(tmp_path / name, film, whole // 3)
        written.add((tmp_path / name).read_bytes())
    assert len(written) == 1


@pytest.mark.parametrize("name", ["slack", "discord"])
def test_a_film_is_fitted_into_a_preset(name: str, tmp_path: Path) -> None:
    preset, out = PRESETS[name], tmp_path / "out.gif"
    with film_of(noise(60, 128, 128, 6), ramp(6)) as film:
        floor = replace(FLOOR, side=preset.side)
        fit(out, film, preset.max_bytes, max_frames=preset.max_frames, floor=floor)
        verify(out, preset)
    with Image.open(out) as image:
        assert image.size == (128, 128)
