"""``flowgif train`` through its real entry point: what it leaves on disk, and what it refuses."""

from __future__ import annotations

import io
import json
import re
import shutil
import signal
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from conftest import CAT, FLOWGIF, ROOT, SHORT_STEPS, Finished, run_flowgif, start_with_signal
from PIL import Image
from safetensors import safe_open
from safetensors.torch import load_file

from flowgif.runs.settings import read_settings
from flowgif.targets.reading.fonts import bundled_font

RUN_FILES = {
    "config.toml",
    "provenance.json",
    "picture.png",
    "weights.safetensors",
    "weights-initial.safetensors",
    "resume.safetensors",
    "metrics.jsonl",
}

TINY = ("--steps", 20, "--batch-size", 64)

SHORT_GAP = 0.04


def _weights(run: Path) -> bytes:
    return (run / "weights.safetensors").read_bytes()


def test_a_run_directory_holds_everything(workplace: Path) -> None:
    run = workplace / "runs" / "cat"
    assert {path.name for path in run.iterdir()} >= RUN_FILES
    config = tomllib.loads((run / "config.toml").read_text())
    assert config["training"]["steps"] == SHORT_STEPS
    assert config["training"]["lr"] > 0
    assert config["model"]["width"] > 0
    provenance = json.loads((run / "provenance.json").read_text())
    assert provenance["versions"]["torch"]
    assert provenance["seed"] == 0
    with Image.open(run / "picture.png") as picture:
        assert picture.mode == "RGBA"
        assert picture.size == (400, 400)
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows if "loss" in row] == list(range(1, SHORT_STEPS + 1))
    assert rows[-1]["gap"] < SHORT_GAP
    with safe_open(run / "weights.safetensors", "pt") as weights:
        assert sum(weights.get_tensor(name).numel() for name in weights.keys()) < 100_000  # noqa: SIM118


def test_a_config_alone_is_enough_and_flags_win(tmp_path: Path, run_here: Callable[..., Finished]) -> None:
    folder = tmp_path / "configs"
    folder.mkdir()
    shutil.copy(CAT, folder / "logo.png")
    (folder / "x.toml").write_text(
        '[target]\nimg = "logo.png"\n[model]\nfeatures = 8\nwidth = 16\ndepth = 1\n'
        '[training]\ntime_budget = "1h"\nbatch_size = 64\nseed = 5\n'
    )
    done = run_here("train", "--config", "configs/x.toml", "--steps", 5, "--seed", 6, cwd=tmp_path)
    assert done.code == 0, done.err
    config = tomllib.loads((tmp_path / "runs/x/config.toml").read_text())
    assert "time_budget" not in config["training"]
    assert (config["training"]["steps"], config["training"]["seed"], config["model"]["width"]) == (5, 6, 16)
    # A run's own config is a config file in its own right.
    again = run_here("train", "--config", "runs/x/config.toml", "--out", "again", cwd=tmp_path)
    assert again.code == 0, again.err
    assert _weights(tmp_path / "again") == _weights(tmp_path / "runs" / "x")


@pytest.mark.slow
def test_the_same_seed_gives_the_same_weights_and_the_same_gif(
    tmp_path: Path, small: Path, run_here: Callable[..., Finished]
) -> None:
    """In a process of its own and in one that has done other work before."""
    for name, run in (("a", run_flowgif), ("b", run_here)):
        train = ("train", "--img", CAT, "--config", small, *TINY, "--out", name)
        assert run(*train, cwd=tmp_path).code == 0
        assert run("animate", name, "-o", f"{name}.gif", "--frames", 3, "--size", 96, cwd=tmp_path).code == 0
    assert _weights(tmp_path / "a") == _weights(tmp_path / "b")
    assert (tmp_path / "a.gif").read_bytes() == (tmp_path / "b.gif").read_bytes()


