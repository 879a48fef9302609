"""``flowgif eval``."""

from __future__ import annotations

import logging
import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flowgif.cli.answers.bounds import check_bound, hold_to_bound
from flowgif.cli.answers.many import do_many, refuse_with_many
from flowgif.cli.options import OUTPUT, Cluster, Json, MaxGap, Quiet, SkipExisting, Workers
from flowgif.cli.progress import Progress
from flowgif.errors import printable
from flowgif.names import SAMPLE_SUFFIXES

if TYPE_CHECKING:
    from flowgif.evaluation.check import Check
    from flowgif.evaluation.gap import Report

__all__ = ["evaluate"]


def evaluate(
    runs: Annotated[
        list[Path] | None,
        typer.Argument(
            help="A run directory (default: the newest in runs/). Several, a folder of runs or a pattern: a table, the "
            "best fit first.",
            metavar="RUN",
            show_default=False,
        ),
    ] = None,
    max_gap: MaxGap = None,
    max_nll: Annotated[float | None, typer.Option(help="Exit with 1 if the NLL is larger (nats).")] = None,
    plots: Annotated[
        Path | None,
        typer.Option(help="Write pictures of the fit to this folder (PNG).", metavar="DIR", rich_help_panel=OUTPUT),
    ] = None,
    save_samples: Annotated[
        tuple[int, Path] | None,
        typer.Option(
            help=f"Write N new points to a {SAMPLE_SUFFIXES}: pixels (column, row) of a picture, a data set's own "
            "units.",
            metavar="N FILE",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    check: Annotated[
        bool,
        typer.Option("--check", help="Prove the run: its density integrates to 1, its derivatives and inverse agree."),
    ] = False,
    seed: Annotated[int, typer.Option(min=0, max=2**40, help="Of the points.")] = 0,
    skip_existing: SkipExisting = False,
    workers: Workers = None,
    cluster: Cluster = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Report the negative log-likelihood of a run, or the gaps of several; with --max-gap, a check for scripts."""
    from flowgif.batch.inputs import are_many_runs

    check_bound("--max-gap", max_gap)
    check_bound("--max-nll", max_nll)
    given = runs or []
    if are_many_runs(given) or skip_existing or workers is not None or cluster is not None:
        refuse_with_many({"--max-nll": max_nll, "--plots": plots, "--save-samples": save_samples, "--check": check})
        _evaluate_many(given, (workers, cluster, skip_existing), seed, max_gap, as_json, quiet)
        return
    run = given[0] if given else None
    with Progress(quiet) as progress:
        progress.begin("loading PyTorch ...")
        from flowgif.api import load
        from flowgif.evaluation import gap, samples
        from flowgif.evaluation.check import check_flow
        from flowgif.machine.device import use_threads
        from flowgif.runs.settings import newest_run

        if save_samples is not None:
            samples.check_samples(*save_samples)
        folder = run or newest_run()
        if plots is not None:
            _prepare_plots(folder, plots)
        progress.begin(f"reading {folder} ...")
        loaded = load(folder)
        pictures: list[Path] = []
        with use_threads(None):
            progress.begin(f"evaluating {folder} ...")
            report = gap.evaluate(loaded.flow, loaded.target, seed, progress.advance)
            checked = None
            if check:
                progress.begin("checking the density ...")
                checked = check_flow(loaded.flow, loaded.target, report.inversion_error, seed, progress.advance)
            if plots is not None:
                from flowgif.evaluation.plots import write_plots

                progress.begin("drawing the plots ...")
                pictures = write_plots(loaded.run, loaded.flow, loaded.target, plots, progress.advance)
            if save_samples is not None:
                progress.begin("drawing samples ...")
                samples.write_samples(loaded.flow, loaded.target, *save_samples, seed)
    head = {"run": str(folder), "model": loaded.run.config.model.name, "target": loaded.run.source}
    if as_json:
        typer.echo(_answer(head, report, checked, pictures, save_samples))
    else:
        rows = head | _describe(report, loaded.flow.evaluated) | _describe_check(checked)
        rows |= _describe_written(plots, pictures, save_samples)
        typer.echo("\n".join(f"{name:<12} {printable(value)}" for name, value in rows.items()))
    hold_to_bound("gap", report.gap, max_gap)
    hold_to_bound("NLL", report.nll, max_nll)


def _prepare_plots(folder: Path, plots: Path) -> None:
    """Checks in advance that plots can be written, and keeps matplotlib quiet."""
    # matplotlib logs messages about its caches, which are of no use to the user.
    logging.getLogger("matplotlib").addHandler(logging.NullHandler())
    # The user's choice of a window for plots may be none that matplotlib knows, and no window is opened here.
    os.environ["MPLBACKEND"] = "agg"
    from flowgif.evaluation.plots import check_plots
    from flowgif.runs.directory import Run

    check_plots(Run.open(folder), plots)


def _evaluate_many(
    given: list[Path],
    how: tuple[int | None, str | None, bool],
    seed: int,
    max_gap: float | None,
    as_json: bool,
    quiet: bool,
) -> None:
    from flowgif.batch.commands import evaluate_all
    from flowgif.batch.inputs import find_runs
    from flowgif.batch.rows import Batch, Row

    folders, batch = find_runs(given), Batch(*how)

    def do(progress: Progress) -> list[Row]:
        return [row.held_to(max_gap) for row in evaluate_all(folders, batch, seed, progress)]

    do_many(do, quiet, as_json, by_gap=True)


def _describe(report: Report, evaluated: str) -> dict[str, str]:
    """Returns the rows of a report; ``evaluated`` names the unit of its number of evaluations."""
    return {
        "NLL": f"{report.nll:.4f} nats, standard error {report.nll_se:.4f}",
        "entropy": f"{report.entropy:.4f} nats, the least possible NLL",
        "gap": f"{report.gap:.4f} nats, standard error {report.gap_se:.4f}",
        "bits/dim": f"{report.bits_per_dim:.4f}",
        "points": f"{report.points}",
        "evaluations": f"{report.nfe} of the {evaluated} a point",
        "inversion": f"{report.inversion_error:.1e} data units, the largest error",
        "seconds": f"{report.seconds:.1f}",
    }


def _describe_check(check: Check | None) -> dict[str, str]:
    """Returns the rows of a check, if there was one."""
    if check is None:
        return {}
    return {
        "integral": f"{check.integral:.4f} of the density, standard error {check.integral_se:.4f}",
        "derivative": f"{check.derivative:.1e} nats off an estimate, standard error {check.derivative_se:.1e}",
    }


def _answer(
    head: dict[str, str], report: Report, check: Check | None, pictures: list[Path], samples: tuple[int, Path] | None
) -> str:
    from flowgif.cli.answers.models import CheckFigures, EvalAnswer

    return EvalAnswer(
        **head,
        **asdict(report),
        check=None if check is None else CheckFigures(**asdict(check)),
        plots=[str(picture) for picture in pictures] or None,
        samples=None if samples is None else str(samples[1]),
    ).line()


def _describe_written(folder: Path | None, pictures: list[Path], samples: tuple[int, Path] | None) -> dict[str, str]:
    """Returns the rows about the files that were written."""
    rows: dict[str, str] = {}
    if pictures:
        rows["plots"] = f"{folder}: {', '.join(picture.name for picture in pictures)}"
    if samples is not None:
        rows["samples"] = f"{samples[1]}: {samples[0]} points"
    return rows
