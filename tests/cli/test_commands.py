"""The command line through its real entry point: exit codes, streams, messages, and what is left on disk."""

from __future__ import annotations

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
from conftest import CAT, FLOWGIF, SHORT_STEPS, run_flowgif
from PIL import Image
from safetensors import safe_open
from safetensors.torch import load_file

REPORT_KEYS = [
    "run", "model", "target", "nll", "nll_se", "entropy", "gap", "gap_se", "bits_per_dim", "points", "nfe",
    "inversion_error", "seconds",
]  # fmt: skip
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
# Three hundred steps leave the cat at about .015 nats; an untrained flow is at .62.
SHORT_GAP = 0.04


def _weights(run: Path) -> bytes:
    return (run / "weights.safetensors").read_bytes()


@pytest.fixture(scope="module")
def report(workplace: Path) -> dict[str, object]:
    done = run_flowgif("eval", "--json", cwd=workplace)
    assert done.code == 0, done.err
    return json.loads(done.out)


def test_help_and_version_load_nothing_heavy(tmp_path: Path) -> None:
    code = (
        "import sys; from flowgif.cli.main import main\n"
        "try: main()\nexcept SystemExit as end: assert not end.code\n"
        "print(sorted({m.split('.')[0] for m in sys.modules} & {'torch', 'numpy', 'PIL', 'pydantic', 'sklearn'}))"
    )
    for args in (["--help"], ["train", "--help"], ["animate", "--help"], ["eval", "--help"], ["--version"]):
        done = subprocess.run(
            [sys.executable, "-c", code, *args], capture_output=True, text=True, check=True, cwd=tmp_path
        )
        heavy = set(eval(done.stdout.splitlines()[-1]))
        assert "torch" not in heavy
        assert "sklearn" not in heavy


def test_there_are_exactly_three_commands(tmp_path: Path) -> None:
    done = run_flowgif("--help", cwd=tmp_path, env={"TERM": "dumb", "COLUMNS": "100"})
    listed = done.out.split("Commands")[1]
    assert [word for word in ("train", "animate", "eval") if f" {word} " in listed] == ["train", "animate", "eval"]
    assert done.code == 0


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


def test_eval_prints_one_object_with_its_keys(report: dict[str, float]) -> None:
    assert list(report) == REPORT_KEYS
    assert report["gap"] == pytest.approx(report["nll"] - report["entropy"], abs=1e-9)
    assert 0 < report["gap"] < SHORT_GAP
    assert report["inversion_error"] < 1e-3
    assert report["target"] == str(CAT)


def test_eval_for_people_names_units(workplace: Path) -> None:
    done = run_flowgif("eval", "runs/cat", cwd=workplace)
    assert done.code == 0
    for word in ("NLL", "entropy", "gap", "nats", "bits/dim", "evaluations", "inversion"):
        assert word in done.out
    assert len(done.out.splitlines()) == 11


@pytest.mark.parametrize(("bound", "code"), [(-1.0, 1), (1.0, 0)])
@pytest.mark.parametrize("option", ["gap", "nll"])
def test_a_missed_bound_exits_with_one(
    workplace: Path, report: dict[str, float], option: str, bound: float, code: int
) -> None:
    done = run_flowgif("eval", "--quiet", f"--max-{option}", report[option] + bound, cwd=workplace)
    assert done.code == code
    assert f"--max-{option}" in done.err if code else done.err == ""
    assert done.out  # the report is printed all the same


def test_eval_needs_the_original_no_more(tmp_path: Path) -> None:
    picture = tmp_path / "logo.png"
    shutil.copy(CAT, picture)
    assert run_flowgif("train", "--img", picture, *TINY, cwd=tmp_path).code == 0
    picture.unlink()
    assert run_flowgif("eval", "runs/logo", "--json", cwd=tmp_path).code == 0
    assert run_flowgif("animate", "runs/logo", "--frames", 2, "--size", 64, cwd=tmp_path).code == 0


