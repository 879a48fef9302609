"""Sizes and durations, as people write and read them."""

from __future__ import annotations

import math
import re

from flowgif.errors import UnusableInput

__all__ = ["describe", "parse_bytes", "parse_duration"]

BYTES = {"": 1, "K": 1024, "M": 1024**2, "G": 1024**3}
SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0}


def parse_bytes(text: str) -> int:
    """Returns the bytes of '200000', '128KB' or '1.5MB'.

    A KB is 1024 bytes, as the services mean it that have such limits.

    Raises:
        UnusableInput: that is no size.
    """
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([KMG]?)(?:i?B)?\s*", text, re.IGNORECASE)
    size = int(float(found[1]) * BYTES[found[2].upper()]) if found else 0
    if size < 1:
        raise UnusableInput(f"'{text}' is no file size; give one like 200000, 128KB or 1.5MB")
    return size


def describe(size: int) -> str:
    """Returns a number of bytes as '1.5 MB', '128 KB' or '900 bytes'."""
    for unit in ("M", "K"):
        if size >= BYTES[unit]:
            return f"{size / BYTES[unit]:.4g} {unit}B"
    return f"{size} bytes"


def parse_duration(text: str) -> float:
    """Returns the seconds of '30s', '2m', '1.5h' or a bare number of seconds.

    Raises:
        ValueError: it is neither, or not positive.
    """
    number, unit = (text[:-1], SECONDS[text[-1]]) if text and text[-1] in SECONDS else (text, 1.0)
    try:
        seconds = float(number) * unit
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise ValueError(f"'{text}' is no duration; write 30s, 2m or 1.5h")
    return seconds
