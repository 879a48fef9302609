"""The files of a fit's plots: which there are, that they are the same every time, and what is refused."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import Finished
from drawn_plots import DrawnPlots, draw_all
from matplotlib.figure import Figure
from PIL import Image
from safetensors.torch import load_file, save_file

import flowgif
from flowgif.errors import UnusableInput
from flowgif.evaluation import figures, plots, sheets
from flowgif.evaluation.figures import Plot
from flowgif.evaluation.plots import write_plots
from flowgif.runs.layout import INITIAL, METRICS, WEIGHTS

DISCRETE = ["loss.png", "before-after.png", "layers.png", "grid.png", "density.png", "steps.png"]
CONTINUOUS = [*DISCRETE, "trajectories.png"]


def test_a_continuous_flow_has_trajectories_and_a_discrete_one_has_not(
    of_cat: DrawnPlots, of_moons: DrawnPlots
) -> None:
    for drawn, names in ((of_cat, CONTINUOUS), (of_moons, DISCRETE)):
        assert [path.name for path in drawn.files] == names
        assert sorted(path.name for path in drawn.files[0].parent.iterdir()) == sorted(names)


def test_they_are_readable_and_not_blank(drawn: DrawnPlots) -> None:
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


@pytest.mark.slow
def test_the_same_run_gives_the_same_bytes(of_cat: DrawnPlots, tmp_path: Path) -> None:
    again = draw_all(of_cat.loaded, tmp_path)
    for first, second in zip(of_cat.files, again.files, strict=True):
        assert first.read_bytes() == second.read_bytes(), first.name


def test_the_same_run_gives_the_same_trajectories(
    of_cat: DrawnPlots, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The plot that only a continuous flow has; a test below draws all plots of a discrete one again."""
    monkeypatch.setattr(plots, "PLOTS", [plot for plot in plots.PLOTS if plot.name == "trajectories.png"])
    (again,) = draw_all(of_cat.loaded, tmp_path).files
    assert again.read_bytes() == of_cat.files[0].with_name("trajectories.png").read_bytes()


def test_every_picture_is_progress(drawn: DrawnPlots) -> None:
    count = len(drawn.files)
    assert drawn.shares == [(i + 1) / count for i in range(count)]


@pytest.fixture
def copied(moons: Path, tmp_path: Path) -> Path:
    shutil.copytree(moons, tmp_path / "run")
    return tmp_path / "run"


def test_a_run_that_was_never_trained_has_no_loss(copied: Path, of_moons: DrawnPlots, tmp_path: Path) -> None:
    (copied / METRICS).unlink()
    files = draw_all(flowgif.load(copied), tmp_path / "plots").files
    assert [path.name for path in files] == DISCRETE[1:]
    # Everything else is the same, byte for byte.
    for path in files:
        assert path.read_bytes() == of_moons.files[0].with_name(path.name).read_bytes(), path.name
    loss = sheets.encode_png(figures.draw_loss(of_moons.material))
    assert loss == of_moons.files[0].read_bytes()


@pytest.mark.parametrize("content", [None, b"broken"])
def test_without_the_weights_before_training_nothing_is_written(
    copied: Path, tmp_path: Path, run_here: Callable[..., Finished], content: bytes | None
) -> None:
    (copied / INITIAL).unlink()
    if content is not None:
        (copied / INITIAL).write_bytes(content)
    done = run_here("eval", copied, "--plots", "plots", "--quiet", cwd=tmp_path)
    assert done.code == 2
    assert INITIAL in done.err
    assert len(done.err.splitlines()) == 1
    assert done.out == ""
    with pytest.raises(UnusableInput, match=INITIAL):
        draw_all(flowgif.load(copied), tmp_path / "plots")
    assert not (tmp_path / "plots").exists()


def test_a_place_that_cannot_hold_them_is_found_before_the_evaluation(
    copied: Path, tmp_path: Path, run_here: Callable[..., Finished]
) -> None:
    (tmp_path / "file").write_text("precious")
    # Weights whose evaluation ends with exit code 3, where it comes to that.
    weights = {name: torch.full_like(tensor, torch.nan) for name, tensor in load_file(copied / WEIGHTS).items()}
    save_file(weights, copied / WEIGHTS)
    for place, code in (("file", 2), ("file/plots", 2), ("plots", 3)):
        done = run_here("eval", copied, "--plots", place, "--quiet", cwd=tmp_path)
        assert done.code == code, done.err
        assert len(done.err.splitlines()) == 1
        assert code == 3 or f"cannot write to {place}: " in done.err
    assert (tmp_path / "file").read_text() == "precious"
    assert not (tmp_path / "plots").exists()


def test_a_folder_that_refuses_files_is_refused(of_moons: DrawnPlots) -> None:
    with pytest.raises(UnusableInput, match="choose another place"):
        plots.check_plots(of_moons.loaded.run, Path("/proc/plots"))


def test_a_failure_on_the_way_leaves_nothing(
    of_moons: DrawnPlots, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> Figure:
        raise KeyboardInterrupt

    monkeypatch.setattr(plots, "PLOTS", (plots.PLOTS[0], Plot("layers.png", fail)))
    loaded = of_moons.loaded
    with pytest.raises(KeyboardInterrupt):
        write_plots(loaded.run, loaded.flow, loaded.target, tmp_path / "plots")
    assert not (tmp_path / "plots").exists()
