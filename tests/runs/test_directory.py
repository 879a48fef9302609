"""A run directory is made whole, in the place of a run alone, and says what is missing in it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from conftest import CAT
from settings import with_moons

from flowgif.config.reading import read_config
from flowgif.errors import UnusableInput
from flowgif.flows.build import build_flow
from flowgif.runs.directory import INITIAL, METRICS, WEIGHTS, Run, open_target
from flowgif.runs.provenance import find_source, is_run

SMALL = {"name": "spline", "layers": 2, "width": 8}


def _made(folder: Path, **target: object) -> Run:
    flags = {"target": target or {"data": "moons"}, "model": SMALL}
    config = read_config(None, flags)
    return Run.create(folder, config, open_target(config), build_flow(config))


def test_a_new_run_has_what_is_known_before_training(tmp_path: Path) -> None:
    run = _made(tmp_path / "run", img=CAT, max_side=50)
    assert {path.name for path in run.folder.iterdir()} == {
        "config.toml", "provenance.json", "picture.png", "weights-initial.safetensors",
    }  # fmt: skip
    assert [path.name for path in tmp_path.iterdir()] == ["run"]  # nothing of the staging is left
    again = Run.open(run.folder)
    assert again == run
    assert again.source == str(CAT)
    assert find_source(run.folder) == str(CAT)
    target = again.target()
    assert target.picture is not None
    assert max(target.picture.image.size) == 50
    assert target.picture.size_as_given == (400, 400)
    provenance = json.loads((run.folder / "provenance.json").read_text())
    assert provenance["picture"] == {"source": str(CAT), "size_as_given": [400, 400]}


def test_a_run_without_a_picture_says_so(tmp_path: Path) -> None:
    run = _made(tmp_path / "run")
    assert run.source == "moons"
    assert find_source(run.folder) is None
    assert is_run(run.folder)
    assert not is_run(tmp_path)


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    run = _made(tmp_path / "run", img=CAT, max_side=50)
    with pytest.raises(UnusableInput, match=rf"{WEIGHTS} is missing; train it first"):
        run.flow()
    run.flow(INITIAL)
    assert run.read_state() is None
    (run.folder / "picture.png").unlink()
    with pytest.raises(UnusableInput, match=r"picture\.png is missing; train the run again"):
        run.target()
    with pytest.raises(UnusableInput, match=r"no run at .*nowhere; make one with"):
        Run.open(tmp_path / "nowhere")


def test_weights_of_another_size_are_refused(tmp_path: Path) -> None:
    run = _made(tmp_path / "run")
    run.write_weights(build_flow(read_config(None, with_moons({**SMALL, "width": 16}))))
    with pytest.raises(UnusableInput, match=rf"{WEIGHTS} does not fit config.toml"):
        run.flow()


def test_a_broken_line_of_the_metrics_is_left_out(tmp_path: Path) -> None:
    run = _made(tmp_path / "run")
    assert run.read_metrics() == []
    run.append_metrics([{"step": 1, "loss": 2.0}, {"step": 2, "loss": 1.0}])
    with (run.folder / METRICS).open("a") as file:
        file.write('{"step": 3, "lo')
    assert [row["step"] for row in run.read_metrics()] == [1, 2]
    run.keep_metrics_up_to(1)
    assert (run.folder / METRICS).read_text() == '{"step": 1, "loss": 2.0}\n'


def test_tensors_come_back(tmp_path: Path) -> None:
    run = _made(tmp_path / "run")
    state = {"a": torch.arange(3), "b": torch.ones(2, 2, dtype=torch.float64)}
    run.write_state(state)
    read = run.read_state()
    assert read is not None
    assert all(torch.equal(read[name], value) for name, value in state.items())
