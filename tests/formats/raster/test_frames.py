"""A folder with a PNG for each frame."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from films import FILMS, seen
from PIL import Image

from flowgif.errors import UnusableInput
from flowgif.formats.raster.film import Film
from flowgif.formats.table import check_output, write_output


@pytest.fixture(params=FILMS)
def film(request: pytest.FixtureRequest) -> Iterator[Film]:
    with FILMS[request.param]() as film:
        yield film


@pytest.fixture
def usual() -> Iterator[Film]:
    with FILMS["usual"]() as film:
        yield film


def _still(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        rgba = np.array(image.convert("RGBA"))
    rgba[rgba[..., 3] == 0] = 0
    return rgba


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_folder_gets_a_png_a_frame(film: Film, tmp_path: Path) -> None:
    out = tmp_path / "frames"
    check_output(out)
    write_output(out, film)
    assert _names(out) == [f"frame-{i:04d}.png" for i in range(len(film))]
    for path, wanted in zip(sorted(out.iterdir()), seen(film), strict=True):
        assert np.array_equal(_still(path), wanted)
    assert _names(tmp_path) == ["frames"]


def test_a_pattern_names_the_frames(usual: Film, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    write_output(tmp_path / "100%-%03d-cat.png", usual)
    assert _names(tmp_path) == [*(f"100%-{i:03d}-cat.png" for i in range(8)), "notes.txt"]


def test_a_shorter_film_leaves_no_frames_of_the_longer_one(usual: Film, tmp_path: Path) -> None:
    (tmp_path / "frame-of-mind.png").write_bytes(b"mine")
    (tmp_path / "frame-3.png").write_bytes(b"mine as well")
    write_output(tmp_path, usual)
    with usual.with_frames(3) as short:
        write_output(tmp_path, short)
        assert np.array_equal(_still(tmp_path / "frame-0002.png"), seen(short)[2])
    assert _names(tmp_path) == [*(f"frame-000{i}.png" for i in range(3)), "frame-3.png", "frame-of-mind.png"]


@pytest.mark.parametrize("name", ["frame-0001.png", "frame-0099.png"])
def test_files_of_others_are_not_touched(name: str, usual: Film, tmp_path: Path) -> None:
    Image.new("L", (3, 3)).save(tmp_path / name)
    before = (tmp_path / name).read_bytes()
    for attempt in (lambda out: write_output(out, usual), check_output):
        with pytest.raises(UnusableInput, match=name):
            attempt(tmp_path)
    assert _names(tmp_path) == [name]
    assert (tmp_path / name).read_bytes() == before


def test_a_failure_leaves_a_folder_as_it_was(usual: Film, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_output(tmp_path / "old", usual)
    before = {path.name: path.read_bytes() for path in (tmp_path / "old").iterdir()}

    def frames(film: Film) -> Iterator[np.ndarray]:
        yield film.frame(7)
        raise KeyboardInterrupt

    monkeypatch.setattr(Film, "frames", frames)
    for name in ("old", "new"):
        with pytest.raises(KeyboardInterrupt):
            write_output(tmp_path / name, usual)
    assert {path.name: path.read_bytes() for path in (tmp_path / "old").iterdir()} == before
    assert _names(tmp_path) == ["old"]


def test_a_file_is_no_folder(usual: Film, tmp_path: Path) -> None:
    (tmp_path / "out").write_bytes(b"precious")
    for attempt in (lambda out: write_output(out, usual), check_output):
        with pytest.raises(UnusableInput, match="is a file"):
            attempt(tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == b"precious"
