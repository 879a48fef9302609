"""The table of parts."""

from __future__ import annotations

from common.plan import Part

from parts.tuning import tuning

__all__ = ["PARTS"]

PARTS: dict[str, Part] = {
    "tuning": tuning,
}
