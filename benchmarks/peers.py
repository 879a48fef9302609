"""Prints flowgif's discrete flows beside zuko's, under the same time budget: ``make bench-peers`` (about 13 minutes).

Training alone, on this machine, one after another. The peers have the same targets, fresh points every step, Adam with
a linear decay of the rate to zero, and their gap is measured by the same estimator. Layered flows train on one thread,
zuko's too: two are slower for such small operations.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import torch
import zuko
from figures import ROOT, machine, run
from torch import Tensor, nn

import flowgif
from flowgif.config.schema import TargetConfig
from flowgif.evaluation.gap import measure_gap
from flowgif.targets.build import build_target

CAT = ROOT / "imgs" / "cat.png"


class Peer(nn.Module):
    """What measure_gap asks of a flow."""

    evaluations = 1

    def __init__(self, flow: nn.Module) -> None:
        super().__init__()
        self.flow = flow

    def log_prob(self, x: Tensor) -> Tensor:
        # Two thousand points at a time: zuko's continuous flow would hold them all in its solve.
        return torch.cat([self.flow().log_prob(part) for part in x.split(2048)])

    def relaxed(self, tolerance: float) -> Peer:
        return self


def nsf(depth: int) -> nn.Module:
    return zuko.flows.NSF(2, 0, bins=16, transforms=6, hidden_features=[64] * depth)


def realnvp(width: int) -> nn.Module:
    return zuko.flows.RealNVP(2, 0, transforms=12, hidden_features=[width] * 2)


def peer(
    make: Callable[[], nn.Module], target: TargetConfig, seconds: float, batch: int, lr: float, threads: int = 1
) -> str:
    torch.manual_seed(0)
    torch.set_num_threads(threads)
    mixture = build_target(target)
    flow = make()
    optimiser = torch.optim.Adam(flow.parameters(), lr=lr, fused=True)
    start, steps = time.perf_counter(), 0
    while (done := (time.perf_counter() - start) / seconds) < 1:
        optimiser.param_groups[0]["lr"] = lr * (1 - done)
        optimiser.zero_grad()
        loss = -flow().log_prob(mixture.sample(batch)).mean()
        loss.backward()
        nn.utils.clip_grad_norm_(flow.parameters(), 1.0)
        optimiser.step()
        steps += 1
    gap = measure_gap(Peer(flow), mixture)
    weights = sum(p.numel() for p in flow.parameters())
    return f"gap {gap.gap:.4f} (se {gap.standard_error:.4f})  {steps:5d} steps  {weights:7d} weights"


def ours(model: str, what: tuple[object, ...], seconds: float) -> str:
    trained = run("train", *what, "--model", model, "--time-budget", f"{seconds}s", "--out", "run", "--force", "--json")
    steps = json.loads(trained.out)["steps"]
    report = json.loads(run("eval", "run", "--json").out)
    weights = sum(p.numel() for p in flowgif.load("run").flow.parameters())
    return f"gap {report['gap']:.4f} (se {report['gap_se']:.4f})  {steps:5d} steps  {weights:7d} weights"


def main() -> None:
    print(f"machine: {machine()}, zuko {version('zuko')}", flush=True)
    with tempfile.TemporaryDirectory() as name:
        os.chdir(name)
        print("\nthe cat, a silhouette of 400x400, 60 s of training", flush=True)
        picture = TargetConfig(img=Path(CAT))
        for model in ("spline", "realnvp", "glow"):
            print(f"flowgif {model:<26} {ours(model, ('--img', CAT), 60)}", flush=True)
        peers: list[tuple[str, Callable[[], nn.Module], int, float]] = [
            ("NSF, 6 x 16 bins, 3x64", lambda: nsf(3), 2048, 2e-3),
            ("RealNVP, 12, 2x128", lambda: realnvp(128), 2048, 2e-3),
            ("RealNVP, 12, 2x128, lr 5e-3", lambda: realnvp(128), 1024, 5e-3),
            ("CNF, 3x64", lambda: zuko.flows.CNF(2, 0, hidden_features=[64] * 3), 512, 5e-3),
        ]
        for label, make, batch, lr in peers:
            print(f"zuko {label:<29} {peer(make, picture, 60, batch, lr)}", flush=True)
        print("\ntwo moons, noise 0.05, 40 s of training", flush=True)
        moons = TargetConfig(data="moons", noise=0.05)
        for model in ("spline", "realnvp", "glow"):
            print(f"flowgif {model:<26} {ours(model, ('--data', 'moons', '--noise', 0.05), 40)}", flush=True)
        for label, make in (("NSF, 6 x 16 bins, 2x64", lambda: nsf(2)), ("RealNVP, 12, 2x64", lambda: realnvp(64))):
            print(f"zuko {label:<29} {peer(make, moons, 40, 1024, 2e-3)}", flush=True)


if __name__ == "__main__":
    main()
