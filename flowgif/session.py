"""Trains a flow from a config into a run directory."""

from __future__ import annotations

import shlex
import time
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from flowgif.config.schema import RunConfig, TrainingConfig
from flowgif.errors import Interrupted, NumericalError, UnusableInput
from flowgif.evaluation.gap import Gap, measure_gap
from flowgif.flows.base import Flow
from flowgif.flows.build import build_flow, chosen_for, fit_config
from flowgif.machine.device import find_device, repeatable, use_threads
from flowgif.machine.signals import StopRequest, delay_interrupts
from flowgif.runs.directory import Run, open_target
from flowgif.runs.finished import fingerprint_of
from flowgif.runs.layout import INITIAL, WEIGHTS, check_free
from flowgif.runs.writer import RunWriter
from flowgif.targets.mixture import GaussianMixture
from flowgif.training.trainer import StepRecord, Trainer

__all__ = ["Reporter", "Trained", "resume", "train"]

CHECKPOINT_SECONDS = 10.0
CHECKPOINT_POINTS = 1024
FINAL_POINTS = 2048


class Reporter(Protocol):
    """Receives messages and progress of a training; optional."""

    def say(self, text: str) -> None:
        """Receives a sentence for the user."""

    def begin(self, task: str) -> None:
        """Receives the name of a task that begins; its share is unknown until the first ``advance`` or ``step``."""

    def step(self, record: StepRecord, gap: Gap | None) -> None:
        """Receives a step of training and the gap at the last checkpoint, None before the first."""

    def advance(self, share: float, *fields: str) -> None:
        """Receives the share of the task that is done, within [0, 1], and its figures, the most important first."""


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
    """The result of a training.

    Attributes:
        run: the run directory.
        steps: the total number of steps done.
        seconds: the total time spent on training.
        gap: the gap of the stored weights.
    """

    run: Run
    steps: int
    seconds: float
    gap: Gap

    @property
    def summary(self) -> str:
        """A sentence with the steps, the time and the gap."""
        gap, error = self.gap.gap, self.gap.standard_error
        return f"{self.steps} steps in {self.seconds:.1f} s; gap {gap:.4f} nats (standard error {error:.4f})"


def train(config: RunConfig, folder: Path, force: bool = False, reporter: Reporter | None = None) -> Trained:
    """Fits the config's flow to its target and stores the run in a directory.

    Args:
        config: a resolved config, such as :func:`flowgif.runs.settings.read_settings` returns.
        folder: the run directory.
        force: whether an existing run may be replaced.
        reporter: receives messages and progress.

    Raises:
        UnusableInput: the picture, data set or directory cannot be used.
        NumericalError: training diverged; the last finite weights are stored.
        Interrupted: the user pressed Ctrl-C; the state is stored, so :func:`resume` can continue.
    """
    reporter = reporter or _Silent()
    check_free(folder, force)
    fingerprint = fingerprint_of(config)
    device = find_device(config.training.device, config.recipe.heavy)
    reporter.begin(f"preparing {config.target.source} ...")
    with use_threads(1):
        target = open_target(config)
        given, config = config, fit_config(config, target)
        for remark in (*target.remarks, *chosen_for(given, config, target)):
            reporter.say(remark)
        flow = _first_flow(config, target)
    with RunWriter(folder) as writer:
        check_free(folder, force)  # another training may have ended meanwhile
        with delay_interrupts() as stop, use_threads(flow.training_threads), repeatable(device):
            run = writer.start(config, target, flow, fingerprint)
            with closing(Trainer(flow.to(device), target, config.training, device)) as trainer:
                return _Training(run, writer, trainer, target, reporter).run_to_end(stop)


def resume(folder: Path, config: RunConfig | None = None, reporter: Reporter | None = None) -> Trained:
    """Continues a training that was stopped.

    All checks come before the first write.

    Args:
        folder: the run directory.
        config: the run's settings with another end or device, which are then stored; None keeps the run's settings.
        reporter: receives messages and progress.

    Raises:
        UnusableInput: there is no run, its files are broken, or training has already passed the new end.
        NumericalError, Interrupted: as :func:`train`.
    """
    reporter = reporter or _Silent()
    Run.open(folder)  # so that no directory is made for a run that is not there
    with RunWriter(folder) as writer:
        run = Run.open(folder)
        config = config or run.config
        device = find_device(config.training.device, config.recipe.heavy)
        reporter.begin(f"reading {folder} ...")
        with use_threads(1):
            target = run.target()
            flow = run.flow(INITIAL).requires_grad_(True)
        with (
            delay_interrupts() as stop,
            use_threads(flow.training_threads),
            repeatable(device),
            closing(Trainer(flow.to(device), target, config.training, device)) as trainer,
        ):
            _restore(trainer, run)
            if config != run.config:
                _check_end(trainer, config.training, run.config.training)
            run = writer.go_on(run, config, trainer.step)
            reporter.say(f"going on from step {trainer.step}")
            return _Training(run, writer, trainer, target, reporter).run_to_end(stop)


