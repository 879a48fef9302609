"""What the figures of a fit show."""

from __future__ import annotations

import dataclasses
import re

import numpy as np
import pytest
import torch
from drawn_plots import COARSE, DrawnPlots
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.figure import Figure

from flowgif.evaluation import figures
from flowgif.runs.layout import INITIAL


def _panels(figure: Figure) -> list[Axes]:
    """Without the colours' bars."""
    return [axes for axes in figure.axes if axes.get_label() != "<colorbar>"]


def _dots(axes: Axes) -> np.ndarray:
    (dots,) = (found for found in axes.collections if isinstance(found, PathCollection))
    return np.asarray(dots.get_offsets())


def _assert_near(drawn: np.ndarray, wanted: torch.Tensor) -> None:
    """Pictures are solved at 1e-4; the few points where the flow tears the cloud apart may be further off."""
    error = np.linalg.norm(drawn - wanted.double().numpy(), axis=-1)
    assert (error < 0.05).mean() > 0.98, error.max()


def test_every_axis_names_its_unit(drawn: DrawnPlots) -> None:
    for name, figure in drawn.figures.items():
        outer = [axes for axes in _panels(figure) if axes.get_xlabel() or axes.get_ylabel()]
        assert outer, name
        for label in [axes.get_xlabel() for axes in outer] + [axes.get_ylabel() for axes in outer]:
            assert re.search("^$|^step$|, (data units|std. deviations|nats)", label), (name, label)
    for axes in drawn.figures["density.png"].axes[-3:]:
        assert axes.get_xlabel() == "1 / data unit²"


def test_a_picture_is_drawn_as_it_is_given(of_cat: DrawnPlots, of_moons: DrawnPlots) -> None:
    scale = of_cat.loaded.target.scale
    for drawn, aspect in ((of_cat, float(scale[1] / scale[0])), (of_moons, 1.0)):
        for name, figure in drawn.figures.items():
            for axes in _panels(figure) if name != "loss.png" else ():
                latent = axes.get_xlabel().startswith("$z_1$")
                assert axes.get_aspect() == pytest.approx(1.0 if latent else aspect), name


def test_the_loss_has_its_unit_and_its_floor(of_cat: DrawnPlots, of_moons: DrawnPlots) -> None:
    matching, likelihood = (drawn.figures["loss.png"].axes[0] for drawn in (of_cat, of_moons))
    assert matching.get_ylabel() == "loss, data units² / time²"
    assert matching.get_yscale() == "log"
    assert not [line for line in matching.lines if line.get_linestyle() == "--"]
    assert likelihood.get_ylabel() == "loss, nats"
    (floor,) = (line for line in likelihood.lines if line.get_linestyle() == "--")
    assert set(floor.get_ydata()) == {of_moons.loaded.target.entropy()}
    losses = [row["loss"] for row in of_moons.loaded.run.read_metrics() if "loss" in row]
    assert likelihood.lines[0].get_ydata() == pytest.approx(losses)


def test_a_gap_within_its_error_is_drawn_as_a_bound(of_cat: DrawnPlots) -> None:
    rows = [{"step": 1, "loss": 0.1}, {"step": 1, "gap": 0.3, "gap_se": 0.1}, {"step": 2, "gap": -0.01, "gap_se": 0.02}]
    right = figures.draw_loss(dataclasses.replace(of_cat.material, metrics=rows)).axes[1]
    marks = {line.get_marker(): line.get_xydata().tolist() for line in right.lines if len(line.get_xydata())}
    assert marks["o"] == [[1.0, 0.3]]
    assert marks["v"] == [[2.0, 0.04]]


def test_before_and_after_are_the_weights_before_and_after(drawn: DrawnPlots) -> None:
    panels = [_dots(axes) for axes in _panels(drawn.figures["before-after.png"])]
    flows = (drawn.loaded.run.flow(INITIAL), drawn.loaded.flow)
    for flow, (x, latent, z, data) in zip(flows, (panels[:4], panels[4:]), strict=True):
        part = slice(0, 200)
        with torch.no_grad():
            there = flow.to_base(torch.tensor(x[part]).float()).point
            back = flow.from_base(torch.tensor(z[part]).float()).point
        _assert_near(latent[part], there)
        _assert_near(data[part], back)


def test_layers_are_the_points_after_each(of_cat: DrawnPlots, of_moons: DrawnPlots) -> None:
    for drawn, count in ((of_cat, 4), (of_moons, len(of_moons.loaded.flow.layer_ends()))):
        panels = _panels(drawn.figures["layers.png"])
        assert len(panels) == count + 1
        z = torch.tensor(_dots(panels[0])[:100]).float()
        with torch.no_grad():
            points = drawn.loaded.flow.path(z, torch.linspace(0, 1, count + 1)).point
        for axes, there in zip(panels, points, strict=True):
            _assert_near(_dots(axes)[:100], there)


