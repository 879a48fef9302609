"""Jobs are worked through on several processes, and a worker that dies loses none of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import batch_jobs
import pytest

from flowgif.batch.engines import Engine, Pool, open_engine
from flowgif.batch.jobs import Job, Outcome
from flowgif.batch.run import DIED, MOST_TRIES, run_jobs
from flowgif.errors import ExitCode, UnusableInput


def job(name: object, function: Callable[..., Outcome], *arguments: Any) -> Job:
    return Job(str(name), lambda: (function, arguments))


def outcomes(jobs: list[Job], engine: Engine) -> dict[str, Outcome]:
    found = [(job.name, outcome) for job, outcome in run_jobs(jobs, engine)]
    assert len(found) == len(jobs)
    assert {name for name, _ in found} == {job.name for job in jobs}
    return dict(found)


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    with Pool(2) as engine:
        yield engine


def test_all_are_done_each_once(pool: Pool, tmp_path: Path) -> None:
    working: list[list[str]] = []
    jobs = [job(i, batch_jobs.number, i, tmp_path / str(i)) for i in range(12)]
    found = {job.name: outcome for job, outcome in run_jobs(jobs, pool, working.append)}
    assert {name: outcome.figures["number"] for name, outcome in found.items()} == {str(i): i for i in range(12)}
    assert all((tmp_path / str(i)).read_text() == "x" for i in range(12))
    assert max(map(len, working)) == pool.width


def test_inputs_are_read_late(pool: Pool) -> None:
    read: list[int] = []
    most = 0

    def prepare(i: int) -> Any:
        read.append(i)
        return batch_jobs.number, (i,)

    for done, _ in enumerate(run_jobs((Job(str(i), lambda i=i: prepare(i)) for i in range(20)), pool)):
        most = max(most, len(read) - done)
    assert most <= 2 * pool.width + 1


def test_an_input_that_cannot_be_read_is_one_row(pool: Pool) -> None:
    def refuse() -> Any:
        raise UnusableInput("no such picture")

    found = outcomes([Job("bad", refuse), job("good", batch_jobs.number, 1)], pool)
    assert (found["bad"].error, found["bad"].exit_code) == ("no such picture", ExitCode.UNUSABLE_INPUT)
    assert found["good"].error is None


def test_a_fault_is_one_row(pool: Pool) -> None:
    found = outcomes([job("bad", batch_jobs.fail), *(job(i, batch_jobs.number, i) for i in range(4))], pool)
    assert found["bad"].error == "a fault: ZeroDivisionError: of a test"
    assert found["bad"].exit_code == ExitCode.FAULT
    assert all(found[str(i)].error is None for i in range(4))


def test_a_job_whose_worker_dies_is_repeated(pool: Pool, tmp_path: Path) -> None:
    jobs = [job(i, batch_jobs.number, i) for i in range(6)]
    jobs.insert(2, job("killed", batch_jobs.die_once, 7, tmp_path / "killed"))
    found = outcomes(jobs, pool)
    assert found["killed"].figures == {"number": 7}
    assert all(found[str(i)].figures == {"number": i} for i in range(6))


def test_a_job_that_kills_each_worker_is_given_up_and_no_other(pool: Pool, tmp_path: Path) -> None:
    jobs = [job(i, batch_jobs.number, i) for i in range(6)]
    for name in ("first", "second"):
        jobs.insert(2, job(name, batch_jobs.die, tmp_path / name))
    found = outcomes(jobs, pool)
    for name in ("first", "second"):
        assert (found[name].error, found[name].exit_code) == (DIED, ExitCode.FAULT)
        assert 1 <= len((tmp_path / name).read_text()) <= MOST_TRIES
    assert all(found[str(i)].figures == {"number": i} for i in range(6))


def test_two_kinds_of_workers_are_refused() -> None:
    with pytest.raises(UnusableInput, match="leave one of them out"):
        open_engine(2, "tcp://127.0.0.1:1", 3)


def test_a_scheduler_that_is_not_there_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flowgif.batch.engines.CONNECTING", 0.5)
    with pytest.raises(UnusableInput, match=r"no scheduler answers at tcp://127\.0\.0\.1:9"):
        open_engine(None, "tcp://127.0.0.1:9", 3)
