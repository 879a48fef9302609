"""A run as Python objects."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from conftest import CAT, SMALL_NETWORK
from PIL import Image

import flowgif
from flowgif import session
from flowgif.animation.animate import animate
from flowgif.animation.config import AnimationConfig
from flowgif.animation.stills import draw_stills
from flowgif.api import Loaded
from flowgif.config.reading import read_config
from flowgif.errors import UnusableInput
from flowgif.evaluation.gap import Gap
from flowgif.machine.device import use_threads
from flowgif.runs.settings import read_settings
from flowgif.session import resume
from flowgif.targets.image import ImageTarget
from flowgif.targets.reading.loading import load_picture
from flowgif.timeline import Pace
from flowgif.training.trainer import StepRecord

TINY = {"steps": 3, "batch_size": 16}


def test_a_loaded_runs_target_is_the_one_that_was_trained_on(cat: Loaded) -> None:
    with use_threads(1):
        fresh = ImageTarget(load_picture(CAT))
        assert isinstance(cat.target, ImageTarget)
        assert torch.equal(cat.target.centres, fresh.centres)
        assert torch.equal(cat.target.weights, fresh.weights)
        assert cat.target.entropy() == fresh.entropy()


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int], None]]:
    """Sets the number of threads that may work at the same time, for torch's operations and for our own work."""

    def use(count: int) -> None:
        monkeypatch.setenv("OMP_NUM_THREADS", str(count))
        torch.set_num_threads(count)

    before = torch.get_num_threads()
    yield use
    torch.set_num_threads(before)


def test_bytes_do_not_depend_on_the_number_of_threads(
    workplace: Path, tmp_path: Path, threads: Callable[[int], None]
) -> None:
    """Threads that share a sum add up its parts, and their number decides which; the cat has enough pixels for that."""
    outs: list[tuple[bytes, ...]] = []
    for count in (1, 2, 3):
        threads(count)
        loaded = flowgif.load(workplace / "runs" / "cat")
        place = tmp_path / str(count)
        place.mkdir()
        config = AnimationConfig(points=500, pace=Pace(frames=3))
        animate([(loaded.flow, loaded.target)], [place / "x.gif"], config)
        draw_stills([(loaded.flow, loaded.target)], place / "x.png", [0.5, 1.0], replace(config, style="density"))
        outs.append((loaded.target.weights.numpy().tobytes(), *(path.read_bytes() for path in sorted(place.iterdir()))))
    assert outs[0] == outs[1] == outs[2]


def test_weights_do_not_depend_on_the_number_of_threads(tmp_path: Path, threads: Callable[[int], None]) -> None:
    flags = {"target": {"img": CAT}, "model": {"name": "ffjord"}, "training": {"steps": 3, "batch_size": 256}}
    weights: list[bytes] = []
    for count in (1, 2):
        threads(count)
        run = session.train(read_settings(None, flags), tmp_path / str(count)).run
        weights.append((run.folder / "weights.safetensors").read_bytes())
    assert weights[0] == weights[1]


def test_pixels_of_a_shrunk_picture_are_those_of_the_picture_as_given(tmp_path: Path) -> None:
    with Image.open(CAT) as image:
        image.resize((1000, 500)).save(tmp_path / "wide.png")
    flags = {"target": {"img": tmp_path / "wide.png", "max_side": 100}, "model": SMALL_NETWORK, "training": TINY}
    trained = session.train(read_config(None, flags), tmp_path / "run")
    target = flowgif.load(trained.run.folder).target
    assert isinstance(target, ImageTarget)
    assert target.picture.image.size == (100, 50)
    pixels = target.to_pixels(target.sample(2000, torch.Generator().manual_seed(0)))
    # The cat fills the picture from 25 to 98 % of its width; ten pixels are one of the picture as used.
    assert pixels[:, 0].min() > 230
    assert pixels[:, 0].max() == pytest.approx(980, abs=15)
    corner = target.from_pixels(torch.tensor([[0.0, 0.0]]))
    torch.testing.assert_close(target.to_pixels(corner), torch.zeros(1, 2), atol=1e-3, rtol=0)


def test_a_finished_run_resumes_to_itself_and_goes_on_when_asked(tmp_path: Path) -> None:
    flags = {"target": {"data": "moons"}, "model": SMALL_NETWORK, "training": TINY}
    folder = tmp_path / "run"
    trained = session.train(read_config(None, flags), folder)
    before = trained.run.folder.joinpath("weights.safetensors").read_bytes()
    again = resume(trained.run.folder)
    assert again.steps == 3
    assert trained.run.folder.joinpath("weights.safetensors").read_bytes() == before
    config = read_config(folder / "config.toml", {"training": {"steps": 5}})
    longer = resume(folder, config)
    assert longer.steps == 5
    assert flowgif.load(folder).run.config.training.steps == 5  # so that going on means the same the next time
    assert trained.run.folder.joinpath("weights.safetensors").read_bytes() != before


