"""A device, threads and delayed interrupts, which go back to what they were."""

from __future__ import annotations

import signal
import threading

import pytest
import torch
from threadpoolctl import threadpool_info, threadpool_limits

from flowgif.errors import UnusableInput
from flowgif.machine.device import find_device, use_threads
from flowgif.machine.signals import delay_interrupts


def test_a_device_is_found_or_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert [find_device(name, heavy=True).type for name in ("auto", "cpu", "cuda")] == ["cuda", "cpu", "cuda"]
    assert [find_device(name, heavy=False).type for name in ("auto", "cpu", "cuda")] == ["cpu", "cpu", "cuda"]
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert find_device("auto", heavy=True).type == "cpu"
    with pytest.raises(UnusableInput, match=r"--device cuda is not available on this machine; usable: auto, cpu$"):
        find_device("cuda", heavy=True)


def test_threads_are_as_many_as_before_afterwards() -> None:
    before = torch.get_num_threads()
    with use_threads(before + 1):
        assert torch.get_num_threads() == before + 1
    assert torch.get_num_threads() == before
    with use_threads(None):
        assert torch.get_num_threads() == before


def test_products_of_numpy_use_one_thread() -> None:
    def counts() -> set[int]:
        return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}

    with threadpool_limits(2, user_api="blas"):
        before = counts()
        for count in (None, 2):
            with use_threads(count):
                assert counts() == {1}
            assert counts() == before


def test_the_first_interrupt_waits_and_the_second_does_not() -> None:
    # Where tests run in the background, interrupts may be ignored.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with delay_interrupts() as interrupted:
            assert not interrupted.is_set()
            signal.raise_signal(signal.SIGINT)
            assert interrupted.is_set()
            with pytest.raises(KeyboardInterrupt):
                signal.raise_signal(signal.SIGINT)
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        with delay_interrupts() as interrupted:
            signal.raise_signal(signal.SIGINT)
            assert not interrupted.is_set()
    finally:
        signal.signal(signal.SIGINT, before)


def test_another_thread_leaves_interrupts_alone() -> None:
    handlers = []

    def work() -> None:
        with delay_interrupts() as interrupted:
            handlers.append((signal.getsignal(signal.SIGINT), interrupted.is_set()))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert handlers == [(signal.getsignal(signal.SIGINT), False)]