def test_ctrl_c_saves_and_resuming_gives_the_same_weights(tmp_path: Path, run_here: Callable[..., Finished]) -> None:
    (tmp_path / "c.toml").write_text("[model]\nfeatures = 16\nwidth = 32\ndepth = 2\n")
    args = ("train", "--img", CAT, "--config", "c.toml", "--steps", 400, "--batch-size", 128)
    assert run_here(*args, "--out", "whole", "-q", cwd=tmp_path).code == 0
    cut = start_with_signal(signal.SIGINT, 150, *args, "--out", "cut", cwd=tmp_path)
    err = cut.communicate(timeout=60)[1]
    assert cut.returncode == 130
    assert err.splitlines()[-1].startswith("flowgif: interrupted at step 150; ")
    assert "flowgif train --resume --out cut" in err
    state = json.loads((tmp_path / "cut" / "metrics.jsonl").read_text().splitlines()[-1])
    assert state["step"] == 150
    done = run_here("train", "--resume", "--out", "cut", "-q", cwd=tmp_path)
    assert (done.code, done.out) == (0, "cut\n")
    assert _weights(tmp_path / "cut") == _weights(tmp_path / "whole")
    rows = [json.loads(line) for line in (tmp_path / "cut" / "metrics.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows if "loss" in row] == list(range(1, 401))


def test_likelihood_continues_from_flow_matching(
    tmp_path: Path, small: Path, run_here: Callable[..., Finished]
) -> None:
    begin = ("train", "--data", "moons", "--config", small, "--steps", 60, "--out", "before")
    assert run_here(*begin, cwd=tmp_path).code == 0
    done = run_here(
        "train", "--objective", "likelihood", "--from", "before", "--steps", 1, "--batch-size", 64, "--out", "on",
        cwd=tmp_path,
    )  # fmt: skip
    assert done.code == 0, done.err
    assert (tmp_path / "on" / "weights-initial.safetensors").read_bytes() == _weights(tmp_path / "before")
    config = tomllib.loads((tmp_path / "on" / "config.toml").read_text())
    assert config["training"]["objective"] == "likelihood"
    before, after = (
        json.loads((tmp_path / name / "metrics.jsonl").read_text().splitlines()[-1])["gap"] for name in ("before", "on")
    )
    assert after < before + 0.02  # one step of a low rate leaves it nearly where it was


def test_an_existing_run_is_not_overwritten(workplace: Path, run_here: Callable[..., Finished]) -> None:
    run = workplace / "runs" / "cat"
    before = {path: path.read_bytes() for path in run.iterdir()}
    done = run_here("train", "--img", CAT, cwd=workplace)
    assert done.code == 2
    assert len(done.err.splitlines()) == 1
    assert "--force" in done.err
    assert "--resume" in done.err
    assert {path: path.read_bytes() for path in run.iterdir()} == before


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--steps -5", "--steps -5"),
        ("--steps 0", "--steps 0"),
        ("--device foo", "--device foo"),
        ("--data circles", "data = "),
        ("--lr 0.1", "lr = "),
        ("--config nope.toml", "--config"),
        ("--img nope.png", "no such picture: nope.png"),
        (f"--img {ROOT / 'imgs' / 'gears.png'}", r"was trained with another picture .*cat.png"),
        ("--text cat", "was trained with another picture"),
        ("--frame 2", "frame = None"),
        ("--from runs/cat", "from = None"),
    ],
)
def test_resuming_refuses_what_contradicts_the_run(
    workplace: Path, run_here: Callable[..., Finished], options: str, message: str
) -> None:
    run = workplace / "runs" / "cat"
    before = {path: path.read_bytes() for path in run.iterdir()}
    done = run_here("train", "--resume", "--out", "runs/cat", *options.split(), cwd=workplace)
    assert done.code == 2
    assert len(done.err.splitlines()) == 1
    assert re.search(message, done.err), done.err
    assert {path: path.read_bytes() for path in run.iterdir()} == before


def test_a_run_may_be_made_here(tmp_path: Path, small: Path, run_here: Callable[..., Finished]) -> None:
    """In the current folder itself, and replaced there."""
    train = ("train", "--data", "moons", "--config", small, *TINY, "--out", ".", "-q")
    for more in ((), ("--force",)):
        done = run_here(*train, *more, cwd=tmp_path)
        assert (done.code, done.out, done.err) == (0, ".\n", "")
    assert {path.name for path in tmp_path.iterdir()} == RUN_FILES - {"picture.png"}


def test_resuming_may_name_the_picture_again(tmp_path: Path, small: Path, run_here: Callable[..., Finished]) -> None:
    train = ("train", "--img", CAT, "--config", small, *TINY, "--out", "run")
    assert run_here(*train, cwd=tmp_path).code == 0
    done = run_here("train", "--resume", "--img", CAT, "--out", "run", "-q", cwd=tmp_path)
    assert (done.code, done.out) == (0, "run\n"), done.err
    # From another folder, and the same picture in another file.
    (tmp_path / "elsewhere").mkdir()
    shutil.copy(CAT, tmp_path / "elsewhere" / "copy.png")
    done = run_here("train", "--resume", "copy.png", "--out", "../run", "-q", cwd=tmp_path / "elsewhere")
    assert (done.code, done.out) == (0, "../run\n"), done.err


def _as_it_is(run: Path) -> None:
    pass


def _one_frame_of_two(folder: Path) -> None:
    frames = [Image.new("L", (40, 40), 255), Image.open(CAT).convert("L").resize((40, 40))]
    frames[0].save(folder / "cat.gif", save_all=True, append_images=frames[1:])


