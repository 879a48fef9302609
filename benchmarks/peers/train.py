"""Trains a peer and measures its gap; each function is called in a process of its own."""

from __future__ import annotations

import importlib
import time
from pathlib import Path
from typing import Any

import torch
from torch import nn

from flowgif.config.schema import TargetConfig
from flowgif.errors import NumericalError
from flowgif.evaluation.gap import measure_gap
from flowgif.targets.build import build_target
from flowgif.targets.mixture import GaussianMixture
from peers.base import Peer
from peers.table import PEERS, Setting

__all__ = ["measure", "train"]


def _build_target(what: dict[str, Any]) -> GaussianMixture:
    return build_target(TargetConfig.model_validate(what))


def _make(name: str, width: int) -> Peer:
    module, _, kind = PEERS[name].made_by.partition(":")
    return getattr(importlib.import_module(module), kind)(width)


def train(
    name: str, setting: dict[str, Any], what: dict[str, Any], seconds: float, path: str, seed: int = 0
) -> dict[str, Any]:
    """Trains a peer by Adam for some seconds and saves its weights.

    Args:
        name: of the peer.
        setting: the fields of its :class:`Setting`.
        what: the fields of flowgif's target settings.
        seconds: of training alone, as flowgif's ``--time-budget`` counts it.
        path: of the file for the weights.
        seed: of weights and points.

    Returns:
        The number of steps and of weights.
    """
    chosen = Setting(**setting)
    torch.manual_seed(seed)
    torch.set_num_threads(chosen.threads)
    mixture = _build_target(what)
    peer = _make(name, chosen.width)
    optimiser = torch.optim.Adam(peer.parameters(), lr=chosen.lr, weight_decay=peer.weight_decay, fused=True)
    start, steps = time.perf_counter(), 0
    while (done := (time.perf_counter() - start) / seconds) < 1:
        if chosen.decay:
            optimiser.param_groups[0]["lr"] = chosen.lr * (1 - done)
        optimiser.zero_grad()
        peer.loss(mixture.sample(chosen.batch)).backward()
        if peer.clip is not None:
            nn.utils.clip_grad_norm_(peer.parameters(), peer.clip)
        optimiser.step()
        steps += 1
    torch.save(peer.state_dict(), Path(path))
    return {"steps": steps, "weights": sum(p.numel() for p in peer.parameters())}


def measure(name: str, setting: dict[str, Any], what: dict[str, Any], path: str) -> dict[str, Any]:
    """Measures the gap of a trained peer by the function that ``flowgif eval`` uses.

    Returns:
        The gap and its standard error in nats, or the error that the measurement ended with.
    """
    peer = _make(name, Setting(**setting).width)
    peer.load_state_dict(torch.load(Path(path), weights_only=True))
    peer.eval()
    # A peer has a few methods of a flow, and measure_gap uses no others.
    flow: Any = peer
    try:
        found = measure_gap(flow, _build_target(what))
    except NumericalError as error:
        return {"error": str(error)}
    return {"gap": found.gap, "gap_se": found.standard_error}
