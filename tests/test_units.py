"""Sizes and durations."""

from __future__ import annotations

import pytest

from flowgif.errors import UnusableInput
from flowgif.units import describe, describe_time_left, parse_bytes, parse_duration


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("200000", 200_000),
        ("128KB", 131_072),
        ("128 kB", 131_072),
        ("1.5MB", 1_572_864),
        ("2M", 2 << 20),
        ("7B", 7),
        ("1GiB", 1 << 30),
        (" 0.5k ", 512),
    ],
)
def test_sizes_are_read(text: str, size: int) -> None:
    assert parse_bytes(text) == size


@pytest.mark.parametrize("text", ["", "MB", "-3", "1,5MB", "12 apples", "0", "0.2", "1e3", "1TB", "inf"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(UnusableInput, match="128KB"):
        parse_bytes(text)


@pytest.mark.parametrize(
    ("size", "text"), [(900, "900 bytes"), (131_072, "128 KB"), (1_572_864, "1.5 MB"), (1 << 30, "1024 MB")]
)
def test_sizes_are_described(size: int, text: str) -> None:
    assert describe(size) == text


def test_the_time_left_has_its_unit() -> None:
    assert [describe_time_left(seconds) for seconds in (0, 12.4, 119, 120, 3600)] == [
        "0 s left", "12 s left", "119 s left", "2 min left", "60 min left"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "seconds"), [("30s", 30), ("2m", 120), ("1.5h", 5400), ("45", 45), ("0.5", 0.5), ("1e2s", 100)]
)
def test_durations_are_read(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "s", "-3s", "0", "soon", "1d", "inf", "nanm", "1:30"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"is no duration; write 30s, 2m or 1.5h"):
        parse_duration(text)