def test_stdout_carries_the_answer_and_quiet_says_nothing(tmp_path: Path) -> None:
    done = run_flowgif("train", "--data", "moons", *TINY, "--quiet", cwd=tmp_path)
    assert (done.out, done.err) == ("runs/moons\n", "")
    done = run_flowgif("train", "--data", "moons", *TINY, "--force", "--json", cwd=tmp_path)
    assert json.loads(done.out)["run"] == "runs/moons"
    assert "\x1b" not in done.err
    done = run_flowgif("animate", "--json", "-q", "--frames", 2, "--size", 64, cwd=tmp_path)
    answer = json.loads(done.out)
    assert (answer["frames"], answer["bytes"]) == (2, (tmp_path / answer["gif"]).stat().st_size)


def test_a_config_alone_is_enough_and_flags_win(tmp_path: Path) -> None:
    folder = tmp_path / "configs"
    folder.mkdir()
    shutil.copy(CAT, folder / "logo.png")
    (folder / "x.toml").write_text(
        '[target]\nimg = "logo.png"\n[model]\nwidth = 16\n[training]\ntime_budget = "1h"\nbatch_size = 64\nseed = 5\n'
    )
    done = run_flowgif("train", "--config", "configs/x.toml", "--steps", 5, "--seed", 6, cwd=tmp_path)
    assert done.code == 0, done.err
    config = tomllib.loads((tmp_path / "runs/x/config.toml").read_text())
    assert "time_budget" not in config["training"]
    assert (config["training"]["steps"], config["training"]["seed"], config["model"]["width"]) == (5, 6, 16)
    # A run's own config is a config file in its own right.
    again = run_flowgif("train", "--config", "runs/x/config.toml", "--out", "again", cwd=tmp_path)
    assert again.code == 0, again.err
    assert _weights(tmp_path / "again") == _weights(tmp_path / "runs" / "x")


def test_the_same_seed_gives_the_same_weights_and_the_same_gif(tmp_path: Path) -> None:
    for name in ("a", "b"):
        assert run_flowgif("train", "--img", CAT, *TINY, "--out", name, cwd=tmp_path).code == 0
        assert run_flowgif("animate", name, "-o", f"{name}.gif", "--frames", 3, "--size", 96, cwd=tmp_path).code == 0
    assert _weights(tmp_path / "a") == _weights(tmp_path / "b")
    assert (tmp_path / "a.gif").read_bytes() == (tmp_path / "b.gif").read_bytes()


