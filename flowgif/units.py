"""Reads and writes file sizes and durations in a readable form."""

from __future__ import annotations

import math
import re

from flowgif.errors import UnusableInput

__all__ = ["describe", "describe_time_left", "parse_bytes", "parse_duration"]

BYTES = {"": 1, "K": 1024, "M": 1024**2, "G": 1024**3}
SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0}


def parse_bytes(text: str) -> int:
    """Returns the number of bytes of '200000', '128KB' or '1.5MB'.

    A KB is 1024 bytes, as in the limits of the services.

    Raises:
        UnusableInput: the text is no size.
    """
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([KMG]?)(?:i?B)?\s*", text, re.IGNORECASE)
    size = int(float(match[1]) * BYTES[match[2].upper()]) if match else 0
    if size < 1:
        raise UnusableInput(f"'{text}' is no file size; give one like 200000, 128KB or 1.5MB")
    return size


def describe(size: int) -> str:
    """Returns a number of bytes as '1.5 MB', '128 KB' or '900 bytes'."""
    for unit in ("M", "K"):
        if size >= BYTES[unit]:
            return f"{size / BYTES[unit]:.4g} {unit}B"
    return f"{size} bytes"


def describe_time_left(seconds: float) -> str:
    """Returns '12 s left' or '3 min left'."""
    return f"{seconds / 60:.0f} min left" if seconds >= 120 else f"{seconds:.0f} s left"


def parse_duration(text: str) -> float:
    """Returns the number of seconds of '30s', '2m', '1.5h' or a number without a unit.

    Raises:
        ValueError: the text is no duration, or the duration is not positive.
    """
    number, unit = (text[:-1], SECONDS[text[-1]]) if text and text[-1] in SECONDS else (text, 1.0)
    try:
        seconds = float(number) * unit
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise ValueError(f"'{text}' is no duration; write 30s, 2m or 1.5h")
    return seconds
