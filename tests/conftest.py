"""What tests share: one small real training a session, and the real command line."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from filelock import FileLock

import flowgif
from flowgif import session
from flowgif.api import Loaded
from flowgif.cli.main import main
from flowgif.evaluation import gap

if TYPE_CHECKING:
    from installed import Installed

ROOT = Path(__file__).parent.parent
CAT = ROOT / "imgs" / "cat.png"
FLOWGIF = Path(sys.executable).with_name("flowgif")
MakeOnce = Callable[[str, Callable[[Path], object]], Path]
# An FFJORD whose solves take no time.
SMALL_NETWORK = {"features": 8, "width": 8, "depth": 1}
SHORT_STEPS = 200  # two seconds on two cores, and already a cat


@dataclass(frozen=True)
class Finished:
    code: int
    out: str
    err: str


def run_flowgif(*args: object, cwd: Path, env: dict[str, str] | None = None) -> Finished:
    """The installed console script, as a shell would call it."""
    done = subprocess.run(
        [FLOWGIF, *map(str, args)],
        cwd=cwd,
        env={**os.environ, **(env or {})},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    return Finished(done.returncode, done.stdout, done.stderr)


# Before a command, so that it sends itself a signal at a step of its training.
_AT_STEP = """
import os, signal
# Where tests run in the background, interrupts may be ignored, and that is inherited.
signal.signal(signal.SIGINT, signal.default_int_handler)
{before}
from flowgif.training.trainer import Trainer
steps = Trainer.run
def run(self):
    for record in steps(self):
        if record.step == {step}:
            for _ in range({times}):
                os.kill(os.getpid(), {number})
        yield record
Trainer.run = run
from flowgif.__main__ import main
main()
"""


def start_with_signal(
    number: signal.Signals, step: int, *args: object, cwd: Path, times: int = 1, before: str = ""
) -> subprocess.Popen[str]:
    """Starts a command that sends itself a signal, once or more often, at a step of its training."""
    code = _AT_STEP.format(number=int(number), step=step, times=times, before=before)
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, args)],
        cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


@pytest.fixture
def few_points(monkeypatch: pytest.MonkeyPatch) -> None:
    """Gaps are measured with so few points that it takes no time."""
    for module, name in ((session, "FINAL_POINTS"), (gap, "POINTS"), (gap, "INVERTED")):
        monkeypatch.setattr(module, name, 64)


@pytest.fixture
def run_here(
    few_points: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Finished]:
    """As ``run_flowgif``, but within this process, where torch is loaded already, and with ``few_points``."""

    def run(*args: object, cwd: Path) -> Finished:
        monkeypatch.chdir(cwd)
        monkeypatch.setattr(sys, "argv", ["flowgif", *map(str, args)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main()
        out, err = capsys.readouterr()
        return Finished(end.value.code if isinstance(end.value.code, int) else 0, out, err)

    return run


@pytest.fixture
def two_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets two threads work at the same time, where the tests' own processes have one each."""
    monkeypatch.setenv("OMP_NUM_THREADS", "2")


@pytest.fixture(scope="session")
def make_once(
    tmp_path_factory: pytest.TempPathFactory, worker_id: str
) -> Callable[[str, Callable[[Path], object]], Path]:
    """Has a folder filled once in a test session, however many processes share its tests."""
    base = tmp_path_factory.getbasetemp()
    shared = base if worker_id == "master" else base.parent

    def make(name: str, fill: Callable[[Path], object]) -> Path:
        folder = shared / name
        with FileLock(shared / f"{name}.lock"):
            if not (shared / f"{name}.done").exists():
                folder.mkdir()
                fill(folder)
                (shared / f"{name}.done").touch()
        return folder

    return make


@pytest.fixture(scope="session")
def workplace(make_once: MakeOnce) -> Path:
    """A folder with a run of the cat in it, trained by the command line for a few hundred steps.

    Tests read it and write nothing into it that another test could meet.
    """

    def fill(folder: Path) -> None:
        done = run_flowgif("train", "--img", CAT, "--steps", SHORT_STEPS, cwd=folder)
        assert done.code == 0, done.err
        assert done.out == "runs/cat\n"

    return make_once("workplace", fill)


@pytest.fixture(scope="session")
def cat_report(workplace: Path, make_once: MakeOnce) -> dict[str, Any]:
    """What ``flowgif eval --json`` prints about the run of the cat. It takes some seconds, so it is made once."""

    def fill(folder: Path) -> None:
        done = run_flowgif("eval", "--json", cwd=workplace)
        assert done.code == 0, done.err
        (folder / "report.json").write_text(done.out)

    return json.loads((make_once("cat-report", fill) / "report.json").read_text())


@pytest.fixture(scope="session")
def small(make_once: MakeOnce) -> Path:
    """A config file whose model is an FFJORD with a small network."""

    def fill(folder: Path) -> None:
        sizes = "\n".join(f"{name} = {size}" for name, size in SMALL_NETWORK.items())
        (folder / "small.toml").write_text(f"[model]\n{sizes}\n")

    return make_once("small", fill) / "small.toml"


@pytest.fixture(scope="session")
def cat(workplace: Path) -> Loaded:
    return flowgif.load(workplace / "runs" / "cat")


@pytest.fixture(scope="session")
def moons(make_once: MakeOnce) -> Path:
    """A run of a discrete flow, trained by the command line for a few steps."""

    def fill(folder: Path) -> None:
        done = run_flowgif("train", "--data", "moons", "--model", "spline", "--steps", 60, "--out", "moons", cwd=folder)
        assert done.code == 0, done.err

    return make_once("discrete", fill) / "moons"


@pytest.fixture
def quick_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plots are saved without being rendered, which takes seconds each time; the tests of plots render them."""
    from matplotlib.figure import Figure

    monkeypatch.setattr(Figure, "savefig", lambda self, file, **_: file.write(b"png"))


@pytest.fixture(scope="session")
def dist(make_once: MakeOnce) -> Path:
    """A folder with the source archive and the wheel that was built from it."""
    from installed import build

    return make_once("dist", build)


@pytest.fixture(scope="session")
def installed_flowgif(dist: Path, make_once: MakeOnce) -> Installed:
    """The wheel in an environment of its own, which knows nothing of this checkout. Only slow tests may ask for it."""
    from installed import Installed, install

    (wheel,) = dist.glob("*.whl")
    pinned = ("-c", ROOT / "constraints.txt")
    return Installed(make_once("installed", lambda folder: install(folder, *pinned, wheel)) / "environment")