def test_force_replaces_a_run_and_leaves_other_files_alone(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    flags = {"target": {"data": "moons"}, "model": SMALL_NETWORK, "training": TINY}
    session.train(read_config(None, flags), folder)
    (folder / "notes.txt").write_text("mine")
    with pytest.raises(UnusableInput, match="--force"):
        session.train(read_config(None, flags), folder)
    session.train(read_config(None, {**flags, "training": {**TINY, "seed": 1}}), folder, force=True)
    assert flowgif.load(folder).run.config.training.seed == 1
    assert (folder / "notes.txt").read_text() == "mine"
    assert len([row for row in flowgif.load(folder).run.read_metrics() if "loss" in row]) == 3


def test_a_failing_target_costs_an_existing_run_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    flags = {"target": {"data": "moons"}, "model": SMALL_NETWORK, "training": TINY}
    session.train(read_config(None, flags), folder)
    before = {path: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(UnusableInput, match="no such picture"):
        session.train(read_config(None, {"target": {"img": tmp_path / "none.png"}}), folder, force=True)
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


def test_somebody_elses_files_are_not_taken_for_a_run(tmp_path: Path) -> None:
    """A picture that happens to be called picture.png, in the folder that --out names."""
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "picture.png").write_bytes(CAT.read_bytes())
    flags = {"target": {"img": folder / "picture.png"}, "model": SMALL_NETWORK, "training": TINY}
    for force in (False, True):
        with pytest.raises(UnusableInput, match="not a run's"):
            session.train(read_config(None, flags), folder, force)
    assert [path.name for path in folder.iterdir()] == ["picture.png"]
    assert (folder / "picture.png").read_bytes() == CAT.read_bytes()


def test_a_runs_own_config_repeats_it_with_its_source_and_size(tmp_path: Path) -> None:
    with Image.open(CAT) as image:
        image.resize((200, 100)).save(tmp_path / "logo.png")
    flags = {"target": {"img": tmp_path / "logo.png", "max_side": 50}, "model": SMALL_NETWORK, "training": TINY}
    first = session.train(read_config(None, flags), tmp_path / "first")
    second = session.train(read_config(tmp_path / "first" / "config.toml", {}), tmp_path / "second")
    third = {"training": {"from": tmp_path / "second", "steps": 1, "batch_size": 16}}
    session.train(read_settings(None, third), tmp_path / "third")
    fourth = session.train(read_config(tmp_path / "third" / "config.toml", {}), tmp_path / "fourth")
    weights = [run.run.folder.joinpath("weights.safetensors").read_bytes() for run in (first, second)]
    assert weights[0] == weights[1]
    for name in ("second", "third", "fourth"):
        loaded = flowgif.load(tmp_path / name)
        assert loaded.run.source == str(tmp_path / "logo.png")
        assert isinstance(loaded.target, ImageTarget)
        assert loaded.target.picture.size_as_given == (200, 100)
    assert fourth.steps == 1


def test_a_refused_resume_leaves_the_run_as_it_is(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    config = session.train(
        read_config(None, {"target": {"data": "moons"}, "model": SMALL_NETWORK, "training": TINY}), folder
    ).run.config
    before = {path: path.read_bytes() for path in folder.iterdir()}
    for changes, message in (
        ({"device": "mps"}, "--device mps is not available"),
        ({"steps": 2}, "has done 3 steps, more than 2"),
        ({"steps": None, "time_budget": 1e-6}, "has taken .* s, more than 1e-06 s"),
    ):
        other = config.model_copy(update={"training": config.training.model_copy(update=changes)})
        with pytest.raises(UnusableInput, match=message):
            resume(folder, other)
    assert {path: path.read_bytes() for path in folder.iterdir()} == before
    assert resume(folder).steps == 3


class Listening:
    """Keeps what a training reports."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.begun: list[str] = []
        self.steps: list[int] = []

    def say(self, text: str) -> None:
        self.said.append(text)

    def begin(self, task: str) -> None:
        self.begun.append(task)

    def step(self, record: StepRecord, gap: Gap | None) -> None:
        self.steps.append(record.step)

    def advance(self, share: float, *fields: str) -> None:
        pass


def test_a_reporter_is_told_of_every_step(tmp_path: Path) -> None:
    first, second = Listening(), Listening()
    session.train(
        read_config(None, {"target": {"img": CAT}, "model": SMALL_NETWORK, "training": TINY}),
        tmp_path / "run",
        reporter=first,
    )
    assert first.steps == [1, 2, 3]
    assert first.begun == [f"preparing {CAT} ...", "measuring the gap ..."]
    assert any("ink: " in text for text in first.said)
    resume(tmp_path / "run", reporter=second)
    assert (second.said, second.steps) == (["going on from step 3"], [])


@pytest.mark.usefixtures("two_threads")
def test_no_thread_outlives_its_training(tmp_path: Path) -> None:
    before = threading.active_count()
    flags = {"target": {"img": CAT, "max_side": 32}, "model": SMALL_NETWORK, "training": TINY}
    session.train(read_config(None, flags), tmp_path / "run")
    resume(tmp_path / "run")
    assert threading.active_count() == before
