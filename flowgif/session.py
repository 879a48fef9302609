"""A training from its config to a finished run directory, and back again as Python objects."""

from __future__ import annotations

import shlex
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from flowgif.config.schema import RunConfig, TrainingConfig
from flowgif.errors import Interrupted, NumericalError, UnusableInput
from flowgif.evaluation.gap import Gap, measure_gap
from flowgif.flows.base import Flow
from flowgif.flows.build import build_flow
from flowgif.machine import delay_interrupts, find_device, use_threads
from flowgif.runs.directory import INITIAL, Run, open_target
from flowgif.targets.mixture import GaussianMixture
from flowgif.training.trainer import StepRecord, Trainer

__all__ = ["Loaded", "Reporter", "Trained", "load", "resume", "train"]

CHECKPOINT_SECONDS = 10.0
CHECKPOINT_POINTS = 1024
FINAL_POINTS = 4096


class Reporter(Protocol):
    """Is told what happens. Where none is given, nobody is."""

    def say(self, text: str) -> None:
        """Takes a sentence for the user."""

    def begin(self, task: str) -> None:
        """Takes the name of a task that begins; its share is unknown until the first ``advance`` or ``step``."""

    def step(self, record: StepRecord, gap: Gap | None) -> None:
        """Takes a step of training, and the gap at the last checkpoint, None before the first."""

    def advance(self, share: float, *fields: str) -> None:
        """Takes the share of the task that is done, within [0, 1], and figures of it, the most important first."""


class _Silent:
    def say(self, text: str) -> None:
        pass

    def begin(self, task: str) -> None:
        pass

    def step(self, record: StepRecord, gap: Gap | None) -> None:
        pass

    def advance(self, share: float, *fields: str) -> None:
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
    target: GaussianMixture


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
        config: resolved, as from :func:`flowgif.runs.settings.read_settings`.
        folder: the run directory.
        force: whether a run that is there already may be replaced.
        reporter: is told of the progress.

    Raises:
        UnusableInput: the picture, data set or directory cannot be used.
        NumericalError: training diverged; the last finite weights are kept.
        Interrupted: Ctrl-C; everything is kept for :func:`resume`.
    """
    reporter = reporter or _Silent()
    Run.check_free(folder, force)
    device = find_device(config.training.device)
    target = open_target(config)
    config = config.for_aspect(float(target.scale[0] / target.scale[1]))
    for remark in target.remarks:
        reporter.say(remark)
    flow = _first_flow(config)
    with delay_interrupts() as interrupted, use_threads(flow.training_threads):
        trainer = Trainer(flow.to(device), target, config.training, device)
        run = Run.create(folder, config, target, flow)
        return _Training(run, trainer, target, reporter).run_to_end(interrupted)


def resume(folder: Path, config: RunConfig | None = None, reporter: Reporter | None = None) -> Trained:
    """Goes on with a training that was stopped.

    Nothing is written before everything that can be refused has been checked.

    Args:
        folder: the run directory.
        config: the run's settings with another end or device, which are then kept; None for the run's as they are.
        reporter: is told of the progress.

    Raises:
        UnusableInput: there is no run, its files are broken, or the training is already past the end that is asked for.
        NumericalError, Interrupted: as :func:`train`.
    """
    reporter = reporter or _Silent()
    run = Run.open(folder)
    config = config or run.config
    device = find_device(config.training.device)
    target = run.target()
    flow = run.flow(INITIAL).requires_grad_(True)
    with delay_interrupts() as interrupted, use_threads(flow.training_threads):
        trainer = Trainer(flow.to(device), target, config.training, device)
        _restore(trainer, run)
        if config != run.config:
            _check_end(trainer, config.training, run.config.training)
            run = run.with_config(config)
        reporter.say(f"going on from step {trainer.step}")
        run.keep_metrics_up_to(trainer.step)
        return _Training(run, trainer, target, reporter).run_to_end(interrupted)


def _first_flow(config: RunConfig) -> Flow:
    """Returns the flow before training, with the weights of the run that it starts from, if there is one."""
    flow = build_flow(config)
    start = config.training.start
    if start is not None:
        try:
            flow.load_state_dict(Run.open(start).flow().state_dict())
        except RuntimeError:
            raise UnusableInput(f"the weights in {start} do not fit [model]; leave that table out") from None
    return flow


def _restore(trainer: Trainer, run: Run) -> None:
    """Takes a training to where the run's was stopped, or to its beginning if it was stopped before a checkpoint."""
    state = run.read_state()
    if state is None:
        return
    try:
        trainer.restore(state)
    except (KeyError, RuntimeError, TypeError, ValueError):
        raise UnusableInput(f"the state in {run.folder} does not fit its config; train it again (--force)") from None