def _first_flow(config: RunConfig, target: GaussianMixture) -> Flow:
    """Returns the flow before training, with the weights of the start run if there is one."""
    flow = build_flow(config)
    start = config.training.start
    if start is None:
        flow.fit_to(target)
    else:
        try:
            flow.load_state_dict(Run.open(start).flow().state_dict())
        except RuntimeError:
            raise UnusableInput(f"the weights in {start} do not fit [model]; leave that table out") from None
    return flow


def _restore(trainer: Trainer, run: Run) -> None:
    """Restores the run's last checkpoint; without a checkpoint, training starts from the beginning.

    Raises:
        UnusableInput: the checkpoint does not fit the run.
        NumericalError: a number in it is not finite.
    """
    layout = trainer.layout()
    state = run.read_state(layout.tensors, layout.longest, layout.unknown)
    if state is None:
        return
    last, message = run.config.training.last_step, "does not fit its config; train it again (--force)"
    try:
        trainer.restore(state)
    except (KeyError, RuntimeError, TypeError, ValueError, OverflowError):
        raise UnusableInput(f"the state in {run.folder} {message}") from None
    if last is not None and trainer.step > last:
        raise UnusableInput(f"the state in {run.folder}, of step {trainer.step}, {message}")


def _check_end(trainer: Trainer, new: TrainingConfig, old: TrainingConfig) -> None:
    """Refuses a new end that training has already passed: the stored settings would then be false."""
    if (new.last_step, new.time_budget) == (old.last_step, old.time_budget):
        return
    remedy = "ask for more, or train anew (--force)"
    if new.last_step is not None and trainer.step > new.last_step:
        raise UnusableInput(f"the training has done {trainer.step} steps, more than {new.last_step}; {remedy}")
    if new.time_budget is not None and trainer.seconds > new.time_budget:
        raise UnusableInput(
            f"the training has taken {trainer.seconds:.1f} s, more than {new.time_budget:g} s; {remedy}"
        )


@dataclass
class _Training:
    """A training that fills its run directory.

    Attributes:
        run, writer, trainer, target, reporter: the objects that the training uses.
        rows: metrics that are not written yet.
    """

    run: Run
    writer: RunWriter
    trainer: Trainer
    target: GaussianMixture
    reporter: Reporter
    rows: list[dict[str, float]] = field(default_factory=list[dict[str, float]])

    def run_to_end(self, stop: StopRequest) -> Trained:
        try:
            self._take_steps(stop)
        except NumericalError as error:
            raise NumericalError(f"{error}; {self._keep_what_is_finite()}") from None
        if stop.is_set() and self.trainer.done < 1:
            self._keep()
            again = f"flowgif train --resume --out {shlex.quote(str(self.run.folder))}"
            message = f"{stop.exit_code.meaning} at step {self.trainer.step}; go on with: {again}"
            raise Interrupted(message, stop.exit_code)
        gap = self._checkpoint(FINAL_POINTS)
        self._keep(finished=True)
        return Trained(self.run, self.trainer.step, self.trainer.seconds, gap)

    def _keep_what_is_finite(self) -> str:
        """Writes a checkpoint of a training that diverged, if its weights are finite; says what is stored."""
        weights, rows = self.trainer.averaged.state_dict(), self.rows
        for state in (self.trainer.state(), None):
            with suppress(NumericalError):
                self.writer.write(state, weights, rows)
                return f"the last finite weights are in {self.run.folder}"
        return f"{self.run.folder} is as it was" if (self.run.folder / WEIGHTS).exists() else "nothing was stored"

    def _take_steps(self, stop: StopRequest) -> None:
        gap: Gap | None = None
        last = time.perf_counter()
        for record in self.trainer.run():
            self.rows.append({"step": record.step, "loss": record.loss, "seconds": record.seconds})
            self.reporter.step(record, gap)
            if stop.is_set():
                return
            if time.perf_counter() - last > CHECKPOINT_SECONDS and record.done < 1:
                # The gap may not be measurable yet; training continues all the same.
                with suppress(NumericalError):
                    gap = self._checkpoint(CHECKPOINT_POINTS)
                last = time.perf_counter()

    def _checkpoint(self, points: int) -> Gap:
        # The weights are written first, so that they are not lost if the gap cannot be measured.
        self._keep()
        self.reporter.begin("measuring the gap ...")
        measured = measure_gap(self.trainer.averaged, self.target, points)
        row = {"step": self.trainer.step, "seconds": self.trainer.seconds}
        self.rows.append({**row, "gap": measured.gap, "gap_se": measured.standard_error})
        return measured

    def _keep(self, finished: bool = False) -> None:
        self.writer.write(self.trainer.state(), self.trainer.averaged.state_dict(), self.rows, finished)
        self.rows.clear()
