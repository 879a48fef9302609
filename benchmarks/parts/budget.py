"""Where the seconds of a default ``train`` go, and what its matrix products alone would take."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from common.pictures import find_picture
from common.plan import Plan, Row

__all__ = ["budget", "time_training"]


def time_training(picture: str, steps: int | None) -> dict[str, Any]:
    """Trains as ``flowgif train --img`` does, in this process, and measures the seconds of each part of the work."""
    seconds: dict[str, float] = {}

    def timed(name: str, function: Callable[..., Any], clock: Callable[[], float] = time.perf_counter) -> Any:
        def measured(*args: Any, **kwargs: Any) -> Any:
            start = clock()
            try:
                return function(*args, **kwargs)
            finally:
                seconds[name] = seconds.get(name, 0.0) + clock() - start

        return measured

    start = time.perf_counter()
    from flowgif import session
    from flowgif.runs.settings import read_settings
    from flowgif.training import flow_matching, trainer

    seconds["imports"] = time.perf_counter() - start
    session.open_target = timed("the target", session.open_target)
    session.fit_config = timed("the choice of the network", session.fit_config)
    session.measure_gap = timed("the closing gap", session.measure_gap)
    kind = flow_matching.FlowMatching
    # The draws have a thread of their own, so only its processor time tells their cost.
    kind._draw = timed("draws, in their own thread", kind._draw, time.thread_time)
    kind.loss = timed("loss", kind.loss)
    updates = trainer.OPTIMISERS

    class _Timed(dict[str, Any]):
        def find(self, name: str) -> Any:
            def build(*args: Any) -> Any:
                optimisers = updates.find(name)(*args)
                for optimiser in optimisers:
                    optimiser.step = timed("optimisers", optimiser.step)
                return optimisers

            return build

    trainer.OPTIMISERS = _Timed()
    flags = {"target": {"img": picture}, "model": {}, "training": {} if steps is None else {"steps": steps}}
    begin = time.perf_counter()
    trained = session.train(read_settings(None, flags), Path("runs/budget"), force=True)
    whole = time.perf_counter() - begin
    seconds["training"] = trained.seconds
    seconds["gradients and the rest"] = trained.seconds - seconds["loss"] - seconds["optimisers"]
    seconds["all"] = seconds["imports"] + whole
    training = trained.run.config.training
    return {
        "steps": trained.steps,
        "batch": training.batch_size,
        "products": _products(trained) * trained.steps,
        "parts": {name: round(value, 3) for name, value in seconds.items()},
    }


def _products(trained: Any) -> float:
    """Times the matrix products of one step, forwards and backwards, and nothing else; seconds."""
    import torch

    sizes = [p.shape for p in trained.run.flow().parameters() if p.ndim == 2][1:]  # the first is the table
    batch = trained.run.config.training.batch_size
    torch.set_num_threads(1)
    pairs = [(torch.randn(batch, columns), torch.randn(rows, columns)) for rows, columns in sizes]
    repeats = 200
    start = time.perf_counter()
    for _ in range(repeats):
        for x, weight in pairs:
            out = x @ weight.T
            _ = out @ weight
            _ = out.T @ x
    return (time.perf_counter() - start) / repeats


def _measure(plan: Plan, picture: str, repeat: int) -> dict[str, Any]:
    steps = 3 if plan.quick else None
    timed, found = plan.call("parts.budget:time_training", picture=str(find_picture(picture)), steps=steps)
    return {**timed.cost, **found}


def budget(plan: Plan) -> Iterator[Row]:
    """Yields a row for each of three pictures."""
    for picture in ("cat",) if plan.quick else ("cat", "wordmark", "bicycle"):
        yield Row(plan.key(picture=picture), partial(_measure, plan, picture), plan.repeats)
