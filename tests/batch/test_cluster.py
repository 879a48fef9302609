"""A real Dask scheduler and its workers on the loopback address do what processes of this machine do."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from conftest import CAT, FLOWGIF, run_flowgif
from PIL import Image

from flowgif.cli.answers.models import BatchAnswer
from flowgif.runs.layout import CONFIG, WEIGHTS

pytestmark = pytest.mark.slow

TINY = '[model]\nnetwork = "fourier"\nfeatures = 8\nwidth = 8\ndepth = 1\n[training]\nsteps = 30\nbatch_size = 16\n'
COUNT = 24
STARTING = 120  # seconds
ADDRESS = r"tcp://127\.0\.0\.1:\d+"


@dataclass
class Scheduler:
    """A scheduler and its workers.

    Attributes:
        address: the scheduler's.
        process: the scheduler's.
        workers: their processes.
    """

    address: str
    process: subprocess.Popen[bytes]
    workers: list[subprocess.Popen[bytes]]


@dataclass
class _Program:
    """A program of Dask's, and the file of what it says."""

    process: subprocess.Popen[bytes]
    log: Path

    @classmethod
    def start(cls, folder: Path, name: str, *words: str) -> _Program:
        log = folder / f"{name}-{len(list(folder.glob('*.log')))}.log"
        with log.open("wb") as file:
            process = subprocess.Popen(
                [sys.executable, "-m", f"distributed.cli.{name}", "--no-dashboard", *words],
                cwd=folder, env={**os.environ, "OMP_NUM_THREADS": "1"}, stdout=file, stderr=file,
            )  # fmt: skip
        return cls(process, log)

    def wait_for(self, pattern: str) -> str:
        deadline = time.monotonic() + STARTING
        while (match := re.search(pattern, self.log.read_text())) is None:
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        return match[0]

    def end(self) -> None:
        self.process.kill()
        self.process.wait()


def _start_scheduler(folder: Path) -> _Program:
    return _Program.start(folder, "dask_scheduler", "--host", "127.0.0.1", "--port", "0")


@pytest.fixture
def scheduler(tmp_path: Path) -> Iterator[Scheduler]:
    programs = [_start_scheduler(tmp_path)]
    try:
        address = programs[0].wait_for(ADDRESS)
        options = ("--nthreads", "1", "--no-nanny", "--local-directory", str(tmp_path / "dask"))
        programs += [_Program.start(tmp_path, "dask_worker", address, *options) for _ in range(2)]
        for worker in programs[1:]:
            worker.wait_for("Registered to")
        yield Scheduler(address, programs[0].process, [worker.process for worker in programs[1:]])
    finally:
        for program in programs:
            program.end()


@pytest.fixture
def place(tmp_path: Path) -> Path:
    folder = tmp_path / "place"
    (folder / "icons").mkdir(parents=True)
    (folder / "tiny.toml").write_text(TINY)
    with Image.open(CAT) as image:
        for i in range(COUNT):
            image.resize((24 + i, 24)).save(folder / "icons" / f"icon{i:02}.png")
    return folder


def test_a_worker_is_killed_in_the_middle_of_a_batch_and_nothing_is_lost(scheduler: Scheduler, place: Path) -> None:
    words = ["train", "icons", "--config", "tiny.toml", "--max-side", "24", "--cluster", scheduler.address, "--json"]
    batch = subprocess.Popen(
        [str(FLOWGIF), *words], cwd=place, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + STARTING
    while len(list((place / "runs").glob(f"*/{WEIGHTS}"))) < 4:
        assert time.monotonic() < deadline
        assert batch.poll() is None, batch.communicate()
        time.sleep(0.02)
    os.kill(scheduler.workers[0].pid, signal.SIGKILL)
    out, err = batch.communicate(timeout=300)
    assert batch.returncode == 0, err
    answer = BatchAnswer.model_validate_json(out)
    assert answer.failed == 0
    assert [row.name for row in answer.rows] == [f"icon{i:02}" for i in range(COUNT)]
    assert len({(place / str(row.run) / WEIGHTS).read_bytes() for row in answer.rows}) == COUNT
    assert sorted(path.name for path in (place / "runs").iterdir()) == [row.name for row in answer.rows]

    # The same as on this machine, bit by bit.
    alone = run_flowgif(*words[:1], "icons/icon05.png", *words[2:6], "--out", "alone", cwd=place)
    assert alone.code == 0
    for name in (CONFIG, WEIGHTS):
        assert (place / "alone" / name).read_bytes() == (place / "runs" / "icon05" / name).read_bytes()

    runs = [f"runs/icon{i:02}" for i in range(4)]
    done = run_flowgif("eval", *runs, "--cluster", scheduler.address, cwd=place)
    assert (done.code, len(done.out.splitlines())) == (0, 5)
    drawn = ("--each", "--out-dir", "gifs", "--frames", 3, "--size", 40, "--cluster", scheduler.address)
    assert run_flowgif("animate", *runs, *drawn, cwd=place).code == 0
    assert sorted(path.name for path in (place / "gifs").iterdir()) == [f"icon{i:02}.gif" for i in range(4)]


def test_a_scheduler_that_goes_is_said_and_what_is_done_is_kept(scheduler: Scheduler, place: Path) -> None:
    words = ["train", "icons", "--config", "tiny.toml", "--max-side", "24", "--cluster", scheduler.address]
    batch = subprocess.Popen(
        [str(FLOWGIF), *words], cwd=place, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + STARTING
    while len(list((place / "runs").glob(f"*/{WEIGHTS}"))) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    os.kill(scheduler.process.pid, signal.SIGKILL)
    _, err = batch.communicate(timeout=120)
    assert batch.returncode == 2, err
    assert f"the scheduler at {scheduler.address} has gone; start it again" in err
    assert 2 <= len(list((place / "runs").glob(f"*/{WEIGHTS}"))) < COUNT


def test_a_scheduler_without_workers_is_said(tmp_path: Path, place: Path) -> None:
    program = _start_scheduler(tmp_path)
    try:
        address = program.wait_for(ADDRESS)
        done = run_flowgif("train", "icons", "--cluster", address, cwd=place)
    finally:
        program.end()
    assert done.code == 2
    assert f"the scheduler at {address} has no worker; start one: dask worker {address}" in done.err
