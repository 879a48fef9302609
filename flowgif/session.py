"""A training from its config to a finished run directory, and back again as Python objects."""

from __future__ import annotations

import shlex
import signal
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Protocol

import torch

from flowgif.config.schema import Device, RunConfig
from flowgif.errors import Interrupted, NumericalError, UnusableInput
from flowgif.evaluation.gap import Gap, measure_gap
from flowgif.flows.base import Flow
from flowgif.runs.directory import INITIAL, Run, build_flow, build_target
from flowgif.targets.image import ImageTarget
from flowgif.targets.toy import ToyTarget
from flowgif.training.trainer import StepRecord, Trainer

__all__ = ["Loaded", "Reporter", "Trained", "load", "resume", "train"]

CHECKPOINT_SECONDS = 10.0
CHECKPOINT_POINTS = 1024
FINAL_POINTS = 4096


class Reporter(Protocol):
    """Hears what happens; the default says nothing."""

    def say(self, text: str) -> None:
        """A sentence for the user."""

    def now(self, *fields: str) -> None:
        """What is going on; the next such line takes its place."""

    def step(self, record: StepRecord, gap: Gap | None) -> None:
        """A step was done; ``gap`` is that of the last checkpoint."""


class _Silent:
    def say(self, text: str) -> None:
        pass

    def now(self, *fields: str) -> None:
        pass

    def step(self, record: StepRecord, gap: Gap | None) -> None:
        pass


@dataclass(frozen=True)
class Trained:
    """The end of a training.

    Attributes:
        run: its directory.
        steps: done, in all.
        seconds: of training, in all.
        gap: of the weights that were kept.
    """

    run: Run
    steps: int
    seconds: float
    gap: Gap


@dataclass(frozen=True)
class Loaded:
    """A run as Python objects.

    Attributes:
        run: its directory and settings.
        flow: ``log_prob(x)``, ``sample(n, generator=...)``, ``path(z, times)``; on the CPU, without gradients.
        target: ``sample``, ``log_prob``, ``entropy``; a picture's has ``to_pixels`` and ``from_pixels`` too.
    """

    run: Run
    flow: Flow
    target: ImageTarget | ToyTarget


def load(folder: Path | str) -> Loaded:
    """Opens a run directory.

    Raises:
        UnusableInput: there is no run, or its files are broken.
    """
    run = Run.open(Path(folder))
    return Loaded(run, run.flow(), run.target())


def train(config: RunConfig, folder: Path, force: bool = False, reporter: Reporter | None = None) -> Trained:
    """Fits the config's flow to its target and keeps all of it in a run directory.

    Args:
        config: resolved, as from :func:`flowgif.config.schema.read_config`.
        folder: the run directory.
        force: whether a run that is there already may be replaced.
        reporter: hears of the progress.

    Raises:
        UnusableInput: the picture, data set or directory cannot be used.
        NumericalError: training diverged; the last finite weights are kept.
        Interrupted: Ctrl-C; everything is kept for :func:`resume`.
    """
    reporter = reporter or _Silent()
    Run.check_free(folder, force)
    device = _device(config.training.device)
    target, source = build_target(config)
    config = config.for_aspect(float(target.scale[0] / target.scale[1]))
    for remark in target.remarks:
        reporter.say(remark)
    flow = build_flow(config)
    start = config.training.start
    if start is not None:
        try:
            flow.load_state_dict(Run.open(start).flow().state_dict())
        except RuntimeError:
            raise UnusableInput(f"the weights in {start} do not fit [model]; leave that table out") from None
    with _interrupt_between_steps() as interrupted, _threads(flow):
        run = Run.create(folder, config, target, source, flow)
        trainer = Trainer(flow.to(device), target, config.training, device)
        return _run_to_end(run, trainer, target, reporter, interrupted)


