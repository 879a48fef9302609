"""The pictures of a fit as PNG files; the only module that knows matplotlib.

Everything random in them has a seed of its own, so that the same run gives the same bytes.
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from torch import Tensor

from flowgif.config.schema import TrainingConfig
from flowgif.errors import UnusableInput
from flowgif.files import check_folder, write_atomically
from flowgif.flows.base import ContinuousFlow, Flow
from flowgif.runs.directory import INITIAL, Run
from flowgif.targets.mixture import GaussianMixture

__all__ = ["check_plots", "write_plots"]

Array = npt.NDArray[np.float64]

DPI = 110
WIDTH, TALLEST = 14.0, 3.6  # of a sheet, and of a panel unless it has few beside it, inches at most
AROUND = 0.85  # what a panel's labels take, inches
DRAWS = 4000
MARGIN = 0.05  # around the target, as a share of its extent
CLOUD = 3.2  # N(0, I) is drawn as far as that
FAR = 8.0  # nothing is drawn further out than that
LATTICE = 160  # pixels of a density's longer side
STILLS = 40  # at most
STEPS = 6  # a continuous flow's Euler steps
MARKED = 1.5  # layers
TRAJECTORIES, MOMENTS = 60, 61
# All but a few points are within a dot of a tighter solve, and colours show less still.
TOLERANCE = 1e-4

INK, FAINT, STRONG, OTHER = "#181c3e", "#9aa3b5", "#1c4e94", "#c8502d"


def check_plots(run: Run, folder: Path) -> None:
    """Finds out before the work whether a run's plots can be made and written to a folder.

    Raises:
        UnusableInput: they cannot.
    """
    check_folder(folder)
    run.flow(INITIAL)


@torch.no_grad()
def write_plots(run: Run, flow: Flow, target: GaussianMixture, folder: Path) -> list[Path]:
    """Draws the pictures of a run's fit; nothing is written before all of them are drawn.

    Args:
        run: whose metrics and weights before training are drawn too.
        flow: after training, on the CPU.
        target: what it was fitted to.
        folder: is made where it is missing; files of the same names are replaced.

    Returns:
        The files, in order: loss.png (not of a run that was never trained), before-after.png, layers.png, grid.png,
        density.png, steps.png, and of a continuous flow trajectories.png.

    Raises:
        UnusableInput: the weights before training are missing or broken, or the folder cannot be written.
        NumericalError: the flow cannot be solved.
    """
    check_folder(folder)
    relaxed, before = flow.relaxed(TOLERANCE), run.flow(INITIAL).relaxed(TOLERANCE)
    drawn = [(name, _png(figure)) for name, figure in _figures(run, relaxed, before, target)]
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UnusableInput(f"cannot write to {folder}: {error.strerror}; choose another place") from None
    for name, png in drawn:
        write_atomically(folder / name, lambda path, png=png: path.write_bytes(png))
    return [folder / name for name, _ in drawn]


def _figures(run: Run, flow: Flow, before: Flow, target: GaussianMixture) -> Iterator[tuple[str, Figure]]:
    generator = torch.Generator().manual_seed(0)
    x, z = target.sample(DRAWS, generator), torch.randn(DRAWS, 2, generator=generator)
    data = _plane_of(target, x)
    rows = run.read_metrics()
    if any("loss" in row for row in rows):
        yield "loss.png", _loss(rows, run.config.training, target)
    yield "before-after.png", _before_after((before, flow), data, x, z)
    yield "layers.png", _layers(flow, data, z)
    yield "grid.png", _grid(flow, data, z)
    yield "density.png", _density(flow, data, target)
    yield "steps.png", _steps(flow, data, x)
    if isinstance(flow, ContinuousFlow):
        yield "trajectories.png", _trajectories(flow, data, x, z[:TRAJECTORIES])


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    FigureCanvasAgg(figure)
    # Without the software's name, so that the bytes say nothing but the picture.
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


@dataclass(frozen=True)
class _Plane:
    """Where points are drawn.

    Attributes:
        low, high: the corners, (x, y).
        aspect: the length of a unit of y as drawn, in units of x; a picture is drawn as it is given.
        labels: of the axes.
    """

    low: tuple[float, float]
    high: tuple[float, float]
    aspect: float = 1.0
    labels: tuple[str, str] = ("x, data units", "y, data units")

    @property
    def ratio(self) -> float:
        """Width by height, as drawn."""
        return (self.high[0] - self.low[0]) / ((self.high[1] - self.low[1]) * self.aspect)

    def holding(self, points: Array) -> _Plane:
        """The same, large enough for points (..., 2) too, unless they are far away."""
        near = np.nan_to_num(points.reshape(-1, 2)).clip(-FAR, FAR)
        margin = MARGIN * np.ptp(near, axis=0)
        low, high = np.minimum(self.low, near.min(0) - margin), np.maximum(self.high, near.max(0) + margin)
        return _Plane((float(low[0]), float(low[1])), (float(high[0]), float(high[1])), self.aspect)

    def on(self, axes: Axes, title: str) -> Axes:
        axes.set(xlim=(self.low[0], self.high[0]), ylim=(self.low[1], self.high[1]), aspect=self.aspect)
        axes.set_title(title, fontsize="medium")
        for axis, label in zip((axes.xaxis, axes.yaxis), self.labels, strict=True):
            axis.set_label_text(label, fontsize="small")
            axis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10], integer=True))
            axis.set_tick_params(labelsize="small", colors=INK)
        axes.spines[:].set_color(FAINT)
        return axes


LATENT = _Plane((-CLOUD, -CLOUD), (CLOUD, CLOUD), labels=("$z_1$, std. deviations", "$z_2$, std. deviations"))


def _plane_of(target: GaussianMixture, x: Tensor) -> _Plane:
    return _Plane((0.0, 0.0), (0.0, 0.0), target.drawn_aspect).holding(x.numpy())


def _sheet(row: Sequence[_Plane], titles: Sequence[str], tallest: float = TALLEST) -> tuple[Figure, list[Axes]]:
    """A figure of panels, one a title; every row has the same planes, and the last may be shorter."""
    columns, ratios = len(row), [plane.ratio for plane in row]
    rows = math.ceil(len(titles) / columns)
    height = min(tallest, (WIDTH - columns * AROUND) / sum(ratios))
    size = (sum(ratios) * height + columns * AROUND, rows * (height + AROUND))
    figure = Figure(figsize=size, dpi=DPI, layout="compressed")
    places = figure.add_gridspec(rows, columns, width_ratios=ratios)
    return figure, [row[i % columns].on(figure.add_subplot(places[i]), title) for i, title in enumerate(titles)]


def _carry(flow: Flow, z: Tensor, times: Sequence[float]) -> Array:
    """Base points (n, 2) at ascending times, (k, n, 2)."""
    return flow.trajectory(z, torch.tensor(times, dtype=torch.float64)).double().numpy()


def _dots(axes: Axes, points: Tensor | Array, colour: str = INK, alpha: float = 0.6) -> None:
    x, y = np.asarray(points).T
    axes.scatter(x, y, s=2.0, c=colour, alpha=alpha, linewidths=0)


def _loss(rows: list[dict[str, float]], training: TrainingConfig, target: GaussianMixture) -> Figure:
    figure = Figure(figsize=(11, 4), dpi=DPI, layout="constrained")
    left, right = figure.subplots(1, 2)
    steps, losses = (np.array([row[key] for row in rows if "loss" in row]) for key in ("step", "loss"))
    left.plot(steps, losses, color=FAINT, linewidth=0.8, label="each step")
    window = max(1, len(losses) // 40)
    if window > 1:
        mean = np.convolve(losses, np.ones(window) / window, "valid")
        left.plot(steps[window - 1 :], mean, color=STRONG, linewidth=1.6, label=f"mean of {window} steps")
    if training.objective == "likelihood":
        more = ", and regularisers" if training.kinetic or training.jacobian else ""
        left.axhline(target.entropy(), color=OTHER, linestyle="--", label="entropy, the least possible NLL")
        left.set(title="Training: negative log-likelihood" + more, xlabel="step", ylabel="loss, nats")
    else:
        left.set(title="Training: weighted mean squared error of the velocity", xlabel="step", yscale="log")
        left.set_ylabel("loss, data units² / time²")
    left.legend(fontsize="small", frameon=False)
    gaps = [(row["step"], row["gap"], row["gap_se"]) for row in rows if "gap" in row]
    right.set(title="Checkpoints: the gap between NLL and entropy", xlabel="step", ylabel="gap, nats", yscale="log")
    right.set_xlim(left.get_xlim())
    # What is not above 0 by its error has no place on a log axis but a bound.
    clear = [(step, gap, error) for step, gap, error in gaps if gap > error]
    bounds = [(step, max(gap, 0) + 2 * error) for step, gap, error in gaps if gap <= error]
    if clear:
        step, gap, error = np.array(clear).T
        right.errorbar(step, gap, error, color=STRONG, marker="o", markersize=4, capsize=3, label="± standard error")
    if bounds:
        right.plot(*np.array(bounds).T, "v", color=OTHER, label="below that, within two standard errors")
    if gaps:
        right.legend(fontsize="small", frameon=False)
    for axes in (left, right):
        axes.grid(alpha=0.25)
    return figure


def _before_after(flows: tuple[Flow, Flow], data: _Plane, x: Tensor, z: Tensor) -> Figure:
    names = ("X of the target", "f(X), latent", "Z of N(0, I)", "g(Z), data")
    titles = [f"{when}: {name}" for when in ("before", "after") for name in names]
    figure, axes = _sheet((data, LATENT, LATENT, data), titles)
    for flow, row in zip(flows, (axes[:4], axes[4:]), strict=True):
        back = flow.trajectory(x, torch.tensor([0.0]), start=1.0)[0]
        for panel, points, colour in zip(row, (x, back, z, _carry(flow, z, [1.0])[0]), (INK, STRONG) * 2, strict=True):
            _dots(panel, points, colour)
    return figure


def _layers(flow: Flow, data: _Plane, z: Tensor) -> Figure:
    plane = data.holding(np.array((LATENT.low, LATENT.high)) / (1 + 2 * MARGIN))
    last = flow.layers or 4
    shown = sorted({round(i) for i in np.linspace(0, last, min(last + 1, STILLS))})
    times = [i / last for i in shown]
    most = max(2, min(8, int(WIDTH / (1.3 * plane.ratio + AROUND))))
    columns = math.ceil(len(shown) / math.ceil(len(shown) / most))
    names = [f"$S_{{{i}}}$, t = {t:.2f}" if flow.layers else f"t = {t:.2f}" for i, t in zip(shown, times, strict=True)]
    figure, axes = _sheet([plane] * columns, names)
    for panel, points in zip(axes, _carry(flow, z, times), strict=True):
        _dots(panel, points)
        panel.label_outer()
    return figure


def _grid(flow: Flow, data: _Plane, z: Tensor) -> Figure:
    places, along = torch.linspace(-2.5, 2.5, 11), torch.linspace(-2.5, 2.5, 301)
    across = torch.cartesian_prod(places, along)
    lines = torch.cat((across, across.flip(1)))
    figure, axes = _sheet((LATENT, data), ("a grid in latent space", "carried to data space"))
    start = torch.cat((lines, z[:1000]))
    for panel, points in zip(axes, (start.numpy(), _carry(flow, start, [1.0])[0]), strict=True):
        _dots(panel, points[len(lines) :], FAINT, 0.5)
        upright, level = points[: len(lines)].reshape(2, len(places), len(along), 2)
        for part, colour, name in ((upright, STRONG, "$z_1$ constant"), (level, OTHER, "$z_2$ constant")):
            panel.add_collection(LineCollection(list(part), colors=colour, linewidths=0.9, label=name))
    axes[0].legend(fontsize="small", loc="upper right")
    return figure


def _density(flow: Flow, data: _Plane, target: GaussianMixture) -> Figure:
    columns, rows = (max(2, round(LATTICE * side / max(data.ratio, 1))) for side in (data.ratio, 1.0))
    # The middle of each pixel, from below.
    x, y = (
        low + (high - low) * (torch.arange(n, dtype=torch.float64) + 0.5) / n
        for low, high, n in zip(data.low, data.high, (columns, rows), strict=True)
    )
    truth = target.density(x, y).numpy()
    model = flow.log_prob(torch.cartesian_prod(y, x).flip(1).float()).double().exp().view(rows, columns).numpy()
    model = np.nan_to_num(model, posinf=0.0)  # so far out that the flow overflows
    # A few pixels far above all others would leave the rest pale.
    top = 1.1 * float(np.quantile(truth[truth > truth.max() / 100], 0.99))
    most = max(float(np.quantile(np.abs(model - truth), 0.995)), 1e-12)
    fields = (
        ("target density p", truth, "Blues", 0.0, top),
        ("model density q", model, "Blues", 0.0, top),
        ("difference q - p", model - truth, "RdBu_r", -most, most),
    )
    figure, axes = _sheet((data,) * 3, [title for title, *_ in fields])
    figure.set_figheight(figure.get_figheight() + 0.7)  # for the colours' bars
    extent = (data.low[0], data.high[0], data.low[1], data.high[1])
    for panel, (_, field, colours, low, high) in zip(axes, fields, strict=True):
        drawn = panel.imshow(field, colours, vmin=low, vmax=high, origin="lower", extent=extent, aspect=data.aspect)
        bar = figure.colorbar(drawn, ax=panel, location="bottom", shrink=0.9, extend="both" if low else "max")
        bar.set_label("1 / data unit²", fontsize="small")
        bar.ax.tick_params(labelsize="small")
    return figure


def _steps(flow: Flow, data: _Plane, x: Tensor) -> Figure:
    number = torch.arange(5)
    angles = 2.4 * number + 0.3  # the golden angle: they go round without a pattern
    z = torch.stack((angles.cos(), angles.sin()), 1) * (0.7 + 0.35 * number)[:, None]
    count = flow.layers or STEPS
    if isinstance(flow, ContinuousFlow):
        states = [z]
        for i in range(count):
            states.append(states[-1] + flow.velocity(states[-1], torch.tensor(i / count)) / count)
        corners = torch.stack(states).double().numpy()
        names = (f"{count} residual blocks: x ← x + h v(x, t), h = 1/{count}", "the ODE dx/dt = v(x, t)")
    else:
        corners = _carry(flow, z, [i / count for i in range(count + 1)])
        names = (f"{count} layers, one after another", "the layers' own ways")
    times = sorted({*np.linspace(0, 1, 36 * count + 1).tolist(), MARKED / count} if count > 1 else {0.0, 1.0})
    paths = _carry(flow, z, times)
    figure, axes = _sheet((data.holding(np.concatenate((corners, paths))),) * 2, names, 5.0)
    for panel, lines in zip(axes, (corners, paths), strict=True):
        _dots(panel, x, FAINT, 0.25)
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


def _trajectories(flow: Flow, data: _Plane, x: Tensor, z: Tensor) -> Figure:
    times = np.linspace(0, 1, MOMENTS)
    paths = _carry(flow, z, times.tolist())
    figure, (axes,) = _sheet((data.holding(paths),), ("from latent space (open) to data space (full)",), 6.5)
    figure.set_figwidth(figure.get_figwidth() + 1.0)  # for the colours' bar
    _dots(axes, x, FAINT, 0.35)
    pieces = np.stack((paths[:-1], paths[1:]), 2).reshape(-1, 2, 2)  # of one moment each, (moment, point)
    lines = LineCollection(list(pieces), cmap="viridis", linewidths=1.2)
    lines.set_array(np.repeat((times[:-1] + times[1:]) / 2, len(z)))
    lines.set_clim(0, 1)
    axes.add_collection(lines)
    axes.plot(*paths[0].T, "o", color=INK, markerfacecolor="white", markersize=4)
    axes.plot(*paths[-1].T, "o", color=INK, markersize=3)
    figure.colorbar(lines, ax=axes, label="time t, from 0 (latent) to 1 (data)")
    return figure
