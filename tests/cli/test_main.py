"""The command line through its real entry point: help, completion, exit codes, and one line for what is wrong."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest
from conftest import CAT, FLOWGIF, Finished, run_flowgif
from PIL import Image

from flowgif.cli.progress import Progress
from flowgif.errors import ExitCode
from flowgif.machine.processor import describe_processor


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


def test_the_version_says_what_a_report_of_a_fault_needs(tmp_path: Path) -> None:
    done = run_flowgif("--version", cwd=tmp_path)
    first, second = done.out.splitlines()
    assert first == f"flowgif {version('flowgif')}"
    assert second.startswith(f"torch {version('torch')}, Python {platform.python_version()}, {platform.system()}, ")
    assert second.endswith(f", {describe_processor()}")
    assert (done.code, done.err) == (0, "")


@pytest.mark.slow
def test_commands_load_only_what_they_use(tmp_path: Path, small: Path, run_here: Callable[..., Finished]) -> None:
    """Each of these modules takes between a tenth of a second and two seconds. One process runs all commands."""
    code = (
        "import sys\nfrom flowgif.cli.main import main\n"
        "def run(*args):\n"
        "    sys.argv[1:] = args\n"
        "    try: main()\n"
        "    except SystemExit as end: assert not end.code\n"
        "train, size = sys.argv[1:], ('--frames', '2', '--size', '64')\n"
        "run('eval', 'run')\nrun('animate', 'run', *size)\nrun('animate', 'run', *size, '--style', 'density')\n"
        "print('scipy' in sys.modules)\nrun(*train, '--force')\n"
        "print({'scipy.stats', 'sklearn', 'torchdiffeq', 'matplotlib', 'sympy', 'torch._dynamo'} & {*sys.modules})"
    )
    train = ("train", "--img", CAT, "--config", small, "--steps", 2, "--batch-size", 16, "--out", "run")
    assert run_here(*train, cwd=tmp_path).code == 0
    command = [sys.executable, "-c", code, *map(str, train)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path)
    lines = done.stdout.splitlines()
    assert [line for line in lines if line in ("True", "False")] == ["False"]
    assert lines[-1] == "set()"


def test_there_are_exactly_three_commands(tmp_path: Path) -> None:
    done = run_flowgif("--help", cwd=tmp_path, env={"TERM": "dumb", "COLUMNS": "100"})
    listed = done.out.split("Commands")[1]
    assert [word for word in ("train", "animate", "eval") if f" {word} " in listed] == ["train", "animate", "eval"]
    assert done.code == 0


def _text(folder: Path) -> None:
    (folder / "notes.png").write_text("no picture")


def _blank(folder: Path) -> None:
    Image.new("L", (50, 50), 255).save(folder / "blank.png")


def _blank_at_first(folder: Path) -> None:
    Image.new("L", (50, 50), 255).save(folder / "blank.gif", save_all=True, append_images=[Image.new("L", (50, 50))])


def _config(text: str) -> Callable[[Path], None]:
    return lambda folder: (folder / "c.toml").write_text(text) and None


def _nothing(folder: Path) -> None:
    pass


BAD_INPUT: list[tuple[Callable[[Path], None], str, str]] = [
    (_nothing, "train", "--img PATH.*--text TEXT.*--data NAME"),
    (_nothing, "train nope.png", "no such picture: nope.png"),
    (_nothing, "train moons", "no such picture: moons; for the data set: --data moons"),
    (_nothing, "train https://example.com/a.png", "https://example.com/a.png is an address.*--img -"),
    (_nothing, "train --config https://example.com/c.toml", "https://example.com/c.toml is an address"),
    (_nothing, "train --img=~/nowhere.png", f"no such picture: {Path.home()}/nowhere.png"),
    (_nothing, "train --data moons --config=~/nowhere.toml", f"no such config: {Path.home()}/nowhere.toml"),
    (_nothing, "eval ~/nowhere", f"no run at {Path.home()}/nowhere"),
    (_nothing, "train --data moons --seed 1 --steps 9 --seed=1", "--seed is given 2 times"),
    (_nothing, "train a.png --invert --no-invert", "--invert or --no-invert is given 2 times"),
    (_nothing, "animate -o a.gif -o b.gif --style field --style density", "--style is given 2 times"),
    (_nothing, "eval --save-samples 9 a.csv --save-samples 9 b.csv", "--save-samples is given 2 times"),
    (_nothing, "train --text Hello --img x.png", "two targets"),
    (_nothing, "train --text 日", "no glyph for 日"),
    (_nothing, "train --text Hello --font nope.ttf", "no such font: nope.ttf"),
    (_nothing, "train --img x.png --font nope.ttf", "--font goes with --text"),
    (_nothing, "train --text Hello --frame 2", "--frame goes with --img"),
    (_nothing, "train --text Hello --noise 2", "--noise goes with --data"),
    (_nothing, "train --img x.png --frame 0", "--frame 0"),
    (_blank_at_first, "train blank.gif", "blank.gif: the picture is blank.*frame 1 of the picture's 2.*--frame N"),
    (_nothing, "train --img nope.png", "no such picture: nope.png"),
    (_nothing, "train --img .", "there is no picture in ."),
    (_nothing, "train icons/*.svg", "no picture is like icons/"),
    (_nothing, "train a.png --seeds 3-1", "--seeds 3-1"),
    (_nothing, "train a.png --seeds 1-3 --seed 2", "--seed and --seeds"),
    (_nothing, "train a.png b.png --resume", "--resume goes on with one run"),
    (_nothing, "train a.png b.png -", "--img - is one picture"),
    (_nothing, "train a.png b.png --workers 2 --cluster tcp://x:1", "leave one of them out"),
    (_nothing, "train a.png b.png --steps 0", "--steps 0"),
    (_nothing, "eval a b --plots p", "--plots goes with one run"),
    (_nothing, "eval runs/*", "no run is like runs/"),
    (_nothing, "animate --out-dir gifs", "--out-dir goes with --each"),
    (_nothing, "animate a b --each -o x.gif", "--out goes with one run"),
    (_nothing, "animate a b --each --style pionts", "did you mean 'points'"),
    (_nothing, "animate a b --each --format gfi", "did you mean 'gif'"),
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
    (
        _config('[target]\ndata = "moons"\n[model]\nname = "realnvp"\nlayers = 200\nwidth = 4096'),
        "train --config c.toml",
        "3355 million weights",
    ),
    (_config(f"a = {'[' * 5000}"), "train --config c.toml", "nests too deep"),
    (_config(f"[training]\nseed = {'9' * 5000}"), "train --config c.toml", "too long a number"),
    (_config(f"#{'x' * 2**20}"), "train --config c.toml", "more than 1 MB"),
    (
        _config('[target]\ndata = "moons"\n[model]\nbox = [-4, -4, 4, 4]\nfinest = 1e-6\nnodes = 5'),
        "train --config c.toml",
        "finest = 1e-06 is too fine",
    ),
    (
        _config('[target]\ndata = "moons"\n[model]\nbox = [4, -4, -4, 4]\nfinest = 0.1\nnodes = 5'),
        "train --config c.toml",
        "box: the highest x and y",
    ),
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
    (_nothing, "train --img x.png --data moons", "two targets.*not two of them"),
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
    tmp_path: Path,
    run_here: Callable[..., Finished],
    prepare: Callable[[Path], None],
    command: str,
    message: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Progress, "PATIENCE", 60.0)  # on a slow machine, progress would be said before the error
    prepare(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    done = run_here(*command.split(), cwd=tmp_path)
    assert done.code == 2
    assert done.out == ""
    lines = done.err.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("flowgif: ")
    assert re.search(message, lines[0]), lines[0]
    assert sorted(tmp_path.rglob("*")) == before


def test_bad_input_ends_the_process_with_two(tmp_path: Path) -> None:
    done = run_flowgif("train", "--img", "nope.png", "--quiet", cwd=tmp_path)
    assert (done.code, done.out) == (2, "")
    assert re.fullmatch(r"flowgif: no such picture: nope\.png.*\n", done.err)


def test_an_unwritable_output_is_named_before_the_work(
    workplace: Path, tmp_path: Path, run_here: Callable[..., Finished]
) -> None:
    (tmp_path / "file").write_text("here")
    for args in (("animate", "-o", tmp_path / "none" / "x.gif"), ("animate", "-o", tmp_path / "file")):
        done = run_here(*args, cwd=workplace)
        assert done.code == 2
        assert len(done.err.splitlines()) == 1
    done = run_here("train", "--data", "moons", "--out", tmp_path / "file" / "run", cwd=workplace)
    assert done.code == 2
    assert "cannot write" in done.err
    assert (tmp_path / "file").read_text() == "here"


def test_ctrl_c_before_the_training_says_so(tmp_path: Path, workplace: Path) -> None:
    """In the middle of an evaluation, whose first words come before its work."""
    evaluation = subprocess.Popen(
        # Where tests run in the background, interrupts may be ignored, and that is inherited.
        [sys.executable, "-c", "import os, signal, threading\n"
         "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
         "threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()\n"
         "from flowgif.__main__ import main; main()", "eval", "--quiet", str(workplace / "runs" / "cat")],
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


def test_help_names_the_exit_codes(tmp_path: Path) -> None:
    done = run_flowgif("--help", cwd=tmp_path, env={"TERM": "dumb", "COLUMNS": "100"})
    shown = " ".join(done.out.split())
    for code in ExitCode:
        assert f"{code.value} {code.meaning}" in shown


def test_a_reader_that_leaves_ends_it_silently(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as nobody:
        done = subprocess.run(
            [FLOWGIF, "--version"], cwd=tmp_path, stdout=nobody, stderr=subprocess.PIPE, text=True, check=False
        )
    assert (done.returncode, done.stderr) == (ExitCode.READER_GONE, "")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_get_their_completion(shell: str, tmp_path: Path) -> None:
    done = run_flowgif(
        "--show-completion", shell, cwd=tmp_path, env={"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    )
    assert (done.code, done.err) == (0, "")
    assert "_FLOWGIF_COMPLETE" in done.out


@pytest.mark.parametrize(
    ("words", "completed"),
    [
        ("flowgif train --model s", ["spline"]),
        ("flowgif train --objective ", ["flow-matching", "likelihood"]),
        ("flowgif train --device c", ["cpu", "cuda"]),
        ("flowgif train --data 8", ["8gaussians"]),
        ("flowgif train --time-b", ["--time-budget"]),
    ],
)
def test_names_are_completed(words: str, completed: list[str], tmp_path: Path) -> None:
    typed = {"COMP_WORDS": words, "COMP_CWORD": str(len(words.split(" ")) - 1), "_FLOWGIF_COMPLETE": "complete_bash"}
    assert run_flowgif(cwd=tmp_path, env=typed).out.split() == completed
