"""Many pictures are trained, evaluated and animated by one command each, and what is done is left."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import CAT, Finished, run_flowgif
from PIL import Image

from flowgif import session
from flowgif.batch.work import Caller, train_picture
from flowgif.cli.answers.models import BatchAnswer
from flowgif.config.reading import read_config
from flowgif.errors import ExitCode
from flowgif.runs.finished import Versions
from flowgif.runs.layout import CONFIG, PICTURE, RESULTS, WEIGHTS
from flowgif.runs.provenance import find_source
from flowgif.runs.results import key_of

TINY = '[model]\nnetwork = "fourier"\nfeatures = 8\nwidth = 8\ndepth = 1\n[training]\nsteps = 2\nbatch_size = 16\n'
QUICK = ("--config", "tiny.toml", "--max-side", 24)
NAMES = ["a", "b", "c"]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with three pictures, and a file that is none."""
    (tmp_path / "tiny.toml").write_text(TINY)
    (tmp_path / "icons").mkdir()
    with Image.open(CAT) as image:
        for i, name in enumerate(NAMES):
            image.resize((24 + i, 24)).save(tmp_path / "icons" / f"{name}.png")
    return tmp_path


def _rows(done: Finished) -> dict[str, dict[str, object]]:
    answer = BatchAnswer.model_validate_json(done.out)
    return {row.name: row.model_dump() for row in answer.rows}


def test_a_folder_is_trained_evaluated_and_animated_and_then_left(
    place: Path, run_here: Callable[..., Finished]
) -> None:
    (place / "icons" / "bad.png").write_text("no picture")
    done = run_here("train", "icons", *QUICK, "--skip-existing", "--json", cwd=place)
    assert done.code == 1
    rows = _rows(done)
    assert [*rows] == ["a", "b", "bad", "c"]
    assert "icons/bad.png is not a picture" in str(rows["bad"]["error"])
    assert rows["bad"]["exit_code"] == 2
    assert not (place / "runs" / "bad").exists()
    assert all(rows[name]["gap"] is not None and not rows[name]["skipped"] for name in NAMES)
    assert find_source(place / "runs" / "a") == "icons/a.png"
    provenance = json.loads((place / "runs" / "a" / "provenance.json").read_text())
    assert provenance["command"][:3] == ["flowgif", "train", "icons"]
    (place / "icons" / "bad.png").unlink()

    weights = {name: (place / "runs" / name / WEIGHTS).read_bytes() for name in NAMES}
    assert len(set(weights.values())) == 3
    again = _rows(run_here("train", "--img", "icons/*.png", *QUICK, "--skip-existing", "--json", cwd=place))
    assert all(again[name]["skipped"] and again[name]["gap"] == rows[name]["gap"] for name in NAMES)
    one = run_here("train", "icons/a.png", *QUICK, "--skip-existing", cwd=place)
    assert (one.code, one.out) == (0, "runs/a\n")

    done = run_here("train", "icons", *QUICK, cwd=place)  # nothing is overwritten unasked
    assert done.code == 1
    assert done.out.count("holds a run already") == 3
    assert {name: (place / "runs" / name / WEIGHTS).read_bytes() for name in NAMES} == weights

    done = run_here("eval", "runs", "--skip-existing", cwd=place)
    assert done.code == 0
    gaps = [float(line.split()[1]) for line in done.out.splitlines()[1:]]
    assert gaps == sorted(gaps)
    assert len(gaps) == 3
    bound = (gaps[0] + gaps[-1]) / 2
    again = run_here("eval", "runs", "--skip-existing", "--max-gap", bound, cwd=place)
    assert again.code == 1
    assert again.out.count("done") == 3
    assert again.out.count("is above --max-gap") in {1, 2}

    drawn = ("animate", "runs", "--each", "--out-dir", "gifs", "--frames", 3, "--size", 40, "--skip-existing")
    rows = _rows(run_here(*drawn, "--json", cwd=place))
    assert [row["files"] for row in rows.values()] == [[f"gifs/{name}.gif"] for name in NAMES]
    before = (place / "gifs" / "a.gif").stat().st_mtime_ns
    (place / "gifs" / "b.gif").write_bytes(b"changed")
    rows = _rows(run_here(*drawn, "--json", cwd=place))
    assert [row["skipped"] for row in rows.values()] == [True, False, True]
    assert (place / "gifs" / "a.gif").stat().st_mtime_ns == before
    assert (place / "gifs" / "b.gif").read_bytes().startswith(b"GIF89a")
    pair = _rows(
        run_here("animate", "runs/a", "runs/b", "--each", "--theme", "auto", "--frames", 2, "--json", cwd=place)
    )
    assert pair["a"]["files"] == ["runs/a/a-light.gif", "runs/a/a-dark.gif"]


@pytest.mark.parametrize("gap", ["NaN", "Infinity", '"0.1"', "1", "null"])
def test_a_kept_gap_that_is_none_is_measured_again(place: Path, run_here: Callable[..., Finished], gap: str) -> None:
    assert run_here("train", "icons/a.png", *QUICK, cwd=place).code == 0
    files = {name: (place / "runs" / "a" / name).read_bytes() for name in (CONFIG, WEIGHTS, PICTURE)}
    kept = f'{{"{key_of(files, "eval", 0)}": {{"gap": {gap}, "gap_se": 0.5}}}}'
    (place / "runs" / "a" / RESULTS).write_text(kept)
    (row,) = _rows(run_here("eval", "runs/a", "--skip-existing", "--json", cwd=place)).values()
    assert (row["skipped"], row["error"]) == (False, None)
    (row,) = _rows(run_here("eval", "runs/a", "--skip-existing", "--json", cwd=place)).values()
    assert row["skipped"]