def resume(folder: Path, config: RunConfig | None = None, reporter: Reporter | None = None) -> Trained:
    """Goes on with a training that was stopped.

    Args:
        folder: the run directory.
        config: the run's own, or that with another end or device, which is then kept; None for the run's own.
        reporter: hears of the progress.

    Raises:
        UnusableInput: there is no run, or its files are broken.
        NumericalError, Interrupted: as :func:`train`.
    """
    run = Run.open(folder)
    if config is not None and config != run.config:
        run = run.with_config(config)
    training = run.config.training
    reporter = reporter or _Silent()
    on = _device(training.device)
    target = run.target()
    flow = run.flow(INITIAL).requires_grad_(True)
    trainer = Trainer(flow.to(on), target, training, on)
    state = run.read_state()
    if state is not None:
        try:
            trainer.restore(state)
        except (KeyError, RuntimeError, ValueError):
            raise UnusableInput(f"the state in {folder} does not fit its config; train it again (--force)") from None
    reporter.say(f"going on from step {trainer.step}")
    with _interrupt_between_steps() as interrupted, _threads(flow):
        run.keep_metrics_up_to(trainer.step)
        return _run_to_end(run, trainer, target, reporter, interrupted)


def _run_to_end(
    run: Run, trainer: Trainer, target: ImageTarget | ToyTarget, reporter: Reporter, interrupted: threading.Event
) -> Trained:
    gap: Gap | None = None
    rows: list[dict[str, float]] = []

    def checkpoint(points: int) -> Gap:
        # The weights come first: a gap that cannot be measured must not cost them.
        run.write_state(trainer.state())
        run.write_weights(trainer.averaged)
        run.append_metrics(rows)
        rows.clear()
        reporter.now("measuring the gap ...")
        measured = measure_gap(trainer.averaged, target, points)
        run.append_metrics(
            [{"step": trainer.step, "seconds": trainer.seconds, "gap": measured.gap, "gap_se": measured.standard_error}]
        )
        return measured

    last = time.perf_counter()
    try:
        for record in trainer.run():
            rows.append({"step": record.step, "loss": record.loss, "seconds": record.seconds})
            reporter.step(record, gap)
            if interrupted.is_set():
                break
            if time.perf_counter() - last > CHECKPOINT_SECONDS and record.done < 1:
                # A field that cannot be measured yet may well be trained on.
                with suppress(NumericalError):
                    gap = checkpoint(CHECKPOINT_POINTS)
                last = time.perf_counter()
    except NumericalError as error:
        run.append_metrics(rows)
        run.write_weights(trainer.averaged)
        raise NumericalError(f"{error}; the last finite weights are in {run.folder}") from None
    if interrupted.is_set() and trainer.done < 1:
        run.write_state(trainer.state())
        run.write_weights(trainer.averaged)
        run.append_metrics(rows)
        again = f"flowgif train --resume --out {shlex.quote(str(run.folder))}"
        raise Interrupted(f"interrupted at step {trainer.step}; go on with: {again}")
    return Trained(run, trainer.step, trainer.seconds, checkpoint(FINAL_POINTS))


@contextmanager
def _interrupt_between_steps() -> Generator[threading.Event]:
    """Ctrl-C sets the event, so that a step is never cut in two; a second one ends at once."""
    event = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield event
        return

    def handle(signum: int, frame: FrameType | None) -> None:
        if event.is_set():
            raise KeyboardInterrupt
        event.set()

    before = signal.signal(signal.SIGINT, handle)
    try:
        yield event
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def _threads(flow: Flow) -> Generator[None]:
    """Sets the number of threads that suits a flow's training, and then the one before."""
    before = torch.get_num_threads()
    torch.set_num_threads(flow.training_threads or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _device(name: Device) -> torch.device:
    available = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name == "auto":
        return torch.device("cuda" if available["cuda"] else "cpu")
    if not available[name]:
        usable = ", ".join(device for device, there in available.items() if there)
        raise UnusableInput(f"--device {name} is not available on this machine; usable: auto, {usable}")
    return torch.device(name)
