"""Recorded positions, and what happens when they cannot be recorded."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import IO

import numpy as np
import pytest
import torch
from known_flows import MOONS, SIZE, TIMES, Shift
from torch import Tensor

from flowgif.drawing.placing import place_runs
from flowgif.drawing.trajectories import Refinement, Trajectories
from flowgif.errors import NumericalError, UnusableInput
from flowgif.files.temporary import Spool
from flowgif.flows.base import Mapped
from flowgif.timeline import Moment


def test_a_part_of_the_particles_is_where_it_is_among_all_of_them() -> None:
    large, small = (place_runs([(Shift(), MOONS)], size) for size in (SIZE, 2 * SIZE))
    with Trajectories.record(large, TIMES, torch.randn(50, 2)) as motion:
        part = motion.subset(small, 10, 30)
        again = part.subset(large, 5, 20)
        for moment in TIMES:
            places = motion.at(moment)
            np.testing.assert_array_equal(again.at(moment), places[15:35])
            x = large[0].view.from_frame(places, moment.time)
            np.testing.assert_allclose(part.at(moment), small[0].view.to_frame(x, moment.time)[10:40], atol=1e-3)
        assert torch.equal(again.base, motion.base[15:35])
        assert (part.runs, again.runs) == (small, large)


@pytest.mark.parametrize("from_base", [False, True])
def test_parts_that_are_carried_by_themselves_come_together_in_order(
    from_base: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Flow(Shift):
        starts_at_base = from_base

    runs, base = place_runs([(Flow(), MOONS)], SIZE), torch.randn(50, 2, generator=torch.Generator().manual_seed(0))
    with Trajectories.record(runs, TIMES, base) as motion:
        whole = [motion.positions(moment) for moment in TIMES]
    monkeypatch.setattr("flowgif.drawing.trajectories.PART", 7)
    monkeypatch.setattr("flowgif.drawing.trajectories.POINTS_AT_ONCE", 100)  # two times together
    with Trajectories.record(runs, TIMES, base) as motion:
        for moment, expected in zip(TIMES, whole, strict=True):
            torch.testing.assert_close(motion.positions(moment), expected)


class Fails(Shift):
    """Cannot be integrated beyond the middle."""

    def path(self, z: Tensor, times: Tensor) -> Mapped:
        if float(times[-1]) > 0.5:
            raise NumericalError("no further")
        return super().path(z, times)


@pytest.fixture
def spools(monkeypatch: pytest.MonkeyPatch) -> list[Spool]:
    """The temporary files that trajectories open."""
    opened: list[Spool] = []

    def spool(what: str) -> Spool:
        opened.append(Spool(what))
        return opened[-1]

    monkeypatch.setattr("flowgif.drawing.trajectories.spool", spool)
    return opened


def test_a_solve_that_fails_closes_the_file(spools: list[Spool]) -> None:
    runs = place_runs([(Shift(), MOONS), (Fails(), MOONS)], SIZE)
    with pytest.raises(NumericalError, match="no further"):
        Trajectories.record(runs, TIMES, torch.zeros(3, 2))
    (spool,) = spools
    with pytest.raises(ValueError, match="closed"):
        spool.read(0, 1)


def test_the_file_is_open_until_the_trajectories_are_closed(spools: list[Spool]) -> None:
    with Trajectories.record(place_runs([(Shift(), MOONS)], SIZE), TIMES, torch.zeros(3, 2)) as motion:
        assert motion.at(TIMES[0]).shape == (3, 2)
    motion.close()  # again
    with pytest.raises(ValueError, match="closed"):
        spools[0].read(0, 1)


def test_no_room_for_positions_is_told_in_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    with pytest.raises(UnusableInput, match=r"^cannot keep positions in .*missing: .*; set TMPDIR to another folder$"):
        Trajectories.record(place_runs([(Shift(), MOONS)], SIZE), TIMES, torch.zeros(3, 2))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no device that is always full")
@pytest.mark.parametrize("n", [3, 20_000])
def test_a_disk_that_fills_up_is_told_in_a_line(n: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """As soon as it is written: few positions wait in memory until they are read."""

    def full_disk(**_: object) -> IO[bytes]:
        return Path("/dev/full").open("r+b")

    monkeypatch.setattr(tempfile, "TemporaryFile", full_disk)
    runs = place_runs([(Shift(), MOONS)], SIZE)
    with (
        pytest.raises(UnusableInput, match=r"^cannot keep positions in .*No space left.*; set TMPDIR"),
        Trajectories.record(runs, TIMES, torch.zeros(n, 2)) as motion,
    ):
        motion.at(TIMES[0])


@pytest.mark.parametrize("from_base", [False, True])
def test_refinements_take_over_at_their_time(from_base: bool) -> None:
    class Flow(Shift):
        starts_at_base = from_base

    def interpolate(x: Tensor) -> Tensor:
        return x[:1].expand(5, 2) + 10

    moments = [Moment(0, time) for time in (0.2, 0.5, 0.8)]
    runs, refinement = place_runs([(Flow(), MOONS)], SIZE), Refinement(0.5, torch.full((5, 2), 3.0), interpolate)
    with Trajectories.record(runs, moments, torch.zeros(2, 2), [refinement]) as motion:
        before, at, after = (motion.positions(moment) for moment in moments)
    way = torch.tensor([1.0, 0.5])
    torch.testing.assert_close(before, 0.2 * way.expand(2, 2))
    start = 3 if from_base else 10  # the base points themselves, or what the first particles' positions say
    torch.testing.assert_close(at, start + 0.5 * way.expand(5, 2))
    torch.testing.assert_close(after, start + 0.8 * way.expand(5, 2))