def _svg(folder: Path) -> None:
    shape = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><circle cx="4" cy="4" r="3"/></svg>'
    (folder / "logo.svg").write_text(shape)


@pytest.mark.parametrize(
    ("prepare", "words", "folder", "source"),
    [
        pytest.param(_svg, "logo.svg --max-side 32", "runs/logo", "logo.svg", marks=pytest.mark.slow),
        pytest.param(_one_frame_of_two, "cat.gif --frame 2", "runs/cat", "cat.gif", marks=pytest.mark.slow),
        (_as_it_is, r"--text Hi,\nyou! --max-side 64", "runs/Hi-you", r'text "Hi,\nyou!"'),
    ],
)
def test_every_way_in_makes_a_whole_run(
    tmp_path: Path,
    small: Path,
    run_here: Callable[..., Finished],
    prepare: Callable[[Path], None],
    words: str,
    folder: str,
    source: str,
) -> None:
    """It is named after its source, goes on, and its config trains the same picture again without the source."""
    prepare(tmp_path)
    done = run_here("train", *words.split(), "--config", small, *TINY, "-q", cwd=tmp_path)
    assert (done.code, done.out, done.err) == (0, f"{folder}\n", "")
    again = run_here("train", "--resume", *words.split(), "--steps", 22, "-q", cwd=tmp_path)
    assert (again.code, again.out, again.err) == (0, f"{folder}\n", "")
    for path in tmp_path.glob("*.*"):
        path.unlink()
    assert json.loads((tmp_path / folder / "provenance.json").read_text())["picture"]["source"] == source
    config = ("--config", f"{folder}/config.toml", "--out", "again")
    assert run_here("train", *config, "-q", cwd=tmp_path).code == 0
    assert (tmp_path / "again" / "picture.png").read_bytes() == (tmp_path / folder / "picture.png").read_bytes()


def test_a_picture_from_stdin(
    tmp_path: Path, small: Path, run_here: Callable[..., Finished], monkeypatch: pytest.MonkeyPatch
) -> None:
    for more in (("--config", small, *TINY), ("--resume",)):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(CAT.read_bytes())))
        done = run_here("train", "--img", "-", *more, "-q", cwd=tmp_path)
        assert (done.code, done.out, done.err) == (0, "runs/stdin\n", "")
    assert json.loads((tmp_path / "runs/stdin/provenance.json").read_text())["picture"]["source"] == "stdin"


def test_a_config_may_have_a_text_in_a_font(tmp_path: Path, small: Path, run_here: Callable[..., Finished]) -> None:
    shutil.copy(bundled_font("DejaVuSerif.ttf"), tmp_path / "serif.ttf")
    (tmp_path / "c.toml").write_text(
        f'[target]\ntext = "Hi\\nyou"\nfont = "serif.ttf"\nmax_side = 64\n{small.read_text()}'
    )
    assert run_here("train", "--config", "c.toml", *TINY, "-q", cwd=tmp_path).code == 0
    target = tomllib.loads((tmp_path / "runs/c/config.toml").read_text())["target"]
    assert target == {"img": "picture.png", "max_side": 64}
    # Another target leaves the text and its font behind.
    other = read_settings(tmp_path / "c.toml", {"target": {"data": "moons"}}).target
    assert (other.text, other.font) == (None, None)


def test_flags_that_name_another_target_leave_the_old_ones_settings_behind(
    tmp_path: Path, small: Path, run_here: Callable[..., Finished]
) -> None:
    (tmp_path / "c.toml").write_text(f'[target]\ndata = "moons"\nnoise = 0.07\n{small.read_text()}')
    done = run_here("train", "--config", "c.toml", "--data", "circles", *TINY, "-q", cwd=tmp_path)
    assert done.code == 0, done.err
    assert "noise" not in tomllib.loads((tmp_path / "runs/circles/config.toml").read_text())["target"]


