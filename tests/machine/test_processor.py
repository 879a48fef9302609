"""What the processor is capable of is read from the system, on any system."""

from __future__ import annotations

import os
import platform
import sys
import types
from pathlib import Path

import pytest

from flowgif.machine import processor
from flowgif.machine.processor import (
    count_processors,
    count_threads,
    describe_processor,
    read_cpuinfo,
    read_instructions,
)

CPUINFO = "processor\t: 0\nmodel name\t: A Processor\nflags\t\t: fpu sse2 {more}\n\nprocessor\t: 1\nflags\t\t: other\n"


@pytest.fixture
def cpuinfo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file in which Linux describes the processors; the test writes it."""
    path = tmp_path / "cpuinfo"
    monkeypatch.setattr(processor, "CPUINFO", path)
    monkeypatch.setattr(processor, "count_processors", lambda: 2)
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    return path


def test_the_first_processor_is_read(cpuinfo: Path) -> None:
    cpuinfo.write_text(CPUINFO.format(more="avx2"))
    assert read_cpuinfo("model name") == "A Processor"
    assert read_cpuinfo("bogomips") == ""
    assert read_instructions() == {"fpu", "sse2", "avx2"}


def test_a_slow_processor_is_told_from_a_fast_one(cpuinfo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    assert describe_processor() == "2 x86_64 cores, AVX2 unknown"
    cpuinfo.write_text(CPUINFO.format(more="avx"))
    assert describe_processor() == "2 x86_64 cores without AVX2, which makes trainings slower"
    cpuinfo.write_text(CPUINFO.format(more="avx avx2 avx512f"))
    assert describe_processor() == "2 x86_64 cores with AVX2"
    monkeypatch.setattr(processor, "count_processors", lambda: 1)
    monkeypatch.setattr(platform, "machine", lambda: "arm64")
    assert describe_processor() == "1 arm64 core"


@pytest.mark.parametrize(("answer", "words"), [(1, "with AVX2"), (0, "without AVX2, which makes trainings slower")])
def test_windows_is_asked(answer: int, words: str, cpuinfo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import ctypes

    asked: list[int] = []
    kernel = types.SimpleNamespace(IsProcessorFeaturePresent=lambda feature: asked.append(feature) or answer)
    monkeypatch.setattr(ctypes, "windll", types.SimpleNamespace(kernel32=kernel), raising=False)
    monkeypatch.setattr(sys, "platform", "win32")
    assert describe_processor() == f"2 x86_64 cores {words}"
    assert asked == [40]


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="the system does not tell")
def test_processors_that_this_process_may_not_use_do_not_count() -> None:
    before = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(before)})
        assert count_processors() == 1
    finally:
        os.sched_setaffinity(0, before)
    assert count_processors() == len(before)


def test_it_agrees_with_torch() -> None:
    import torch

    if platform.machine() == "x86_64":
        has_avx2 = torch.backends.cpu.get_cpu_capability() in {"AVX2", "AVX512"}
        assert describe_processor().endswith("with AVX2") == has_avx2


@pytest.mark.parametrize(("wanted", "threads"), [("", 4), ("1", 1), ("3", 3), ("8", 4), ("0", 4), ("2,1", 2), ("x", 4)])
def test_fewer_threads_may_be_wanted(wanted: str, threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processor, "count_processors", lambda: 4)
    monkeypatch.setenv("OMP_NUM_THREADS", wanted)
    assert count_threads() == threads
