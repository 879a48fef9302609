"""Gap against wall-clock seconds, of flowgif's models and of other libraries' flows, on the same targets."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from common.pictures import find_picture
from common.plan import Plan, Row
from common.results import read_results
from peers.table import PEERS, Setting, is_installed

from parts.targets import train_within
from parts.tuning import QUICK_SECONDS, measure_peer

__all__ = ["best_settings", "peers"]

MODELS = ("ffjord", "spline", "realnvp", "glow")
# Seconds of the whole command for flowgif; of training alone for a peer, whose start-up comes on top.
SECONDS: dict[str, tuple[float, ...]] = {"cat": (8, 20, 60), "moons": (20,)}
# The moons are a second opinion, so not all peers are trained on them.
ON_MOONS = ("zuko-nsf", "zuko-realnvp", "normflows-realnvp", "torchcfm-otcfm")
NOISE = 0.05  # of the moons, in their own units


def best_settings() -> dict[str, Setting]:
    """Returns the setting of each peer with the least gap in the results of the part ``tuning``.

    Raises:
        SystemExit: there are no such results.
    """
    content = read_results("tuning")
    if content is None:
        raise SystemExit("the part peers needs the results of the part tuning; run that first")
    found: dict[str, tuple[float, Setting]] = {}
    for name, kind in PEERS.items():
        for setting in kind.settings:
            for row in content["rows"]:
                if (row["key"]["peer"], row["key"]["setting"]) == (name, setting.label):
                    gap = row["repeats"][0].get("gap", float("inf"))
                    if name not in found or gap < found[name][0]:
                        found[name] = gap, setting
    return {name: setting for name, (_, setting) in found.items()}


def _target(name: str) -> tuple[dict[str, Any], tuple[object, ...]]:
    """Returns a target as fields of flowgif's settings, and as options of ``train``."""
    if name == "moons":
        return {"data": "moons", "noise": NOISE}, ("--data", "moons", "--noise", NOISE)
    picture = find_picture(name)
    return {"img": str(picture)}, ("--img", picture)


def peers(plan: Plan) -> Iterator[Row]:
    """Yields a row for each flow, target and number of seconds."""
    chosen = {name: kind.settings[0] for name, kind in PEERS.items()} if plan.quick else best_settings()
    for target, times in SECONDS.items():
        what, options = _target(target)
        for seconds in times[:1] if plan.quick else times:
            for model in MODELS:
                key = plan.key(library="flowgif", flow=model, target=target, seconds=seconds)
                yield Row(key, partial(train_within, plan, (*options, "--model", model), seconds), plan.few)
            for name, setting in chosen.items():
                kind = PEERS[name]
                if is_installed(kind) and (target != "moons" or name in ON_MOONS):
                    key = plan.key(library=kind.title, flow=kind.flow, target=target, seconds=seconds)
                    training = QUICK_SECONDS if plan.quick else seconds
                    yield Row(key, partial(measure_peer, plan, name, setting, what, training), plan.few)
