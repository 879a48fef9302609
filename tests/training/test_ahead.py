"""The next result is computed meanwhile, and is the same as without a thread."""

from __future__ import annotations

import threading

import pytest
import torch

from flowgif.training import ahead
from flowgif.training.ahead import Ahead

SECONDS = 30.0  # after which a test has failed; nothing is measured


class _Counter:
    """Counts its calls, and knows the threads that they came from."""

    def __init__(self, fails_at: int | None = None) -> None:
        self.calls, self.fails_at = 0, fails_at
        self.threads: set[int] = set()
        self.at_once, self.most_at_once = 0, 0

    def __call__(self) -> int:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        self.threads.add(threading.get_ident())
        self.calls += 1
        number = self.calls
        self.at_once -= 1
        if number == self.fails_at:
            raise ValueError(f"call {number}")
        return number


@pytest.fixture(autouse=True)
def _two_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ahead, "count_threads", lambda: 2)


def test_results_come_in_order_from_one_other_thread() -> None:
    count = _Counter()
    coming = Ahead(count)
    assert [coming.next() for _ in range(50)] == list(range(1, 51))
    coming.stop()
    assert count.calls == 51
    assert count.most_at_once == 1
    assert len(count.threads) == 1
    assert threading.get_ident() not in count.threads


def test_random_draws_are_those_of_a_loop() -> None:
    generators = [torch.Generator().manual_seed(4) for _ in range(2)]
    coming = Ahead(lambda: torch.randn(100, generator=generators[0]))
    for _ in range(5):
        assert torch.equal(coming.next(), torch.randn(100, generator=generators[1]))
    coming.stop()


def test_nothing_is_computed_before_the_first_result_is_asked_for() -> None:
    count = _Counter()
    coming = Ahead(count)
    coming.stop()
    assert count.calls == 0


def test_the_next_result_is_computed_while_the_caller_works() -> None:
    started, go_on = threading.Event(), threading.Event()
    calls = 0

    def compute() -> int:
        nonlocal calls
        calls += 1
        if calls == 2:
            started.set()
            assert go_on.wait(SECONDS)
        return calls

    coming = Ahead(compute)
    assert coming.next() == 1
    assert started.wait(SECONDS)  # though nobody has asked for it
    go_on.set()
    assert coming.next() == 2
    coming.stop()


def test_an_exception_arrives_with_the_result_that_it_belongs_to() -> None:
    coming = Ahead(_Counter(fails_at=3))
    assert [coming.next(), coming.next()] == [1, 2]
    with pytest.raises(ValueError, match="call 3"):
        coming.next()


def test_stop_waits_for_the_call_and_forgets_its_result() -> None:
    started, go_on, finished = threading.Event(), threading.Event(), threading.Event()
    calls = 0

    def compute() -> int:
        nonlocal calls
        calls += 1
        if calls == 2:
            started.set()
            assert go_on.wait(SECONDS)
            finished.set()
        return calls

    coming = Ahead(compute)
    coming.next()
    assert started.wait(SECONDS)
    threading.Timer(0.05, go_on.set).start()
    coming.stop()
    assert finished.is_set()
    assert coming.next() == 3  # 2 is forgotten
    coming.stop()


def test_stop_says_nothing_of_a_call_that_failed() -> None:
    coming = Ahead(_Counter(fails_at=2))
    coming.next()
    coming.stop()
    assert coming.next() == 3
    coming.stop()


def test_with_one_thread_each_call_is_made_when_its_result_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ahead, "count_threads", lambda: 1)
    count = _Counter()
    coming = Ahead(count)
    assert [coming.next() for _ in range(5)] == [1, 2, 3, 4, 5]
    coming.stop()
    coming.close()
    assert count.calls == 5
    assert count.threads == {threading.get_ident()}
