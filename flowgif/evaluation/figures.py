"""Draws the figures of a fit, each by one function. PLOTS lists them.

This module draws no random numbers, so that the same material gives the same figures.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from torch import Tensor

from flowgif.config.schema import TrainingConfig
from flowgif.evaluation.sheets import (
    DPI,
    FAINT,
    INK,
    LATENT,
    OTHER,
    STRONG,
    Array,
    Window,
    count_columns,
    draw_points,
    make_sheet,
)
from flowgif.flows.base import Flow
from flowgif.targets.mixture import GaussianMixture
from flowgif.training.objectives import OBJECTIVES

__all__ = ["PLOTS", "Material", "Plot"]

LATTICE = 160  # the longer side of a density, pixels
MOST_PANELS = 40  # largest number of panels of layers
CONTINUOUS_PANELS = 4  # number of evenly spaced times after the cloud at which a flow without layers is shown
EULER_STEPS = 6  # number of Euler steps in a flow without layers
MARKED = 1.5  # the time that is marked, in layers or Euler steps
TRAJECTORIES, MOMENTS = 60, 61


@dataclass(frozen=True)
class Material:
    """Data for the figures of a run.

    Attributes:
        training: the settings of the training.
        metrics: the rows of the training's metrics: step and loss, or step, gap and gap_se.
        before: the flow before training.
        flow: the flow after training.
        target: the target to which the flow was fitted.
        data: the window around the target.
        x: points of the target, (n, 2).
        z: base points, (n, 2).
    """

    training: TrainingConfig
    metrics: list[dict[str, float]]
    before: Flow
    flow: Flow
    target: GaussianMixture
    data: Window
    x: Tensor
    z: Tensor


@dataclass(frozen=True)
class Plot:
    """A picture of a fit.

    Attributes:
        name: the name of the file.
        draw: makes the figure.
        can_show: tells whether the data has anything to show in the figure.
    """

    name: str
    draw: Callable[[Material], Figure]
    can_show: Callable[[Material], bool] = lambda material: True


def draw_loss(material: Material) -> Figure:
    """Draws the loss of each step with its moving mean, and the gap at each checkpoint."""
    figure = Figure(figsize=(11, 4), dpi=DPI, layout="constrained")
    left, right = figure.subplots(1, 2)
    _draw_losses(left, material)
    _draw_gaps(right, material.metrics)
    right.set_xlim(left.get_xlim())
    for axes in (left, right):
        axes.grid(alpha=0.25)
    return figure


def _draw_losses(axes: Axes, material: Material) -> None:
    training = material.training
    steps, losses = (np.array([row[key] for row in material.metrics if "loss" in row]) for key in ("step", "loss"))
    axes.plot(steps, losses, color=FAINT, linewidth=0.8, label="each step")
    window = max(1, len(losses) // 40)
    if window > 1:
        mean = np.convolve(losses, np.ones(window) / window, "valid")
        axes.plot(steps[window - 1 :], mean, color=STRONG, linewidth=1.6, label=f"mean of {window} steps")
    assert training.objective is not None
    kind = OBJECTIVES[training.objective]
    more = ", and regularisers" if kind.is_nll and (training.kinetic or training.jacobian) else ""
    axes.set(title=f"Training: {kind.loss}{more}", xlabel="step", ylabel=f"loss, {kind.unit}")
    if kind.is_nll:
        axes.axhline(material.target.entropy(), color=OTHER, linestyle="--", label="entropy, the least possible NLL")
    else:
        axes.set_yscale("log")  # an NLL may be negative
    axes.legend(fontsize="small", frameon=False)


def _draw_gaps(axes: Axes, metrics: list[dict[str, float]]) -> None:
    gaps = [(row["step"], row["gap"], row["gap_se"]) for row in metrics if "gap" in row]
    axes.set(title="Checkpoints: the gap between NLL and entropy", xlabel="step", ylabel="gap, nats", yscale="log")
    # A gap that is not above 0 by its standard error cannot be shown on a log axis; an upper bound replaces it.
    clear = [(step, gap, error) for step, gap, error in gaps if gap > error]
    bounds = [(step, max(gap, 0) + 2 * error) for step, gap, error in gaps if gap <= error]
    if clear:
        step, gap, error = np.array(clear).T
        axes.errorbar(step, gap, error, color=STRONG, marker="o", markersize=4, capsize=3, label="± standard error")
    if bounds:
        axes.plot(*np.array(bounds).T, "v", color=OTHER, label="below that, within two standard errors")
    if gaps:
        axes.legend(fontsize="small", frameon=False)


def draw_before_after(material: Material) -> Figure:
    """Draws data carried to the base and base points carried to the data, before and after training."""
    x, z, data = material.x, material.z, material.data
    names = ("X of the target", "f(X), latent", "Z of N(0, I)", "g(Z), data")
    titles = [f"{when}: {name}" for when in ("before", "after") for name in names]
    figure, axes = make_sheet((data, LATENT, LATENT, data), titles)
    for flow, row in zip((material.before, material.flow), (axes[:4], axes[4:]), strict=True):
        back = flow.trajectory(x, torch.tensor([0.0]), start=1.0)[0]
        clouds = (x, back, z, _carry(flow, z, [1.0])[0])
        for panel, points, colour in zip(row, clouds, (INK, STRONG, INK, STRONG), strict=True):
            draw_points(panel, points, colour)
    return figure


def draw_layers(material: Material) -> Figure:
    """Draws base points after each layer, or at a few times in a flow without layers."""
    flow = material.flow
    ends = flow.layer_ends()
    times = [0.0, *(ends or np.linspace(0, 1, CONTINUOUS_PANELS + 1)[1:].tolist())]
    indices = sorted({round(i) for i in np.linspace(0, len(times) - 1, min(len(times), MOST_PANELS))})
    titles = [f"$S_{{{i}}}$, t = {times[i]:.2f}" if ends else f"t = {times[i]:.2f}" for i in indices]
    window = material.data.enlarged_for(LATENT.without_margin())
    figure, axes = make_sheet([window] * count_columns(window, len(indices)), titles)
    for panel, points in zip(axes, _carry(flow, material.z, [times[i] for i in indices]), strict=True):
        draw_points(panel, points)
        panel.label_outer()
    return figure


def draw_grid(material: Material) -> Figure:
    """Draws a straight grid in latent space, and the grid carried to data space."""
    offsets, along = torch.linspace(-2.5, 2.5, 11), torch.linspace(-2.5, 2.5, 301)
    upright_lines = torch.cartesian_prod(offsets, along)
    lines = torch.cat((upright_lines, upright_lines.flip(1)))
    figure, axes = make_sheet((LATENT, material.data), ("a grid in latent space", "carried to data space"))
    start = torch.cat((lines, material.z[:1000]))
    for panel, points in zip(axes, (start.numpy(), _carry(material.flow, start, [1.0])[0]), strict=True):
        draw_points(panel, points[len(lines) :], FAINT, 0.5)
        upright, level = points[: len(lines)].reshape(2, len(offsets), len(along), 2)
        for part, colour, name in ((upright, STRONG, "$z_1$ constant"), (level, OTHER, "$z_2$ constant")):
            panel.add_collection(LineCollection(list(part), colors=colour, linewidths=0.9, label=name))
    axes[0].legend(fontsize="small", loc="upper right")
    return figure


def draw_density(material: Material) -> Figure:
    """Draws the densities of the target and of the flow, and their difference."""
    data = material.data
    columns, rows = (max(2, round(LATTICE * side / max(data.ratio, 1))) for side in (data.ratio, 1.0))
    # The coordinates of the pixels' centres; rows go upwards.
    x, y = (
        low + (high - low) * (torch.arange(n, dtype=torch.float64) + 0.5) / n
        for low, high, n in zip(data.low, data.high, (columns, rows), strict=True)
    )
    truth = material.target.density(x, y).numpy()
    pixels = torch.cartesian_prod(y, x).flip(1).float()
    model = material.flow.log_prob(pixels).double().exp().view(rows, columns).numpy()
    model = np.nan_to_num(model, posinf=0.0)  # far outside, the flow may overflow
    # The scale ends near the 99th percentile: a few pixels far above all others would leave the rest pale.
    top = 1.1 * float(np.quantile(truth[truth > truth.max() / 100], 0.99))
    most = max(float(np.quantile(np.abs(model - truth), 0.995)), 1e-12)
    fields = (
        ("target density p", truth, "Blues", 0.0, top),
        ("model density q", model, "Blues", 0.0, top),
        ("difference q - p", model - truth, "RdBu_r", -most, most),
    )
    figure, axes = make_sheet((data,) * 3, [title for title, *_ in fields])
    figure.set_figheight(figure.get_figheight() + 0.7)  # for the colour bars
    extent = (data.low[0], data.high[0], data.low[1], data.high[1])
    for panel, (_, field, colours, low, high) in zip(axes, fields, strict=True):
        drawn = panel.imshow(field, colours, vmin=low, vmax=high, origin="lower", extent=extent, aspect=data.aspect)
        bar = figure.colorbar(drawn, ax=panel, location="bottom", shrink=0.9, extend="both" if low else "max")
        bar.set_label("1 / data unit²", fontsize="small")
        bar.ax.tick_params(labelsize="small")
    return figure


def draw_steps(material: Material) -> Figure:
    """Draws five points step by step, layers or Euler steps, beside their exact paths through the flow."""
    flow = material.flow
    number = torch.arange(5)
    angles = 2.4 * number + 0.3  # 2.4 is about the golden angle: the points go round without a pattern
    z = torch.stack((angles.cos(), angles.sin()), 1) * (0.7 + 0.35 * number)[:, None]
    ends = flow.layer_ends()
    count = len(ends) or EULER_STEPS
    if ends:
        corners = _carry(flow, z, [0.0, *ends])
        names = (f"{count} layers, one after another", "the layers' own ways")
    else:
        corners = _euler_steps(flow, z, count)
        names = (f"{count} residual blocks: x ← x + h v(x, t), h = 1/{count}", "the ODE dx/dt = v(x, t)")
    times = sorted({*np.linspace(0, 1, 36 * count + 1).tolist(), MARKED / count} if count > 1 else {0.0, 1.0})
    paths = _carry(flow, z, times)
    window = material.data.enlarged_for(np.concatenate((corners, paths)))
    figure, axes = make_sheet((window, window), names, panel_height=5.0)
    for panel, lines in zip(axes, (corners, paths), strict=True):
        draw_points(panel, material.x, FAINT, 0.25)
        for k in range(len(z)):
            line = lines[:, k]
            panel.plot(*line.T, color=f"C{k}", linewidth=1.0)
            panel.plot(*line[0], "o", color=f"C{k}", markersize=5, markerfacecolor="white")
            panel.plot(*line[-1], "o", color=f"C{k}", markersize=5)
    axes[0].plot(*corners[1:-1].reshape(-1, 2).T, "o", color=INK, markersize=2, label="after each step")
    if count > 1:
        marks = ((corners[1] + corners[2]) / 2, paths[times.index(MARKED / count)])
        for panel, mark in zip(axes, marks, strict=True):
            label = f"layer {MARKED}, t = {MARKED / count:.3g}"
            panel.plot(*mark.T, "*", color=OTHER, markeredgecolor="white", markersize=11, label=label)
            panel.legend(fontsize="small", loc="upper right")
    return figure


def draw_trajectories(material: Material) -> Figure:
    """Draws the paths of a few points through time, coloured by time."""
    times = np.linspace(0, 1, MOMENTS)
    z = material.z[:TRAJECTORIES]
    paths = _carry(material.flow, z, times.tolist())
    window = material.data.enlarged_for(paths)
    figure, (axes,) = make_sheet((window,), ("from latent space (open) to data space (full)",), panel_height=6.5)
    figure.set_figwidth(figure.get_figwidth() + 1.0)  # for the colour bar
    draw_points(axes, material.x, FAINT, 0.35)
    pieces = np.stack((paths[:-1], paths[1:]), 2).reshape(-1, 2, 2)  # from one time to the next: (time, point)
    lines = LineCollection(list(pieces), cmap="viridis", linewidths=1.2)
    lines.set_array(np.repeat((times[:-1] + times[1:]) / 2, len(z)))
    lines.set_clim(0, 1)
    axes.add_collection(lines)
    axes.plot(*paths[0].T, "o", color=INK, markerfacecolor="white", markersize=4)
    axes.plot(*paths[-1].T, "o", color=INK, markersize=3)
    figure.colorbar(lines, ax=axes, label="time t, from 0 (latent) to 1 (data)")
    return figure


def _carry(flow: Flow, z: Tensor, times: Sequence[float]) -> Array:
    """Carries base points (n, 2) to ascending times; returns (k, n, 2)."""
    return flow.trajectory(z, torch.tensor(times, dtype=torch.float64)).double().numpy()


def _euler_steps(flow: Flow, z: Tensor, count: int) -> Array:
    """Carries base points (n, 2) by even Euler steps along the velocity; returns (count + 1, n, 2)."""
    states = [z]
    for i in range(count):
        states.append(states[-1] + flow.velocity(states[-1], torch.tensor(i / count)) / count)
    return torch.stack(states).double().numpy()


PLOTS = (
    Plot("loss.png", draw_loss, lambda material: any("loss" in row for row in material.metrics)),
    Plot("before-after.png", draw_before_after),
    Plot("layers.png", draw_layers),
    Plot("grid.png", draw_grid),
    Plot("density.png", draw_density),
    Plot("steps.png", draw_steps),
    # In a layered flow, steps.png shows the paths already: they bend at the ends of the layers.
    Plot("trajectories.png", draw_trajectories, lambda material: not material.flow.layer_ends()),
)
