"""Tries settings of every peer on the cat; the part ``peers`` takes the best of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from functools import partial
from typing import Any

from common.pictures import find_picture
from common.plan import Plan, Row
from peers.table import PEERS, Setting, is_installed

__all__ = ["measure_peer", "tuning"]

SECONDS, QUICK_SECONDS = 20.0, 0.2


def measure_peer(
    plan: Plan, name: str, setting: Setting, what: dict[str, Any], seconds: float, repeat: int
) -> dict[str, Any]:
    """Trains a peer in one process, which is what is timed, and measures its gap in another."""
    shared = {"name": name, "setting": asdict(setting), "what": what, "path": f"{name}.pt"}
    trained, counts = plan.call("peers.train:train", seconds=seconds, seed=repeat, **shared)
    measured, found = plan.call("peers.train:measure", **shared)
    return {
        **trained.cost,
        **counts,
        **found,
        "measuring_seconds": round(measured.seconds, 1),
    }


def tuning(plan: Plan) -> Iterator[Row]:
    """Yields a row for each setting of each peer that is installed."""
    what = {"img": str(find_picture("cat"))}
    seconds = QUICK_SECONDS if plan.quick else SECONDS
    for name, kind in PEERS.items():
        if is_installed(kind):
            for setting in kind.settings:
                key = plan.key(peer=name, setting=setting.label, training_seconds=seconds)
                yield Row(key, partial(measure_peer, plan, name, setting, what, seconds), 1)