def test_a_disk_that_is_full_is_one_row(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "/tmp/x")

    settings = read_config(place / "tiny.toml", {"target": {"data": "moons"}})
    monkeypatch.setattr(session, "train", fail)
    outcome = train_picture(Caller.here(), settings, {})
    assert outcome.exit_code == ExitCode.UNUSABLE_INPUT
    assert outcome.error == "/tmp/x: No space left on device; check the place and its permissions"


def test_what_has_changed_is_not_left(place: Path, run_here: Callable[..., Finished]) -> None:
    train = ("train", "icons/a.png", *QUICK, "--skip-existing")
    assert run_here(*train, cwd=place).code == 0
    for changed in (("--seed", 1), ("--lr", 0.01), ("--ink", "dark")):
        done = run_here(*train, *changed, cwd=place)
        assert (done.code, "holds a run already" in done.err) == (2, True)
    with Image.open(place / "icons" / "b.png") as image:
        image.save(place / "icons" / "a.png")
    assert run_here(*train, cwd=place).code == 2
    before = (place / "runs" / "a" / WEIGHTS).read_bytes()
    assert run_here(*train, "--force", cwd=place).code == 0
    assert (place / "runs" / "a" / WEIGHTS).read_bytes() != before
    done = run_here(*train, "--force", "--max-gap", 0, cwd=place)
    assert done.code == 1
    assert "nothing to do" in done.err


@pytest.mark.slow
def test_seeds_make_a_run_each(place: Path, run_here: Callable[..., Finished]) -> None:
    rows = _rows(run_here("train", "icons/a.png", *QUICK, "--seeds", "0-2", "--out", "tried", "--json", cwd=place))
    assert [row["run"] for row in rows.values()] == [f"tried/a-seed-{seed}" for seed in range(3)]
    rows = _rows(run_here("train", "--data", "moons", "--config", "tiny.toml", "--seeds", "4,6", "--json", cwd=place))
    assert [*rows] == ["moons-seed-4", "moons-seed-6"]


def test_a_worker_gives_the_bytes_of_a_training_here(place: Path) -> None:
    flags = {"target": {"img": place / "icons" / "a.png", "max_side": 24}}
    settings = read_config(place / "tiny.toml", flags)
    session.train(settings, place / "here")
    picture = str(settings.target.img)
    outcome = train_picture(Caller(Versions.here(), ()), settings, {picture: Path(picture).read_bytes()})
    assert outcome.error is None
    for name in (CONFIG, PICTURE, WEIGHTS):
        assert outcome.files[name] == (place / "here" / name).read_bytes()


def test_other_versions_are_refused(place: Path) -> None:
    settings = read_config(place / "tiny.toml", {"target": {"data": "moons"}})
    outcome = train_picture(Caller(Versions("0.0", "1.2"), ()), settings, {})
    assert outcome.exit_code == ExitCode.UNUSABLE_INPUT
    assert "and this machine flowgif 0.0 and torch 1.2; install the same" in (outcome.error or "")


def test_what_is_left_needs_no_torch(place: Path) -> None:
    assert run_flowgif("train", "icons", *QUICK, cwd=place).code == 0
    code = (
        "import sys\nfrom flowgif.cli.main import main\n"
        "try: main()\nfinally: print(sorted({'torch', 'scipy'} & {*sys.modules}), file=sys.stderr)"
    )
    for words in (("icons",), ("icons/a.png",)):
        done = subprocess.run(
            [sys.executable, "-c", code, "train", *words, *map(str, QUICK), "--skip-existing"],
            cwd=place, capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert done.stderr.splitlines()[-1] == "[]"


def _children(pid: int) -> list[int]:
    found: list[int] = []
    for task in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = task.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == pid:
            child = int(task.parent.name)
            found += [child, *_children(child)]
    return found


def _is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="it looks for processes in /proc")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_batch_that_is_stopped_leaves_no_process_and_goes_on(place: Path, number: signal.Signals) -> None:
    words = ["train", "icons", *map(str, QUICK), "--skip-existing", "--steps", "3000"]
    # Where tests run in the background, interrupts may be ignored, and that is inherited.
    code = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from flowgif.__main__ import main; main()"
    )
    batch = subprocess.Popen(
        [sys.executable, "-c", code, *words], cwd=place, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 120
    while not (place / "runs").exists() or not any((place / "runs").glob(f"*/{WEIGHTS}")):
        assert time.monotonic() < deadline
        assert batch.poll() is None
        time.sleep(0.05)
    workers = _children(batch.pid)
    assert len(workers) >= 2
    os.kill(batch.pid, number)
    _, err = batch.communicate(timeout=60)
    if number == signal.SIGINT:
        assert batch.returncode == 130
        assert "interrupted after" in err
    while any(map(_is_alive, workers)):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    kept = {path.parent.name for path in (place / "runs").glob(f"*/{WEIGHTS}")}
    assert 0 < len(kept) < 3
    done = run_flowgif(*words, "--json", cwd=place)
    assert done.code == 0
    assert {name for name, row in _rows(done).items() if row["skipped"]} == kept
    assert sorted(path.name for path in (place / "runs").iterdir()) == NAMES
