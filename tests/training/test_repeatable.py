"""The same seed gives the same weights on an accelerator too. The processor's bytes are compared elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from flowgif import session
from flowgif.runs.settings import read_settings

SETTINGS: dict[str, dict[str, dict[str, object]]] = {
    "grid": {"model": {"name": "ffjord"}},
    "fourier": {"model": {"name": "ffjord", "network": "fourier"}},
    "likelihood": {"model": {"name": "ffjord"}, "training": {"objective": "likelihood"}},
    "realnvp": {"model": {"name": "realnvp"}},
    "glow": {"model": {"name": "glow"}},
    "spline": {"model": {"name": "spline"}},
}


@pytest.mark.skipif(not torch.cuda.is_available(), reason="this machine has no CUDA device")
@pytest.mark.parametrize("name", SETTINGS)
def test_the_same_seed_gives_the_same_weights(name: str, tmp_path: Path) -> None:
    weights: list[bytes] = []
    for folder in (tmp_path / "a", tmp_path / "b"):
        flags = {"target": {"data": "moons"}, "model": {}, "training": {}, **SETTINGS[name]}
        flags["training"] = {**flags["training"], "steps": 4, "batch_size": 512, "seed": 3, "device": "cuda"}
        session.train(read_settings(None, flags), folder)
        weights.append((folder / "weights.safetensors").read_bytes())
    assert weights[0] == weights[1]
