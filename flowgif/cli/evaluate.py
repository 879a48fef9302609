"""``flowgif eval``."""

from __future__ import annotations

import json
import logging
import math
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from flowgif.cli.options import OUTPUT, Json, Quiet
from flowgif.cli.progress import Progress
from flowgif.errors import CheckFailed, UnusableInput

__all__ = ["evaluate"]


def evaluate(
    run: Annotated[Path | None, typer.Argument(help="A run directory (default: the newest in runs/).")] = None,
    max_gap: Annotated[float | None, typer.Option(help="Exit with 1 if the gap is larger (nats).")] = None,
    max_nll: Annotated[float | None, typer.Option(help="Exit with 1 if the NLL is larger (nats).")] = None,
    plots: Annotated[
        Path | None,
        typer.Option(help="Write pictures of the fit to this folder (PNG).", metavar="DIR", rich_help_panel=OUTPUT),
    ] = None,
    save_samples: Annotated[
        tuple[int, Path] | None,
        typer.Option(
            help="Write N new points to a .npy or .csv: pixels (column, row) of a picture, a data set's own units.",
            metavar="N FILE",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, max=2**40, help="Of the points.")] = 0,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Report the negative log-likelihood of a run; with --max-gap, a check for scripts."""
    with Progress(quiet) as progress:
        progress.now("loading PyTorch ...")
        from flowgif import session
        from flowgif.evaluation import gap as evaluation
        from flowgif.evaluation import samples
        from flowgif.runs.directory import newest_run

        for option, bound in (("--max-gap", max_gap), ("--max-nll", max_nll)):
            if bound is not None and math.isnan(bound):
                raise UnusableInput(f"{option} nan is no bound; give a number of nats")
        if save_samples is not None:
            samples.check_samples(*save_samples)
        folder = run or newest_run()
        loaded = session.load(folder)
        if plots is not None:
            # What matplotlib says of its caches is nothing to the user.
            logging.getLogger("matplotlib").addHandler(logging.NullHandler())
            from flowgif.evaluation.plots import check_plots

            check_plots(loaded.run, plots)
        progress.now(f"evaluating {folder} ...")
        report = evaluation.evaluate(loaded.flow, loaded.target, seed)
        source = loaded.run.source
        written: dict[str, Any] = {}
        if plots is not None:
            from flowgif.evaluation.plots import write_plots

            progress.now("drawing the plots ...")
            written["plots"] = [str(path) for path in write_plots(loaded.run, loaded.flow, loaded.target, plots)]
        if save_samples is not None:
            progress.now("drawing samples ...")
            samples.write_samples(loaded.flow, loaded.target, *save_samples, seed)
            written["samples"] = str(save_samples[1])
    head = {"run": str(folder), "model": loaded.run.config.model.name, "target": source}
    if as_json:
        typer.echo(json.dumps(head | asdict(report) | written))
    else:
        rows = [
            *head.items(),
            ("NLL", f"{report.nll:.4f} nats, standard error {report.nll_se:.4f}"),
            ("entropy", f"{report.entropy:.4f} nats, the least possible NLL"),
            ("gap", f"{report.gap:.4f} nats, standard error {report.gap_se:.4f}"),
            ("bits/dim", f"{report.bits_per_dim:.4f}"),
            ("points", f"{report.points}"),
            ("evaluations", f"{report.nfe} of the {'network' if loaded.flow.layers == 0 else 'layers'} a point"),
            ("inversion", f"{report.inversion_error:.1e} data units, the largest error"),
            ("seconds", f"{report.seconds:.1f}"),
        ]
        if plots is not None:
            rows.append(("plots", f"{plots}: {', '.join(Path(path).name for path in written['plots'])}"))
        if save_samples is not None:
            rows.append(("samples", f"{save_samples[1]}: {save_samples[0]} points"))
        typer.echo("\n".join(f"{name:<12} {value}" for name, value in rows))
    for name, value, bound in (("gap", report.gap, max_gap), ("NLL", report.nll, max_nll)):
        if bound is not None and value > bound:
            option = f"--max-{name.lower()}"
            raise CheckFailed(f"the {name} of {value:.4f} nats is above {option} {bound:g}; train longer (--steps)")