def test_ctrl_c_saves_and_resuming_gives_the_same_weights(tmp_path: Path) -> None:
    args = ("train", "--img", CAT, "--steps", 150, "--batch-size", 256)
    assert run_flowgif(*args, "--out", "whole", "-q", cwd=tmp_path).code == 0
    training = subprocess.Popen(
        [FLOWGIF, *map(str, args), "--out", "cut"], cwd=tmp_path, stderr=subprocess.PIPE, text=True
    )
    initial = tmp_path / "cut" / "weights-initial.safetensors"
    while not initial.exists():  # written right before the first step
        assert training.poll() is None
    training.send_signal(signal.SIGINT)
    err = training.communicate(timeout=60)[1]
    assert training.returncode == 130
    assert err.splitlines()[-1].startswith("flowgif: interrupted at step ")
    assert "flowgif train --resume --out cut" in err
    state = json.loads((tmp_path / "cut" / "metrics.jsonl").read_text().splitlines()[-1])
    assert state["step"] < 150
    done = run_flowgif("train", "--resume", "--out", "cut", "-q", cwd=tmp_path)
    assert (done.code, done.out) == (0, "cut\n")
    assert _weights(tmp_path / "cut") == _weights(tmp_path / "whole")
    rows = [json.loads(line) for line in (tmp_path / "cut" / "metrics.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows if "loss" in row] == list(range(1, 151))


def test_likelihood_continues_from_flow_matching(workplace: Path, tmp_path: Path) -> None:
    done = run_flowgif(
        "train", "--objective", "likelihood", "--from", workplace / "runs" / "cat", "--steps", 1, "--batch-size", 64,
        "--out", "on", cwd=tmp_path,
    )  # fmt: skip
    assert done.code == 0, done.err
    assert (tmp_path / "on" / "weights-initial.safetensors").read_bytes() == _weights(workplace / "runs" / "cat")
    config = tomllib.loads((tmp_path / "on" / "config.toml").read_text())
    assert config["training"]["objective"] == "likelihood"
    gap = json.loads((tmp_path / "on" / "metrics.jsonl").read_text().splitlines()[-1])["gap"]
    assert gap < SHORT_GAP + 0.02  # one step of a low rate leaves it nearly where it was


def _text(folder: Path) -> None:
    (folder / "notes.png").write_text("no picture")


def _blank(folder: Path) -> None:
    Image.new("L", (50, 50), 255).save(folder / "blank.png")


def _config(text: str) -> Callable[[Path], None]:
    return lambda folder: (folder / "c.toml").write_text(text) and None


def _nothing(folder: Path) -> None:
    pass


BAD_INPUT: list[tuple[Callable[[Path], None], str, str]] = [
    (_nothing, "train", "--img PICTURE|--img PATH"),
    (_nothing, "train --img nope.png", "no such picture: nope.png"),
    (_nothing, "train --img .", "is a folder"),
    (_text, "train --img notes.png", "not a picture"),
    (_blank, "train --img blank.png", "blank"),
    (_nothing, "train --data moon", "did you mean 'moons'"),
    (_nothing, "train --data moons --noise -1", "--noise -1"),
    (_nothing, "train --data moons --noise nan", "--noise nan"),
    (_nothing, "train --data moons --steps 0", "--steps 0"),
    (_nothing, "train --data moons --steps -3", "--steps -3"),
    (_nothing, "train --data moons --lr -0.1", "--lr -0.1"),
    (_nothing, "train --data moons --batch-size -1", "--batch-size -1"),
    (_nothing, "train --data moons --seed -1", "--seed -1"),
    (_nothing, "train --data moons --time-budget soon", "30s"),
    (_nothing, "train --data moons --time-budget -5s", "30s"),
    (_nothing, "train --data moons --objective likelyhood", "likelihood"),
    (_nothing, "train --data moons --model ffjrod", "--model ffjrod"),
    (_nothing, "train --data moons --model splne", "--model splne.*did you mean 'spline'"),
    (_nothing, "train --data moons --model glow --kinetic 0.1", "--kinetic.*glow"),
    (_nothing, "train --data moons --model spline --divergence exact", "--divergence.*--model spline"),
    (_nothing, "train --data moons --model realnvp --objective flow-matching", "realnvp.*likelihood.*--objective"),
    (_nothing, "train --data moons --model glow --epochs 3", "--samples"),
    (_nothing, "train --data moons --model glow --epochs 0 --samples 9", "--epochs 0"),
    (_nothing, "train --data moons --model glow --epochs 3 --samples 9 --steps 3", "one of steps.* epochs"),
    (_nothing, "train --data moons --samples 9", "--samples.*likelihood"),
    (_nothing, "train --data moons --model spline --l2 -1", "--l2 -1"),
    (_config('[target]\ndata = "moons"\n[model]\nname = "glow"\nbins = 3'), "train --config c.toml", "'bins'"),
    (_nothing, "train --data moons --device tpu", "--device tpu"),
    (_nothing, "train --data moons --from nowhere", "no run at nowhere"),
    (_nothing, "train --from nowhere", "no run at nowhere"),
    (_nothing, "train --data moons --batch-size 1000000000", "--batch-size 1000000000"),
    (_nothing, "train --data moons --noise 1e308", "--noise 1e"),
    (_nothing, "train --data moons --steps 3 --time-budget banana", "--time-budget banana.*30s"),
    (_nothing, "train --data moons --resume --force", "--force"),
    (_nothing, "train --resume --out nowhere --steps 0", "no run at nowhere"),
    (_nothing, f"train --img {'x' * 300}.png", "x+.png"),
    (_nothing, "eval --max-gap nan", "--max-gap nan"),
    (_nothing, "eval --seed 99999999999999999999999", "--seed"),
    (_nothing, "animate --frames 1000000", "--frames 1000000"),
    (_nothing, "animate --fps 0.001", "--fps 0.001"),
    (_nothing, "train --data moons --stepz 3", "--stepz.*--steps"),
    (_nothing, "train --img x.png --data moons", "not both"),
    (_nothing, "train --img x.png --threshold 1.5", "--threshold 1.5"),
    (_nothing, "train --img x.png --max-side -1", "--max-side -1"),
    (_nothing, "train --config c.toml", "no such config: c.toml"),
    (_config("[target"), "train --config c.toml", "c.toml is no valid TOML"),
    (_config('[target]\ndata = "moons"\nnoize = 1'), "train --config c.toml", "'noize'.*did you mean 'noise'"),
    (_config('[targets]\ndata = "moons"'), "train --config c.toml", "'targets'.*did you mean 'target'"),
    (_config('[target]\ndata = "moons"\nnoise = -1'), "train --config c.toml", r"\[target\] noise = -1"),
    (_nothing, "train --resume --out nowhere", "no run at nowhere"),
    (_nothing, "train --resume", "no run in runs/"),
    (_nothing, "animate", "no run in runs/"),
    (_nothing, "animate nowhere", "no run at nowhere"),
    (_nothing, "animate --frames -1", "--frames -1"),
    (_nothing, "animate --fps 0", "--fps 0"),
    (_nothing, "eval", "no run in runs/"),
    (_nothing, "eval nowhere", "no run at nowhere"),
    (_nothing, "eval --seed -1", "--seed"),
    (_nothing, "trian", "train"),
]


@pytest.mark.parametrize(("prepare", "command", "message"), BAD_INPUT, ids=[row[1] for row in BAD_INPUT])
def test_bad_input_gets_one_line_and_leaves_nothing(
    tmp_path: Path, prepare: Callable[[Path], None], command: str, message: str
) -> None:
    prepare(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    done = run_flowgif(*command.split(), cwd=tmp_path)
    assert done.code == 2
    assert done.out == ""
    lines = done.err.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("flowgif: ")
    assert re.search(message, lines[0]), lines[0]
    assert sorted(tmp_path.rglob("*")) == before


def test_an_existing_run_is_not_overwritten(workplace: Path) -> None:
    run = workplace / "runs" / "cat"
    before = {path: path.read_bytes() for path in run.iterdir()}
    done = run_flowgif("train", "--img", CAT, cwd=workplace)
    assert done.code == 2
    assert len(done.err.splitlines()) == 1
    assert "--force" in done.err
    assert "--resume" in done.err
    assert {path: path.read_bytes() for path in run.iterdir()} == before


@pytest.mark.parametrize("command", ["animate", "eval", "train --resume --out"])
@pytest.mark.parametrize("broken", ["weights.safetensors", "picture.png", "config.toml"])
def test_a_broken_run_is_named(workplace: Path, tmp_path: Path, command: str, broken: str) -> None:
    if command.startswith("train") and broken == "weights.safetensors":
        broken = "resume.safetensors"
    shutil.copytree(workplace / "runs" / "cat", tmp_path / "run")
    (tmp_path / "run" / broken).write_bytes(b"\x00nonsense")
    done = run_flowgif(*command.split(), "run", cwd=tmp_path)
    assert done.code == 2
    assert len(done.err.splitlines()) == 1, done.err
    assert f"run/{broken}" in done.err


def test_an_unwritable_output_is_named_before_the_work(workplace: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("here")
    for args in (("animate", "-o", tmp_path / "none" / "x.gif"), ("animate", "-o", tmp_path / "file")):
        done = run_flowgif(*args, cwd=workplace)
        assert done.code == 2
        assert len(done.err.splitlines()) == 1
    done = run_flowgif("train", "--data", "moons", "--out", tmp_path / "file" / "run", cwd=workplace)
    assert done.code == 2
    assert "cannot write" in done.err
    assert (tmp_path / "file").read_text() == "here"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--steps -5", "--steps -5"),
        ("--steps 0", "--steps 0"),
        ("--device foo", "--device foo"),
        ("--data circles", "data = "),
        ("--lr 0.1", "lr = "),
        ("--config nope.toml", "--config"),
        ("--img other.png", "img = "),
        ("--from runs/cat", "from = None"),
    ],
)
def test_resuming_refuses_what_contradicts_the_run(workplace: Path, options: str, message: str) -> None:
    run = workplace / "runs" / "cat"
    before = {path: path.read_bytes() for path in run.iterdir()}
    done = run_flowgif("train", "--resume", "--out", "runs/cat", *options.split(), cwd=workplace)
    assert done.code == 2
    assert len(done.err.splitlines()) == 1
    assert message in done.err
    assert {path: path.read_bytes() for path in run.iterdir()} == before


def test_a_run_may_be_made_here(tmp_path: Path) -> None:
    """In the current folder itself, and replaced there."""
    for more in ((), ("--force",)):
        done = run_flowgif("train", "--data", "moons", *TINY, "--out", ".", "-q", *more, cwd=tmp_path)
        assert (done.code, done.out, done.err) == (0, ".\n", "")
    assert {path.name for path in tmp_path.iterdir()} == RUN_FILES - {"picture.png"}


def test_resuming_may_name_the_picture_again(workplace: Path, tmp_path: Path) -> None:
    shutil.copytree(workplace / "runs" / "cat", tmp_path / "run")
    done = run_flowgif("train", "--resume", "--img", CAT, "--out", "run", "-q", cwd=tmp_path)
    assert (done.code, done.out) == (0, "run\n"), done.err


def test_flags_that_name_another_target_leave_the_old_ones_settings_behind(tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text('[target]\ndata = "moons"\nnoise = 0.07\n')
    done = run_flowgif("train", "--config", "c.toml", "--data", "circles", *TINY, "-q", cwd=tmp_path)
    assert done.code == 0, done.err
    assert "noise" not in tomllib.loads((tmp_path / "runs/circles/config.toml").read_text())["target"]


def test_ctrl_c_before_the_training_says_so(tmp_path: Path, workplace: Path) -> None:
    """In the middle of an evaluation, whose first words come before its work."""
    evaluation = subprocess.Popen(
        # Where tests run in the background, interrupts may be ignored, and that is inherited.
        [sys.executable, "-c", "import os, signal, threading\n"
         "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
         "threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()\n"
         "from flowgif.__main__ import main; main()", "eval", str(workplace / "runs" / "cat")],
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    out, err = evaluation.communicate(timeout=120)
    assert (evaluation.returncode, out, err) == (130, "", "flowgif: interrupted\n")


def test_ctrl_c_within_an_import_is_heard_after_it(tmp_path: Path) -> None:
    (tmp_path / "swallowing.py").write_text(
        "import os, signal, time\n"
        "try:\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "    time.sleep(0.2)\n"
        "except BaseException:\n"
        "    pass\n"
    )
    code = (
        "import signal, sys, time, types\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "def work():\n"
        "    import swallowing\n"
        "    print('imported', flush=True)\n"
        "    time.sleep(30)\n"
        "sys.modules['flowgif.cli.main'] = types.SimpleNamespace(main=work)\n"
        "from flowgif.__main__ import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "imported\n", "flowgif: interrupted\n")


def test_a_full_disk_costs_an_existing_run_nothing(workplace: Path, tmp_path: Path) -> None:
    shutil.copytree(workplace / "runs" / "cat", tmp_path / "run")
    before = {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir()}
    command = f"ulimit -f 100; {FLOWGIF} train --img {CAT} --out run --force -q"  # blocks of 1024 bytes
    done = subprocess.run(["bash", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


@pytest.mark.parametrize("model", ["ffjord", "realnvp", "glow"])
def test_diverging_training_exits_with_three_and_keeps_weights(tmp_path: Path, model: str) -> None:
    done = run_flowgif("train", "--data", "moons", "--model", model, "--lr", 1e18, "--out", "run", "-q", cwd=tmp_path)
    assert (done.code, done.out) == (3, "")
    assert len(done.err.splitlines()) == 1
    assert re.search(r"^flowgif: .*at step \d+.* --lr .*weights are in run", done.err), done.err
    weights = load_file(tmp_path / "run" / "weights.safetensors")
    assert all(bool(value.isfinite().all()) for value in weights.values())


def test_a_layered_model_goes_all_the_way(tmp_path: Path) -> None:
    done = run_flowgif("train", "--data", "moons", "--model", "spline", "--steps", 30, cwd=tmp_path)
    assert (done.code, done.out) == (0, "runs/moons\n"), done.err
    config = tomllib.loads((tmp_path / "runs/moons/config.toml").read_text())
    assert (config["model"]["name"], config["training"]["objective"]) == ("spline", "likelihood")
    done = run_flowgif("eval", "--json", "-q", cwd=tmp_path)
    assert done.code == 0, done.err
    report = json.loads(done.out)
    assert list(report) == REPORT_KEYS
    assert report["model"] == "spline"
    assert report["nfe"] == config["model"]["layers"]
    assert 0 < report["gap"] < 1.65  # an untrained flow is at 1.70
    assert report["inversion_error"] < 1e-3
    assert "of the layers" in run_flowgif("eval", cwd=tmp_path).out
    done = run_flowgif("animate", "--frames", 4, "--size", 64, cwd=tmp_path)
    assert (done.code, done.out) == (0, "runs/moons/moons.gif\n"), done.err
    with Image.open(tmp_path / "runs/moons/moons.gif") as gif:
        assert getattr(gif, "n_frames", 1) > 1


def test_a_run_on_samples_goes_on_within_an_epoch(tmp_path: Path) -> None:
    """Ten points in batches of four are three steps; stopped in the middle of the second epoch, by an end there."""
    (tmp_path / "c.toml").write_text(
        '[target]\ndata = "moons"\n[model]\nname = "glow"\nlayers = 3\nwidth = 16\n'
        '[training]\nbatch_size = 4\nschedule = "constant"\n'
    )
    args = ("train", "--config", "c.toml", "--samples", 10, "-q")
    assert run_flowgif(*args, "--epochs", 4, "--out", "whole", cwd=tmp_path).code == 0
    assert run_flowgif(*args, "--steps", 5, "--out", "cut", cwd=tmp_path).code == 0
    done = run_flowgif("train", "--resume", "--out", "cut", "--epochs", 4, "--json", "-q", cwd=tmp_path)
    assert done.code == 0, done.err
    assert json.loads(done.out)["steps"] == 12
    assert _weights(tmp_path / "cut") == _weights(tmp_path / "whole")
    rows = [json.loads(line) for line in (tmp_path / "cut" / "metrics.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows if "loss" in row] == list(range(1, 13))
    contradicted = run_flowgif("train", "--resume", "--out", "cut", "--samples", 11, cwd=tmp_path)
    assert contradicted.code == 2
    assert "samples = 10" in contradicted.err
