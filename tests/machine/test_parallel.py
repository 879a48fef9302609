"""Items are processed at the same time, and their results come in order."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator

import pytest

from flowgif.machine.parallel import ordered_map


def _use_processors(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets this process use so many processors, with and without a function of the system that tells which."""
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: count)
    if hasattr(os, "sched_getaffinity"):
        monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(count)))


def _slower_first(item: int) -> int:
    time.sleep(0.002 * (5 - item % 5))
    return item * item


@pytest.mark.parametrize("processors", [1, 2, 5])
@pytest.mark.parametrize("count", [0, 1, 3, 30])
def test_results_come_in_order(count: int, processors: int, monkeypatch: pytest.MonkeyPatch) -> None:
    _use_processors(processors, monkeypatch)
    assert list(ordered_map(_slower_first, range(count))) == [item * item for item in range(count)]


def test_as_many_items_as_processors_are_in_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    _use_processors(3, monkeypatch)
    together = threading.Barrier(3, timeout=30)  # passes only if three wait at it
    threads = set(ordered_map(lambda _: (together.wait(), threading.get_ident())[1], range(6)))
    assert len(threads) == 3
    assert threading.get_ident() not in threads


@pytest.mark.parametrize(("processors", "wanted"), [(1, ""), (4, "1")])
def test_where_one_thread_may_work_it_is_the_callers(
    processors: int, wanted: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _use_processors(processors, monkeypatch)
    monkeypatch.setenv("OMP_NUM_THREADS", wanted)
    assert set(ordered_map(lambda _: threading.get_ident(), range(6))) == {threading.get_ident()}


def test_few_items_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    _use_processors(3, monkeypatch)
    taken = 0

    def items() -> Iterator[int]:
        nonlocal taken
        for item in range(100):
            taken += 1
            yield item

    for given, _ in enumerate(ordered_map(lambda item: item, items()), start=1):
        assert taken <= given + 3  # one in each thread, and this one


def test_in_its_own_threads_items_are_processed_one_after_another(monkeypatch: pytest.MonkeyPatch) -> None:
    _use_processors(2, monkeypatch)

    def inner(_: int) -> tuple[int, set[int], list[int]]:
        inside = list(ordered_map(lambda item: (threading.get_ident(), item), range(5)))
        return threading.get_ident(), {thread for thread, _ in inside}, [item for _, item in inside]

    for thread, used, items in ordered_map(inner, range(4)):
        assert used == {thread}
        assert items == list(range(5))


def test_an_exception_arrives_at_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    _use_processors(2, monkeypatch)

    def refuse(item: int) -> int:
        if item == 3:
            raise ValueError("item 3")
        return item

    results = ordered_map(refuse, range(10))
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ValueError, match="item 3"):
        next(results)


def test_the_threads_end_with_the_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    _use_processors(3, monkeypatch)
    before = threading.active_count()
    results = ordered_map(lambda item: item, range(100))
    assert next(results) == 0
    results.close()  # type: ignore[attr-defined]
    assert threading.active_count() == before
