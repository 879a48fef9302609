"""Engines that work on jobs: processes of this machine, or a Dask cluster. Both give an ``Executor``."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import threading
import time
from abc import abstractmethod
from concurrent.futures import BrokenExecutor, CancelledError, Executor, ProcessPoolExecutor
from contextlib import AbstractContextManager, suppress
from types import TracebackType
from typing import Any

from flowgif.errors import ExitCode, Stopped, UnusableInput
from flowgif.machine.processor import count_processors
from flowgif.runs.finished import Versions

__all__ = ["Cluster", "Engine", "Pool", "open_engine"]

PATIENCE = 5.0  # seconds for workers to end
CONNECTING = 10.0  # seconds until a scheduler, or its first worker, must have answered
PRELOADED = ["flowgif.batch.work", "flowgif.api"]  # imported once for all processes; the second brings torch


class Engine(AbstractContextManager["Engine"]):
    """Works on several jobs at the same time.

    Attributes:
        width: how many.
        executor: takes them.
    """

    width: int
    executor: Executor

    @abstractmethod
    def restart(self) -> None:
        """Makes a new executor after the other one has broken."""

    @abstractmethod
    def is_broken(self, error: BaseException) -> bool:
        """Whether an error of a job says that the executor has broken, and lost all jobs that it had.

        Raises:
            UnusableInput: it has, and no other can be made.
        """

    @abstractmethod
    def gave_up(self, error: BaseException) -> bool:
        """Whether an error of a job says that its workers died again and again."""

    @abstractmethod
    def close(self, at_once: bool) -> None:
        """Ends the work; ``at_once`` without waiting for what is being done."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close(at_once=kind is not None)


def open_engine(workers: int | None, cluster: str | None, jobs: int) -> Engine:
    """Opens the engine that a user asks for.

    Args:
        workers: number of processes of this machine; None for one a processor.
        cluster: the address of a scheduler; None for this machine.
        jobs: number of jobs, which need no more workers.

    Raises:
        UnusableInput: both are given, or the cluster cannot be used.
    """
    if cluster is None:
        return Pool(max(1, min(workers or count_processors(), jobs)))
    if workers is not None:
        raise UnusableInput("--workers are processes of this machine, and --cluster has its own; leave one of them out")
    return Cluster(cluster)


class Pool(Engine):
    """Processes of this machine, of one thread each, which import torch once and do many jobs.

    Args:
        width: their number.
    """

    def __init__(self, width: int) -> None:
        self.width = width
        # One thread a process keeps all processors busy without the threads waiting for each other.
        os.environ.setdefault("OMP_NUM_THREADS", "1")
        ways = multiprocessing.get_all_start_methods()
        # Where there is a server, it imports torch, and the processes share that memory.
        self._context = multiprocessing.get_context("forkserver" if "forkserver" in ways else "spawn")
        if "forkserver" in ways:
            self._context.set_forkserver_preload(PRELOADED)
        self.executor = ProcessPoolExecutor(width, self._context, _begin)

    def restart(self) -> None:
        self.executor.shutdown(wait=False, cancel_futures=True)
        self.executor = ProcessPoolExecutor(self.width, self._context, _begin)

    def is_broken(self, error: BaseException) -> bool:
        return isinstance(error, BrokenExecutor)

    def gave_up(self, error: BaseException) -> bool:
        return False

    def close(self, at_once: bool) -> None:
        self.executor.shutdown(wait=not at_once, cancel_futures=True)
        if not at_once:
            return
        workers = multiprocessing.active_children()
        for worker in workers:
            worker.terminate()
        deadline = time.monotonic() + PATIENCE
        for worker in workers:
            worker.join(max(0.0, deadline - time.monotonic()))
            worker.kill()


def _begin() -> None:
    """Prepares a process: signals from the terminal are the caller's, and without the caller it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(signal, "SIGHUP"):
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _stop)
    threading.Thread(target=_end_with_caller, daemon=True).start()


def _stop(number: int, frame: object) -> None:
    raise Stopped(ExitCode.TERMINATED)


_stop.is_flowgifs = True  # pyright: ignore[reportFunctionMemberAccess]  # a training ends its step first


def _end_with_caller() -> None:
    caller = multiprocessing.parent_process()
    if caller is not None:
        caller.join()
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(PATIENCE)
        os._exit(1)


class Cluster(Engine):
    """The workers of a Dask scheduler.

    Args:
        address: the scheduler's, as tcp://host:8786.

    Raises:
        UnusableInput: Dask is not installed, there is no scheduler or worker, or the workers have other versions.
    """

    def __init__(self, address: str) -> None:
        try:
            from distributed import Client
            from distributed.scheduler import KilledWorker
        except ImportError:
            raise UnusableInput("--cluster needs Dask; install it: pip install distributed") from None
        logging.getLogger("distributed").setLevel(logging.CRITICAL)  # what it says is said in our own words
        self._address, self._killed = address, KilledWorker
        try:
            self._client: Any = Client(address, timeout=CONNECTING, set_as_default=False)
        except (OSError, ValueError, TypeError) as error:
            raise UnusableInput(
                f"no scheduler answers at {address} ({type(error).__name__}); start one: dask scheduler"
            ) from None
        try:
            self._check_workers()
        except BaseException:
            self._client.close()
            raise
        self.width = max(1, sum(self._client.nthreads().values()))
        self.restart()

    def _check_workers(self) -> None:
        try:
            self._client.wait_for_workers(1, timeout=CONNECTING)
            found: dict[str, Any] = self._client.run(Versions.here, on_error="return")
        except (TimeoutError, OSError) as error:
            raise UnusableInput(
                f"the scheduler at {self._address} has no worker; start one: dask worker {self._address} --nthreads 1"
            ) from error
        here = Versions.here()
        for worker, versions in found.items():
            if versions != here:
                has = versions if isinstance(versions, Versions) else f"no flowgif that answers ({versions})"
                raise UnusableInput(
                    f"the worker at {worker} has {has}, and this machine {here}; install the same on both"
                )

    def restart(self) -> None:
        self.executor = self._client.get_executor(pure=False)

    def is_broken(self, error: BaseException) -> bool:
        if isinstance(error, (CancelledError, OSError)) and self._client.status != "running":
            raise UnusableInput(
                f"the scheduler at {self._address} has gone; start it again, and go on with --skip-existing"
            ) from None
        return False

    def gave_up(self, error: BaseException) -> bool:
        return isinstance(error, self._killed)

    def close(self, at_once: bool) -> None:
        with suppress(OSError, TimeoutError):
            self.executor.shutdown(wait=not at_once)
        self._client.close(timeout=PATIENCE)