def _check_end(trainer: Trainer, asked: TrainingConfig, before: TrainingConfig) -> None:
    """Refuses another end of the training that lies behind: the run's settings would not say what was trained."""
    if (asked.last_step, asked.time_budget) == (before.last_step, before.time_budget):
        return
    remedy = "ask for more, or train anew (--force)"
    if asked.last_step is not None and trainer.step > asked.last_step:
        raise UnusableInput(f"the training has done {trainer.step} steps, more than {asked.last_step}; {remedy}")
    if asked.time_budget is not None and trainer.seconds > asked.time_budget:
        raise UnusableInput(
            f"the training has taken {trainer.seconds:.1f} s, more than {asked.time_budget:g} s; {remedy}"
        )


@dataclass
class _Training:
    """A training that fills its run directory.

    Attributes:
        run, trainer, target, reporter: who takes part in it.
        rows: metrics that are not written yet.
    """

    run: Run
    trainer: Trainer
    target: GaussianMixture
    reporter: Reporter
    rows: list[dict[str, float]] = field(default_factory=list[dict[str, float]])

    def run_to_end(self, interrupted: threading.Event) -> Trained:
        try:
            self._take_steps(interrupted)
        except NumericalError as error:
            self._write_metrics()
            self.run.write_weights(self.trainer.averaged)
            raise NumericalError(f"{error}; the last finite weights are in {self.run.folder}") from None
        if interrupted.is_set() and self.trainer.done < 1:
            self._keep()
            again = f"flowgif train --resume --out {shlex.quote(str(self.run.folder))}"
            raise Interrupted(f"interrupted at step {self.trainer.step}; go on with: {again}")
        return Trained(self.run, self.trainer.step, self.trainer.seconds, self._checkpoint(FINAL_POINTS))

    def _take_steps(self, interrupted: threading.Event) -> None:
        gap: Gap | None = None
        last = time.perf_counter()
        for record in self.trainer.run():
            self.rows.append({"step": record.step, "loss": record.loss, "seconds": record.seconds})
            self.reporter.step(record, gap)
            if interrupted.is_set():
                return
            if time.perf_counter() - last > CHECKPOINT_SECONDS and record.done < 1:
                # A flow whose gap cannot be measured yet may well be trained on.
                with suppress(NumericalError):
                    gap = self._checkpoint(CHECKPOINT_POINTS)
                last = time.perf_counter()

    def _checkpoint(self, points: int) -> Gap:
        # The weights come first: a gap that cannot be measured must not cost them.
        self._keep()
        self.reporter.begin("measuring the gap ...")
        measured = measure_gap(self.trainer.averaged, self.target, points)
        at = {"step": self.trainer.step, "seconds": self.trainer.seconds}
        self.rows.append({**at, "gap": measured.gap, "gap_se": measured.standard_error})
        self._write_metrics()
        return measured

    def _keep(self) -> None:
        self.run.write_state(self.trainer.state())
        self.run.write_weights(self.trainer.averaged)
        self._write_metrics()

    def _write_metrics(self) -> None:
        self.run.append_metrics(self.rows)
        self.rows.clear()
