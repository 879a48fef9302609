"""A batch of small pictures, on one process, on two, and on a Dask cluster of two workers on this machine."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from common.measure import Failed
from common.plan import Plan, Row

__all__ = ["batch", "draw"]

COUNT, SIDE, STEPS = 200, 64, 20
ALONE = 8  # icons trained with all default settings
NO_PROFILER = {"DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED": "False"}  # it looks at the worker's stack all the time
PAUSE = 0.2  # seconds between two looks at the memory
ADDRESS = r"tcp://127\.0\.0\.1:\d+"


def draw(count: int, folder: str) -> None:
    """Draws icons: the benchmark's pictures, turned."""
    from common.pictures import PICTURES, find_picture
    from PIL import Image

    Path(folder).mkdir(exist_ok=True)
    for i in range(count):
        with Image.open(find_picture(PICTURES[i % len(PICTURES)])) as image:
            turned = image.convert("L").resize((2 * SIDE, 2 * SIDE)).rotate(360 * i / count, fillcolor=255)
            turned.resize((SIDE, SIDE)).save(Path(folder) / f"icon{i:03}.png")


@contextmanager
def _cluster(environment: Mapping[str, str]) -> Iterator[tuple[str, list[int]]]:
    """Starts a scheduler and two workers; yields its address and the workers' numbers.

    Args:
        environment: variables for them, besides this process's.
    """
    with ExitStack() as stack:

        def start(name: str, pattern: str, *words: str) -> tuple[subprocess.Popen[bytes], str]:
            log = stack.enter_context(tempfile.NamedTemporaryFile())
            program = subprocess.Popen(
                [sys.executable, "-m", f"distributed.cli.{name}", "--no-dashboard", *words],
                stdout=log, stderr=log, env={**os.environ, "OMP_NUM_THREADS": "1", **environment},
            )  # fmt: skip
            stack.callback(program.wait)
            stack.callback(program.kill)
            while not (found := re.search(pattern, Path(log.name).read_text())):
                if program.poll() is not None:
                    raise Failed(Path(log.name).read_text())
                time.sleep(0.1)
            return program, found[0]

        _, address = start("dask_scheduler", ADDRESS, "--host", "127.0.0.1", "--port", "0")
        options = ("--nthreads", "1", "--no-nanny", "--local-directory", tempfile.gettempdir())
        workers = [start("dask_worker", "Registered to", address, *options)[0] for _ in range(2)]
        yield address, [worker.pid for worker in workers]


class _Memory(threading.Thread):
    """Looks again and again for the largest resident memory of one worker, bytes."""

    def __init__(self, workers: list[int]) -> None:
        super().__init__(daemon=True)
        self._workers, self._ended = workers, threading.Event()
        self.most = 0

    def run(self) -> None:
        page = os.sysconf("SC_PAGE_SIZE")
        while not self._ended.wait(PAUSE):
            for worker in self._workers or _descendants(os.getpid()):
                try:
                    size = int(Path(f"/proc/{worker}/statm").read_text().split()[1]) * page
                except OSError:
                    continue
                self.most = max(self.most, size)

    def end(self) -> None:
        self._ended.set()
        self.join()


def _descendants(pid: int) -> list[int]:
    """Returns the processes below one, but for its own children, which are callers."""
    parents: dict[int, int] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
    below = {pid}
    while new := {child for child, parent in parents.items() if parent in below} - below:
        below |= new
    return [child for child in below - {pid} if parents[child] != pid]


def _measure(
    plan: Plan, folder: str, words: tuple[object, ...], cluster: Mapping[str, str] | None, repeat: int
) -> dict[str, Any]:
    with ExitStack() as stack:
        address, workers = ("", []) if cluster is None else stack.enter_context(_cluster(cluster))
        memory = _Memory(workers)
        memory.start()
        where = ("--cluster", address) if address else ()
        timed = plan.flowgif("train", "--img", folder, *words, *where, "--out", f"runs/{folder}", "--force", "--json")
        memory.end()
    rows = json.loads(timed.out)["rows"]
    return {
        **timed.cost,
        "pictures": len(rows),
        "pictures_a_minute": round(60 * len(rows) / timed.seconds, 2),
        "worker_seconds": round(sum(row["seconds"] for row in rows), 2),
        "worker_megabytes": round(memory.most / 2**20, 1),
        "caller_milliseconds": round(1000 * timed.cpu / len(rows), 2),
        "picture_kilobytes": round(_size(Path(folder)) / 1000 / len(rows), 2),
        "run_kilobytes": round(_size(Path("runs") / folder) / 1000 / len(rows), 2),
    }


def _size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def batch(plan: Plan) -> Iterator[Row]:
    """Yields a row for each engine, and one for icons with all default settings."""
    count, alone = (3, 2) if plan.quick else (COUNT, ALONE)
    for number, folder in ((count, "icons"), (alone, "few")):
        plan.call("parts.batch:draw", count=number, folder=folder)
    short = ("--steps", STEPS)
    rows: dict[str, tuple[str, tuple[object, ...], Mapping[str, str] | None]] = {
        "one process": ("icons", (*short, "--workers", 1), None),
        "two processes": ("icons", (*short, "--workers", 2), None),
        "Dask, two workers": ("icons", short, {}),
        "Dask, two workers without its profiler": ("icons", short, NO_PROFILER),
        "two processes, default settings": ("few", ("--workers", 2), None),
    }
    # Engines are compared, so they take turns: the machine's speed changes within minutes.
    for turn in range(plan.few):
        for name, (folder, words, cluster) in rows.items():
            yield Row(plan.key(engine=name), partial(_measure, plan, folder, words, cluster), turn + 1)
