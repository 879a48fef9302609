"""Works through the jobs of a batch."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, CancelledError, Future, wait
from dataclasses import dataclass

from flowgif.batch.engines import Engine
from flowgif.batch.jobs import Call, Job, Outcome
from flowgif.errors import ExitCode, FlowgifError

__all__ = ["MOST_TRIES", "run_jobs"]

MOST_TRIES = 3  # of a job whose worker dies
DIED = f"its worker died {MOST_TRIES} times, killed or without memory; give fewer --workers"


@dataclass
class _Try:
    """A job that an engine has.

    Attributes:
        job: the job.
        call: what its worker calls.
        deaths: how many workers died while they may have worked on it.
    """

    job: Job
    call: Call
    deaths: int = 0


def run_jobs(
    jobs: Iterable[Job], engine: Engine, on_change: Callable[[list[str]], object] = lambda names: None
) -> Iterator[tuple[Job, Outcome]]:
    """Yields each job with what came of it, as soon as that is known.

    Only a few more jobs than an engine has workers are sent to it, so that few inputs are in memory at a time. If a
    worker dies, nobody knows which of the jobs at work killed it. Each of them is then tried alone, at most until three
    workers have died of it.

    Args:
        jobs: the jobs.
        engine: works on them.
        on_change: receives the names of the jobs that are being worked on.
    """
    return _Batch(jobs, engine).outcomes(on_change)


class _Batch:
    """The state of :func:`run_jobs`."""

    def __init__(self, jobs: Iterable[Job], engine: Engine) -> None:
        self._coming, self._engine = iter(jobs), engine
        self._suspects = deque[_Try]()
        self._running: dict[Future[Outcome], _Try] = {}

    def outcomes(self, on_change: Callable[[list[str]], object]) -> Iterator[tuple[Job, Outcome]]:
        while True:
            yield from self._fill()
            if not self._running:
                return
            on_change([attempt.job.name for attempt in self._running.values()][: self._engine.width])
            finished, _ = wait(self._running, return_when=FIRST_COMPLETED)
            for future in finished:
                error = CancelledError() if future.cancelled() else future.exception()
                if error is not None and self._engine.is_broken(error):
                    yield from self._take_back()
                    break
                yield self._running.pop(future).job, self._outcome_of(future, error)

    def _fill(self) -> Iterator[tuple[Job, Outcome]]:
        """Sends jobs to the engine; yields those whose input cannot be read."""
        if self._suspects:
            if not self._running:  # the others wait, so that an innocent job cannot be blamed again
                self._submit(self._suspects.popleft())
            return
        while len(self._running) < 2 * self._engine.width and not any(one.deaths for one in self._running.values()):
            job = next(self._coming, None)
            if job is None:
                return
            try:
                attempt = _Try(job, job.prepare())
            except FlowgifError as error:
                yield job, Outcome(error=" ".join(str(error).split()), exit_code=ExitCode(error.exit_code))
            else:
                self._submit(attempt)

    def _submit(self, attempt: _Try) -> None:
        function, arguments = attempt.call
        try:
            future = self._engine.executor.submit(function, *arguments)
        except BrokenExecutor:
            if self._running:  # these will say so too
                self._suspects.append(attempt)
                return
            self._engine.restart()
            future = self._engine.executor.submit(function, *arguments)
        self._running[future] = attempt

    def _take_back(self) -> Iterator[tuple[Job, Outcome]]:
        """Takes all jobs back from an engine that has broken; yields those that have been tried often enough."""
        lost, self._running = [*self._running.values()], {}
        self._engine.restart()
        for attempt in lost:
            attempt.deaths += 1
            if attempt.deaths < MOST_TRIES:
                self._suspects.append(attempt)
            else:
                yield attempt.job, Outcome(error=DIED, exit_code=ExitCode.FAULT)

    def _outcome_of(self, future: Future[Outcome], error: BaseException | None) -> Outcome:
        if error is None:
            return future.result()
        if self._engine.gave_up(error):
            return Outcome(error=DIED, exit_code=ExitCode.FAULT)
        return Outcome(error=f"a fault: {type(error).__name__}: {error}", exit_code=ExitCode.FAULT)
