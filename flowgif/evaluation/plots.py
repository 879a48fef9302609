"""Writes the pictures of a fit as PNG files.

The points have a fixed seed, so that the same run gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch

from flowgif.evaluation.figures import PLOTS, Material
from flowgif.evaluation.sheets import Window, encode_png
from flowgif.files.writing import check_folder, report_os_errors, settle, written_together
from flowgif.flows.base import Flow
from flowgif.runs.directory import Run
from flowgif.runs.layout import INITIAL
from flowgif.targets.mixture import GaussianMixture

__all__ = ["check_plots", "write_plots"]

POINTS = 4000  # number of points of the target, and of the base
# With this tolerance only a few points are off by more than a dot; colours of a density differ even less.
TOLERANCE = 1e-4


def check_plots(run: Run, folder: Path) -> None:
    """Checks in advance that a run's plots can be made and written to a folder.

    Raises:
        UnusableInput: the plots cannot be made or written.
    """
    check_folder(folder)
    run.flow(INITIAL)


@torch.no_grad()
def write_plots(
    run: Run,
    flow: Flow,
    target: GaussianMixture,
    folder: Path,
    on_progress: Callable[[float], object] | None = None,
) -> list[Path]:
    """Draws the pictures of a run's fit; nothing is written before all of them are drawn.

    Args:
        run: the run; its metrics and its weights before training are drawn too.
        flow: the flow after training, on the CPU.
        target: the target to which the flow was fitted.
        folder: the folder of the files. It is made if it is missing; files of the same names are replaced.
        on_progress: receives the share of the pictures that are drawn, after each picture.

    Returns:
        The files, in order: loss.png (not for a run that was never trained), before-after.png, layers.png, grid.png,
        density.png, steps.png, and for a continuous flow trajectories.png.

    Raises:
        UnusableInput: the weights before training are missing or broken, or the folder cannot be written.
        NumericalError: the flow cannot be solved.
    """
    check_folder(folder)
    material = gather_material(run, flow, target)
    plots = [plot for plot in PLOTS if plot.can_show(material)]
    pictures: dict[str, bytes] = {}
    for plot in plots:
        pictures[plot.name] = encode_png(plot.draw(material))
        if on_progress is not None:
            on_progress(len(pictures) / len(plots))
    with report_os_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        settle(folder)
        with written_together(folder) as stage:
            for name, picture in pictures.items():
                (stage / name).write_bytes(picture)
    return [folder / name for name in pictures]


def gather_material(run: Run, flow: Flow, target: GaussianMixture) -> Material:
    """Gathers the data for the figures of a run.

    Raises:
        UnusableInput: the weights before training are missing or broken.
    """
    generator = torch.Generator().manual_seed(0)
    x, z = target.sample(POINTS, generator), torch.randn(POINTS, 2, generator=generator)
    return Material(
        training=run.config.training,
        metrics=run.read_metrics(),
        before=run.flow(INITIAL).relaxed(TOLERANCE),
        flow=flow.relaxed(TOLERANCE),
        target=target,
        data=Window.around(target, x),
        x=x,
        z=z,
    )