@pytest.mark.slow
def test_a_full_disk_costs_an_existing_run_nothing(workplace: Path, tmp_path: Path) -> None:
    shutil.copytree(workplace / "runs" / "cat", tmp_path / "run")
    before = {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir()}
    command = f"ulimit -f 100; {FLOWGIF} train --img {CAT} --out run --force -q"  # blocks of 1024 bytes
    done = subprocess.run(["bash", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


@pytest.mark.parametrize("model", ["ffjord", "realnvp", "glow", "spline"])
def test_diverging_training_exits_with_three_and_keeps_weights(
    tmp_path: Path, run_here: Callable[..., Finished], model: str
) -> None:
    done = run_here("train", "--data", "moons", "--model", model, "--lr", 1e18, "--out", "run", "-q", cwd=tmp_path)
    assert (done.code, done.out) == (3, "")
    assert len(done.err.splitlines()) == 1
    assert re.search(r"^flowgif: .*at step \d+.* --lr .*weights are in run", done.err), done.err
    weights = load_file(tmp_path / "run" / "weights.safetensors")
    assert all(bool(value.isfinite().all()) for value in weights.values())


def test_a_run_on_samples_goes_on_within_an_epoch(tmp_path: Path, run_here: Callable[..., Finished]) -> None:
    """Ten points in batches of four are three steps; stopped in the middle of the second epoch, by an end there."""
    (tmp_path / "c.toml").write_text(
        '[target]\ndata = "moons"\n[model]\nname = "glow"\nlayers = 3\nwidth = 16\n'
        '[training]\nbatch_size = 4\nschedule = "constant"\n'
    )
    args = ("train", "--config", "c.toml", "--samples", 10, "-q")
    assert run_here(*args, "--epochs", 4, "--out", "whole", cwd=tmp_path).code == 0
    assert run_here(*args, "--steps", 5, "--out", "cut", cwd=tmp_path).code == 0
    done = run_here("train", "--resume", "--out", "cut", "--epochs", 4, "--json", "-q", cwd=tmp_path)
    assert done.code == 0, done.err
    assert json.loads(done.out)["steps"] == 12
    assert _weights(tmp_path / "cut") == _weights(tmp_path / "whole")
    rows = [json.loads(line) for line in (tmp_path / "cut" / "metrics.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows if "loss" in row] == list(range(1, 13))
    contradicted = run_here("train", "--resume", "--out", "cut", "--samples", 11, cwd=tmp_path)
    assert contradicted.code == 2
    assert "samples = 10" in contradicted.err


@pytest.fixture
def realnvp(tmp_path: Path, run_here: Callable[..., Finished]) -> Path:
    """A folder with a run of five steps in it, runs/moons."""
    tiny = ("--model", "realnvp", "--steps", 5, "--batch-size", 32)
    assert run_here("train", "--data", "moons", *tiny, "-q", cwd=tmp_path).code == 0
    return tmp_path


def _files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def _cut_short(run: Path) -> None:
    state = run / "resume.safetensors"
    state.write_bytes(state.read_bytes()[:-100])


def _of_another_run(run: Path) -> None:
    shutil.copy(run / "weights.safetensors", run / "resume.safetensors")


def _without_weights(run: Path) -> None:
    (run / "weights-initial.safetensors").unlink()


@pytest.mark.parametrize(
    ("damage", "options", "message"),
    [
        (_as_it_is, "--device mps", "--device mps is not available"),
        (_as_it_is, "--steps 3", "has done 5 steps, more than 3"),
        (_as_it_is, "--time-budget 0.000001s", "has taken .* s, more than 1e-06 s"),
        (_of_another_run, "--steps 9", "does not fit config"),
        (_cut_short, "--steps 9", "resume.safetensors is broken"),
        (_without_weights, "--steps 9", "weights-initial.safetensors is missing"),
    ],
)
def test_a_refused_resume_leaves_the_run_untouched(
    realnvp: Path, run_here: Callable[..., Finished], damage: Callable[[Path], None], options: str, message: str
) -> None:
    damage(realnvp / "runs" / "moons")
    before = _files(realnvp)
    done = run_here("train", "--resume", *options.split(), "-q", cwd=realnvp)
    assert (done.code, done.out) == (2, "")
    assert re.search(message, done.err), done.err
    assert _files(realnvp) == before


def test_a_device_that_is_not_there_does_not_stay_in_the_run(
    realnvp: Path, run_here: Callable[..., Finished], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert run_here("train", "--resume", "--device", "cuda", "-q", cwd=realnvp).code == 2
    done = run_here("train", "--resume", "-q", cwd=realnvp)
    assert (done.code, done.err) == (0, "")


def test_another_model_by_flag_leaves_the_files_samples_behind(
    tmp_path: Path, run_here: Callable[..., Finished]
) -> None:
    (tmp_path / "c.toml").write_text(
        '[target]\ndata = "moons"\n[model]\nname = "glow"\nwidth = 8\n'
        "[training]\nsamples = 30\nepochs = 2\nbatch_size = 16\n"
    )
    options = ("--model", "ffjord", "--steps", 1, "--batch-size", 16)
    done = run_here("train", "--config", "c.toml", *options, "-q", cwd=tmp_path)
    assert (done.code, done.err) == (0, "")
    config = tomllib.loads((tmp_path / "runs" / "c" / "config.toml").read_text())
    assert config["model"]["name"] == "ffjord"
    assert "samples" not in config["training"]
    assert config["training"]["objective"] == "flow-matching"
