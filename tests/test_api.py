"""flowgif in Python: the functions and the run that they return."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Finished

import flowgif
from flowgif.api import Loaded
from flowgif.errors import UnusableInput
from flowgif.runs.settings import newest_run

SMALL = {"steps": 3, "batch_size": 16, "network": "fourier", "features": 8, "width": 8, "depth": 1}


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_python_trains_and_draws_what_the_commands_do(
    place: Path, cat: Loaded, run_here: Callable[..., Finished]
) -> None:
    run = flowgif.train("moons", model="realnvp", steps=3, batch_size=16, seed=2)
    assert run.folder == Path("runs/moons")
    assert (run.metrics[-1]["step"], run.metrics[-1]["gap"]) == (3, run.gap)
    command = "train --data moons --model realnvp --steps 3 --batch-size 16 --seed 2 --out command"
    assert run_here(*command.split(), cwd=place).code == 0
    assert Path("command/weights.safetensors").read_bytes() == (run.folder / "weights.safetensors").read_bytes()

    done = cat.animate("python.gif", size=90, frames=4, style="trails", hold=(0.5, 1), bounce=True, theme="dark")
    command = "--size 90 --frames 4 --style trails --hold 0.5,1 --bounce --theme dark -o command.gif"
    assert run_here("animate", cat.folder, *command.split(), cwd=place).code == 0
    assert Path("command.gif").read_bytes() == Path("python.gif").read_bytes()
    assert (done.path, done.paths, done.frames) == (Path("python.gif"), (Path("python.gif"),), 6)
    assert done.bytes == Path("python.gif").stat().st_size
    assert done._repr_mimebundle_().keys() == {"image/gif", "text/plain"}

    row = cat.stills("python.png", "0,1", size=90, style="trails")
    command = "--stills command.png --times 0,1 --size 90 --style trails"
    assert run_here("animate", cat.folder, *command.split(), cwd=place).code == 0
    assert Path("command.png").read_bytes() == row.path.read_bytes()


def test_a_data_set_s_name_may_be_that_of_a_picture(place: Path) -> None:
    (place / "moons").write_text("no picture")
    with pytest.raises(UnusableInput, match="moons is not a picture"):
        flowgif.train("moons", **SMALL)
    (place / "moons").unlink()
    assert flowgif.train("moons", **SMALL).config.target.data == "moons"
    with pytest.raises(UnusableInput, match="two pictures or data sets: rings and data=moons"):
        flowgif.train("rings", data="moons")


@pytest.mark.slow
def test_configs_directories_and_replacing(place: Path) -> None:
    (place / "small.toml").write_text('[target]\ndata = "circles"\n[training]\nsteps = 5\nbatch_size = 16\n')
    run = flowgif.train(config="small.toml", steps=2)
    assert (run.folder, run.config.training.steps) == (Path("runs/small"), 2)
    with pytest.raises(UnusableInput, match="--force"):
        flowgif.train(config="small.toml")
    assert flowgif.train(config="small.toml", steps=1, force=True).metrics[-1]["step"] == 1
    start = flowgif.train(from_=run.folder, steps=1)
    assert start.folder == Path("runs/small-continued")
    assert newest_run() == start.folder
    assert flowgif.resume(run.folder, steps=4).metrics[-1]["step"] == 4
    with pytest.raises(UnusableInput, match="--resume cannot change it"):
        flowgif.resume(run.folder, lr=1.0)


def test_several_runs_and_several_files(place: Path, moons: Path, cat: Loaded) -> None:
    outs = ["morph.gif", place / "morph.html"]
    done = flowgif.animate([cat, moons], outs, poster="end.png", size=64, frames=3, points=50)
    assert done.paths == (Path("morph.gif"), place / "morph.html", Path("end.png"))
    with pytest.raises(UnusableInput, match="no option 'stlye'; did you mean 'style'"):
        cat.animate("x.gif", stlye="density")  # type: ignore[call-arg]
    with pytest.raises(UnusableInput, match="no run to animate"):
        flowgif.animate([], "x.gif")


def test_a_run_describes_itself(moons: Path) -> None:
    run = flowgif.load(moons)
    assert repr(run) == f"run {moons}, model spline, target moons, steps 60, gap {run.gap:.4f} nats"
    assert f"<td style='text-align: left'>{moons}</td>" in run._repr_html_()
    report = run.evaluate(seed=1)
    assert report.gap == pytest.approx(run.gap, rel=0.2)