def test_many_layers_wrap_and_many_more_are_thinned(of_moons: DrawnPlots) -> None:
    class Deep(torch.nn.Module):
        def layer_ends(self) -> tuple[float, ...]:
            return tuple((i + 1) / 200 for i in range(200))

        def trajectory(self, x: torch.Tensor, times: torch.Tensor) -> torch.Tensor:
            return x.expand(len(times), *x.shape)

    material = dataclasses.replace(of_moons.material, flow=Deep(), z=torch.randn(50, 2))  # type: ignore[arg-type]
    figure = figures.draw_layers(material)
    titles = [axes.get_title() for axes in figure.axes]
    assert len(titles) == figures.MOST_PANELS
    assert titles[0].startswith("$S_{0}$")
    assert titles[-1].startswith("$S_{200}$")
    assert figure.get_figwidth() < 16


def test_the_grid_is_straight_before_and_carried_after(drawn: DrawnPlots) -> None:
    left, right = (
        [found.get_segments() for found in axes.collections if isinstance(found, LineCollection)]
        for axes in _panels(drawn.figures["grid.png"])
    )
    upright, level = left
    assert all(np.ptp(line[:, 0]) == 0 for line in upright)
    assert all(np.ptp(line[:, 1]) == 0 for line in level)
    for lines, carried in zip(left, right, strict=True):
        with torch.no_grad():
            there = drawn.loaded.flow.from_base(torch.tensor(lines[3][::30]).float()).point
        _assert_near(carried[3][::30], there)


def test_densities_share_a_scale_and_hold_all_mass(drawn: DrawnPlots) -> None:
    truth, model, difference = (axes.images[0] for axes in _panels(drawn.figures["density.png"]))
    assert truth.get_clim() == model.get_clim()
    low, high = difference.get_clim()
    assert low == -high < 0
    left, right, bottom, top = truth.get_extent()
    fields = [np.asarray(image.get_array()) for image in (truth, model, difference)]
    assert max(fields[0].shape) == COARSE
    cell = (right - left) * (top - bottom) / fields[0].size
    # A short training leaves some of the model's mass outside the frame.
    assert fields[0].sum() * cell == pytest.approx(1, abs=0.02)
    assert fields[1].sum() * cell == pytest.approx(1, abs=0.1)
    np.testing.assert_allclose(fields[2], fields[1] - fields[0])
    rows, columns = fields[0].shape
    at = [(left + (right - left) * (j + 0.5) / columns, bottom + (top - bottom) * (i + 0.5) / rows)
          for i, j in ((rows // 2, columns // 2), (rows // 3, columns // 4))]  # fmt: skip
    with torch.no_grad():
        q = drawn.loaded.flow.log_prob(torch.tensor(at)).exp()
    assert [fields[1][rows // 2, columns // 2], fields[1][rows // 3, columns // 4]] == pytest.approx(
        q.tolist(), rel=0.01, abs=1e-4
    )


def test_layer_one_and_a_half_is_where_the_flow_is_then(drawn: DrawnPlots) -> None:
    flow = drawn.loaded.flow
    steps, ways = _panels(drawn.figures["steps.png"])
    count = len(flow.layer_ends()) or figures.EULER_STEPS
    starts = [line.get_xydata()[0] for line in ways.lines if line.get_markerfacecolor() == "white"]
    z = torch.tensor(np.array(starts)).float()
    (straight,), (true,) = (
        [line.get_xydata() for line in axes.lines if str(line.get_label()).startswith("layer 1.5")]
        for axes in (steps, ways)
    )
    with torch.no_grad():
        _assert_near(true, flow.from_base(z, 1.5 / count).point)
        if not flow.layer_ends():
            first = z + flow.velocity(z, torch.tensor(0.0)) / count
            middle = first + 0.5 * flow.velocity(first, torch.tensor(1 / count)) / count
        else:
            middle = flow.path(z, torch.tensor([1 / count, 2 / count])).point.mean(0)
    _assert_near(straight, middle)


def test_trajectories_lead_from_the_cloud_to_the_target(of_cat: DrawnPlots) -> None:
    (axes,) = _panels(of_cat.figures["trajectories.png"])
    start, end = (line.get_xydata() for line in axes.lines)
    with torch.no_grad():
        there = of_cat.loaded.flow.from_base(torch.tensor(start).float()).point
    _assert_near(end, there)
    (lines,) = (found for found in axes.collections if isinstance(found, LineCollection))
    assert len(lines.get_segments()) == len(start) * (figures.MOMENTS - 1)
    assert np.ptp(np.asarray(lines.get_array())) > 0.95
