"""New points of a flow as files: where they lie, in which units, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

import numpy as np
import pytest
import torch
from torch import Tensor

import flowgif
from flowgif.api import Loaded
from flowgif.errors import NumericalError, UnusableInput
from flowgif.evaluation import samples
from flowgif.evaluation.samples import write_samples
from flowgif.flows.base import Flow, Mapped
from flowgif.names import SAMPLE_SUFFIXES, Names, Table
from flowgif.targets.image import ImageTarget
from flowgif.targets.reading.picture import Picture


class Shifted(Flow):
    """N(shift, I), which keeps the size of each map."""

    def __init__(self, shift: float) -> None:
        super().__init__()
        self.shift = torch.nn.Parameter(torch.tensor(shift))
        self.sizes: list[int] = []

    def to_base(self, x: Tensor, time: float = 1.0) -> Mapped:
        return Mapped(x - time * self.shift, torch.zeros(len(x)))

    def path(self, z: Tensor, times: Tensor) -> Mapped:
        self.sizes.append(len(z))
        return Mapped(z + times.to(z)[:, None, None] * self.shift, torch.zeros(len(times), len(z)))


def _inked(points: np.ndarray, ink: np.ndarray) -> float:
    """The share of points on pixels that hold at least half the ink."""
    column, row = points.round().astype(int).T
    inside = (column >= 0) & (column < ink.shape[1]) & (row >= 0) & (row < ink.shape[0])
    return float((ink[row[inside], column[inside]] >= 0.5).sum() / len(points))


def test_a_pictures_points_are_on_its_ink_in_pixels(cat: Loaded, tmp_path: Path) -> None:
    assert isinstance(cat.target, ImageTarget)
    write_samples(cat.flow, cat.target, 4000, tmp_path / "cat.npy")
    points = np.load(tmp_path / "cat.npy")
    assert points.shape == (4000, 2)
    assert points.dtype == np.float32
    assert ((points > -0.5) & (points < 399.5)).all(1).mean() > 0.99
    share = _inked(points, cat.target.ink)
    assert share > 0.9
    # Any mistake of orientation would show.
    for wrong in (cat.target.ink[::-1], cat.target.ink[:, ::-1], cat.target.ink.T):
        assert _inked(points, wrong) < share - 0.1


def test_pixels_are_those_of_the_picture_as_given(cat: Loaded, tmp_path: Path) -> None:
    assert isinstance(cat.target, ImageTarget)
    larger = ImageTarget(Picture(cat.target.picture.image, (800, 1200)))
    for name, target in (("as-used.npy", cat.target), ("as-given.npy", larger)):
        write_samples(cat.flow, target, 500, tmp_path / name)
    as_used, as_given = np.load(tmp_path / "as-used.npy"), np.load(tmp_path / "as-given.npy")
    np.testing.assert_allclose(as_given + 0.5, (as_used + 0.5) * (2, 3), atol=1e-3)


def test_a_data_set_has_its_own_units(moons: Path, tmp_path: Path) -> None:
    loaded = flowgif.load(moons)
    write_samples(loaded.flow, loaded.target, 4000, tmp_path / "moons.npy")
    x, y = np.load(tmp_path / "moons.npy").T
    # Two half circles of radius 1 around (0, 0) and (1, 0.5), with noise of 0.05. A short training has some strays; in
    # data units, 15 % of x and 45 % of y were outside.
    assert ((x > -1.3) & (x < 2.3)).mean() > 0.94
    assert ((y > -0.8) & (y < 1.3)).mean() > 0.9
    assert (x.mean(), y.mean()) == pytest.approx((0.5, 0.25), abs=0.1)


def test_both_formats_hold_the_same_points(cat: Loaded, tmp_path: Path) -> None:
    for name in ("points.npy", "points.CSV"):
        write_samples(cat.flow, cat.target, 300, tmp_path / name, seed=4)
    lines = (tmp_path / "points.CSV").read_text().splitlines()
    assert lines[0] == "x,y"
    read = np.loadtxt(lines[1:], delimiter=",", dtype=np.float32)
    np.testing.assert_array_equal(read, np.load(tmp_path / "points.npy"))


def test_the_same_seed_gives_the_same_bytes(cat: Loaded, tmp_path: Path) -> None:
    def write(seed: int) -> bytes:
        write_samples(cat.flow, cat.target, 50, tmp_path / "points.npy", seed)
        return (tmp_path / "points.npy").read_bytes()

    assert write(0) == write(0)
    assert write(0) != write(1)


@pytest.mark.parametrize("suffix", [".npy", ".csv"])
def test_points_are_made_a_block_at_a_time(
    cat: Loaded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    monkeypatch.setattr(samples, "BLOCK", 64)
    flow, path = Shifted(0.0), tmp_path / f"points{suffix}"
    write_samples(flow, cat.target, 150, path)
    assert flow.sizes == [64, 64, 22]
    points = np.load(path) if suffix == ".npy" else np.loadtxt(path, delimiter=",", skiprows=1)
    assert len(np.unique(points, axis=0)) == 150


def test_points_that_are_not_finite_leave_no_file(cat: Loaded, tmp_path: Path) -> None:
    with pytest.raises(NumericalError, match="not finite"):
        write_samples(Shifted(float("inf")), cat.target, 10, tmp_path / "points.npy")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("n", "name", "message"),
    [
        (10, "points.txt", "neither .npy nor .csv"),
        (0, "points.npy", "--save-samples 0 is out of range"),
        (10_000_001, "points.npy", "out of range"),
        (10, "none/points.npy", "no folder"),
        (10, "folder.npy", "is a folder"),
    ],
)
def test_what_cannot_be_written_is_refused(cat: Loaded, tmp_path: Path, n: int, name: str, message: str) -> None:
    (tmp_path / "folder.npy").mkdir()
    with pytest.raises(UnusableInput, match=message):
        write_samples(cat.flow, cat.target, n, tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == ["folder.npy"]


def test_the_formats_are_those_that_help_shows() -> None:
    assert list(samples.FORMATS) == list(SAMPLE_SUFFIXES)


def test_a_format_from_outside_is_written(cat: Loaded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def write(file: BinaryIO, n: int, blocks: samples.Blocks) -> None:
        file.write(f"{n} points\n".encode() + b"".join(block.tobytes() for block in blocks))

    rows = Table(Names("suffix", *samples.FORMATS), dict(samples.FORMATS))
    monkeypatch.setattr(samples, "FORMATS", rows)
    rows.register(".raw", write)
    write_samples(cat.flow, cat.target, 20, tmp_path / "points.raw")
    write_samples(cat.flow, cat.target, 20, tmp_path / "points.npy")
    head, points = (tmp_path / "points.raw").read_bytes().split(b"\n", 1)
    assert head == b"20 points"
    np.testing.assert_array_equal(np.frombuffer(points, np.float32).reshape(20, 2), np.load(tmp_path / "points.npy"))
    with pytest.raises(UnusableInput, match=r"neither \.npy nor \.csv nor \.raw"):
        write_samples(cat.flow, cat.target, 20, tmp_path / "points.txt")
