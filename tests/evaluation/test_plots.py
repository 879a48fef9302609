"""The pictures of a fit: which there are, what is in them, and that they are the same every time."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch
from conftest import run_flowgif
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.figure import Figure
from PIL import Image
from safetensors.torch import load_file, save_file

import flowgif
from flowgif.errors import UnusableInput
from flowgif.evaluation import plots
from flowgif.evaluation.plots import write_plots
from flowgif.flows.base import ContinuousFlow
from flowgif.runs.directory import INITIAL, METRICS, WEIGHTS
from flowgif.session import Loaded

DISCRETE = ["loss.png", "before-after.png", "layers.png", "grid.png", "density.png", "steps.png"]
CONTINUOUS = [*DISCRETE, "trajectories.png"]
COARSE = 48  # pixels of a density's longer side


class Drawn(NamedTuple):
    loaded: Loaded
    figures: dict[str, Figure]
    files: list[Path]


def _drawn(loaded: Loaded, folder: Path) -> Drawn:
    """The files, and the figures that they were made from."""
    figures: dict[str, Figure] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plots, "LATTICE", COARSE)
        original = plots._figures

        def kept(*args):
            for name, figure in original(*args):
                figures[name] = figure
                yield name, figure

        patch.setattr(plots, "_figures", kept)
        files = write_plots(loaded.run, loaded.flow, loaded.target, folder)
    return Drawn(loaded, figures, files)


@pytest.fixture(scope="module")
def of_cat(cat: Loaded, workplace: Path, tmp_path_factory: pytest.TempPathFactory) -> Drawn:
    here = Loaded(flowgif.load(workplace / "runs" / "cat").run, cat.flow, cat.target)
    return _drawn(here, tmp_path_factory.mktemp("plots") / "new" / "cat")


@pytest.fixture(scope="module")
def of_moons(moons: Path, tmp_path_factory: pytest.TempPathFactory) -> Drawn:
    return _drawn(flowgif.load(moons), tmp_path_factory.mktemp("plots") / "moons")


@pytest.fixture(params=["of_cat", "of_moons"])
def drawn(request: pytest.FixtureRequest) -> Drawn:
    return request.getfixturevalue(request.param)


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


def test_a_continuous_flow_has_trajectories_and_a_discrete_one_has_not(of_cat: Drawn, of_moons: Drawn) -> None:
    for drawn, names in ((of_cat, CONTINUOUS), (of_moons, DISCRETE)):
        assert [path.name for path in drawn.files] == names
        assert sorted(path.name for path in drawn.files[0].parent.iterdir()) == sorted(names)


def test_they_are_readable_and_not_blank(drawn: Drawn) -> None:
    for path in drawn.files:
        with Image.open(path) as image:
            assert image.format == "PNG"
            assert 500 <= image.width <= 1800, path
            assert 200 <= image.height <= 1200, path
            grey = np.asarray(image.convert("L"))
        assert 0.01 < (grey < 250).mean() < 0.9, path
        # Nothing is cut off: the outermost pixels are background.
        for edge in (grey[0], grey[-1], grey[:, 0], grey[:, -1]):
            assert edge.min() > 250, path


def test_the_same_run_gives_the_same_bytes(drawn: Drawn, tmp_path: Path) -> None:
    again = _drawn(drawn.loaded, tmp_path)
    for first, second in zip(drawn.files, again.files, strict=True):
        assert first.read_bytes() == second.read_bytes(), first.name


def test_every_axis_names_its_unit(drawn: Drawn) -> None:
    for name, figure in drawn.figures.items():
        outer = [axes for axes in _panels(figure) if axes.get_xlabel() or axes.get_ylabel()]
        assert outer, name
        for label in [axes.get_xlabel() for axes in outer] + [axes.get_ylabel() for axes in outer]:
            assert re.search("^$|^step$|, (data units|std. deviations|nats)", label), (name, label)
    for axes in drawn.figures["density.png"].axes[-3:]:
        assert axes.get_xlabel() == "1 / data unit²"


def test_a_picture_is_drawn_as_it_is_given(of_cat: Drawn, of_moons: Drawn) -> None:
    scale = of_cat.loaded.target.scale
    for drawn, aspect in ((of_cat, float(scale[1] / scale[0])), (of_moons, 1.0)):
        for name, figure in drawn.figures.items():
            for axes in _panels(figure) if name != "loss.png" else ():
                latent = axes.get_xlabel().startswith("$z_1$")
                assert axes.get_aspect() == pytest.approx(1.0 if latent else aspect), name


def test_the_loss_has_its_unit_and_its_floor(of_cat: Drawn, of_moons: Drawn) -> None:
    matching, likelihood = (drawn.figures["loss.png"].axes[0] for drawn in (of_cat, of_moons))
    assert matching.get_ylabel() == "loss, data units² / time²"
    assert matching.get_yscale() == "log"
    assert not [line for line in matching.lines if line.get_linestyle() == "--"]
    assert likelihood.get_ylabel() == "loss, nats"
    (floor,) = (line for line in likelihood.lines if line.get_linestyle() == "--")
    assert set(floor.get_ydata()) == {of_moons.loaded.target.entropy()}
    losses = [row["loss"] for row in of_moons.loaded.run.read_metrics() if "loss" in row]
    assert likelihood.lines[0].get_ydata() == pytest.approx(losses)


def test_a_gap_within_its_error_is_drawn_as_a_bound(of_cat: Drawn) -> None:
    rows = [{"step": 1, "loss": 0.1}, {"step": 1, "gap": 0.3, "gap_se": 0.1}, {"step": 2, "gap": -0.01, "gap_se": 0.02}]
    right = plots._loss(rows, of_cat.loaded.run.config.training, of_cat.loaded.target).axes[1]
    marks = {line.get_marker(): line.get_xydata().tolist() for line in right.lines if len(line.get_xydata())}
    assert marks["o"] == [[1.0, 0.3]]
    assert marks["v"] == [[2.0, 0.04]]


def test_before_and_after_are_the_weights_before_and_after(drawn: Drawn) -> None:
    panels = [_dots(axes) for axes in _panels(drawn.figures["before-after.png"])]
    flows = (drawn.loaded.run.flow(INITIAL), drawn.loaded.flow)
    for flow, (x, latent, z, data) in zip(flows, (panels[:4], panels[4:]), strict=True):
        some = slice(0, 200)
        with torch.no_grad():
            there = flow.to_base(torch.tensor(x[some]).float()).point
            back = flow.from_base(torch.tensor(z[some]).float()).point
        _assert_near(latent[some], there)
        _assert_near(data[some], back)


def test_layers_are_the_points_after_each(of_cat: Drawn, of_moons: Drawn) -> None:
    for drawn, count in ((of_cat, 4), (of_moons, of_moons.loaded.flow.layers)):
        panels = _panels(drawn.figures["layers.png"])
        assert len(panels) == count + 1
        z = torch.tensor(_dots(panels[0])[:100]).float()
        with torch.no_grad():
            points = drawn.loaded.flow.path(z, torch.linspace(0, 1, count + 1)).point
        for axes, there in zip(panels, points, strict=True):
            _assert_near(_dots(axes)[:100], there)


def test_many_layers_wrap_and_many_more_are_thinned(of_moons: Drawn) -> None:
    class Deep(torch.nn.Module):
        layers = 200

        def trajectory(self, x: torch.Tensor, times: torch.Tensor) -> torch.Tensor:
            return x.expand(len(times), *x.shape)

    plane = plots._plane_of(of_moons.loaded.target, of_moons.loaded.target.sample(100))
    figure = plots._layers(Deep(), plane, torch.randn(50, 2))  # type: ignore[arg-type]
    titles = [axes.get_title() for axes in figure.axes]
    assert len(titles) == plots.STILLS
    assert titles[0].startswith("$S_{0}$")
    assert titles[-1].startswith("$S_{200}$")
    assert figure.get_figwidth() < 16


def test_the_grid_is_straight_before_and_carried_after(drawn: Drawn) -> None:
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


def test_densities_share_a_scale_and_hold_all_mass(drawn: Drawn) -> None:
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


def test_layer_one_and_a_half_is_where_the_flow_is_then(drawn: Drawn) -> None:
    flow = drawn.loaded.flow
    steps, ways = _panels(drawn.figures["steps.png"])
    count = flow.layers or plots.STEPS
    starts = [line.get_xydata()[0] for line in ways.lines if line.get_markerfacecolor() == "white"]
    z = torch.tensor(np.array(starts)).float()
    (straight,), (true,) = (
        [line.get_xydata() for line in axes.lines if str(line.get_label()).startswith("layer 1.5")]
        for axes in (steps, ways)
    )
    with torch.no_grad():
        _assert_near(true, flow.from_base(z, 1.5 / count).point)
        if isinstance(flow, ContinuousFlow):
            first = z + flow.velocity(z, torch.tensor(0.0)) / count
            middle = first + 0.5 * flow.velocity(first, torch.tensor(1 / count)) / count
        else:
            middle = flow.path(z, torch.tensor([1 / count, 2 / count])).point.mean(0)
    _assert_near(straight, middle)


def test_trajectories_lead_from_the_cloud_to_the_target(of_cat: Drawn) -> None:
    (axes,) = _panels(of_cat.figures["trajectories.png"])
    start, end = (line.get_xydata() for line in axes.lines)
    with torch.no_grad():
        there = of_cat.loaded.flow.from_base(torch.tensor(start).float()).point
    _assert_near(end, there)
    (lines,) = (found for found in axes.collections if isinstance(found, LineCollection))
    assert len(lines.get_segments()) == len(start) * (plots.MOMENTS - 1)
    assert np.ptp(np.asarray(lines.get_array())) > 0.95


def test_the_command_line_writes_and_reports_them(moons: Path, tmp_path: Path) -> None:
    done = run_flowgif("eval", moons, "--plots", "pictures", "--json", cwd=tmp_path)
    assert done.code == 0, done.err
    assert json.loads(done.out)["plots"] == [f"pictures/{name}" for name in DISCRETE]
    assert sorted(path.name for path in (tmp_path / "pictures").iterdir()) == sorted(DISCRETE)
    again = run_flowgif("eval", moons, "--plots", "pictures", "--quiet", cwd=tmp_path)
    assert re.search(r"^plots +pictures: loss.png, before-after.png", again.out, re.MULTILINE)
    assert again.err == ""


@pytest.fixture
def copied(moons: Path, tmp_path: Path) -> Path:
    shutil.copytree(moons, tmp_path / "run")
    return tmp_path / "run"


def test_a_run_that_was_never_trained_has_no_loss(copied: Path, tmp_path: Path) -> None:
    (copied / METRICS).unlink()
    files = _drawn(flowgif.load(copied), tmp_path / "plots").files
    assert [path.name for path in files] == DISCRETE[1:]


@pytest.mark.parametrize("content", [None, b"broken"])
def test_without_the_weights_before_training_nothing_is_written(
    copied: Path, tmp_path: Path, content: bytes | None
) -> None:
    (copied / INITIAL).unlink()
    if content is not None:
        (copied / INITIAL).write_bytes(content)
    done = run_flowgif("eval", copied, "--plots", "plots", "--quiet", cwd=tmp_path)
    assert done.code == 2
    assert INITIAL in done.err
    assert len(done.err.splitlines()) == 1
    assert done.out == ""
    with pytest.raises(UnusableInput, match=INITIAL):
        _drawn(flowgif.load(copied), tmp_path / "plots")
    assert not (tmp_path / "plots").exists()


def test_a_place_that_cannot_hold_them_is_found_before_the_evaluation(copied: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("precious")
    # Weights whose evaluation ends with exit code 3, where it comes to that.
    weights = {name: torch.full_like(tensor, torch.nan) for name, tensor in load_file(copied / WEIGHTS).items()}
    save_file(weights, copied / WEIGHTS)
    for place, code in (("file", 2), ("file/plots", 2), ("plots", 3)):
        done = run_flowgif("eval", copied, "--plots", place, "--quiet", cwd=tmp_path)
        assert done.code == code, done.err
        assert len(done.err.splitlines()) == 1
        assert code == 3 or f"cannot write to {place}: " in done.err
    assert (tmp_path / "file").read_text() == "precious"
    assert not (tmp_path / "plots").exists()


def test_a_folder_that_refuses_files_is_refused(of_moons: Drawn) -> None:
    with pytest.raises(UnusableInput, match="choose another place"):
        plots.check_plots(of_moons.loaded.run, Path("/proc/plots"))


def test_a_failure_on_the_way_leaves_nothing(of_moons: Drawn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> Figure:
        raise KeyboardInterrupt

    monkeypatch.setattr(plots, "_layers", fail)
    loaded = of_moons.loaded
    with pytest.raises(KeyboardInterrupt):
        write_plots(loaded.run, loaded.flow, loaded.target, tmp_path / "plots")
    assert not (tmp_path / "plots").exists()
