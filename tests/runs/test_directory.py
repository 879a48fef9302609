"""A run directory is written whole, by one training at a time, in the place of a run alone."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest
import torch
from conftest import CAT
from safetensors.torch import load_file, save_file
from settings import with_moons

from flowgif import api, session
from flowgif.config.reading import read_config
from flowgif.errors import NumericalError, UnusableInput
from flowgif.flows.build import build_flow
from flowgif.runs.directory import Run, open_target
from flowgif.runs.layout import FILES, INITIAL, METRICS, RESULTS, RESUME, WEIGHTS, check_outputs, read_whole
from flowgif.runs.provenance import find_source, is_run
from flowgif.runs.results import find_result, keep_result
from flowgif.runs.writer import RunWriter

SMALL = {"name": "spline", "layers": 2, "width": 8}
TINY = {"steps": 3, "batch_size": 16}
posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such files")


def _made(folder: Path, **target: object) -> Run:
    flags = {"target": target or {"data": "moons"}, "model": SMALL}
    config = read_config(None, flags)
    flow = build_flow(config)
    with RunWriter(folder) as writer:
        run = writer.start(config, open_target(config), flow)
        writer.write({}, flow.state_dict(), [{"step": 1, "loss": 2.0}, {"step": 2, "loss": 1.0}])
    return run


def _trained(folder: Path, **training: object) -> Run:
    flags = {"target": {"data": "moons"}, "model": SMALL, "training": {**TINY, **training}}
    return session.train(read_config(None, flags), folder).run


def test_a_new_run_appears_whole(tmp_path: Path) -> None:
    config = read_config(None, {"target": {"img": CAT, "max_side": 50}, "model": SMALL})
    folder = tmp_path / "deep" / "run"
    flow = build_flow(config)
    with RunWriter(folder) as writer:
        run = writer.start(config, open_target(config), flow)
        assert list(folder.iterdir()) == []
        writer.write({}, flow.state_dict(), [])
    assert {path.name for path in folder.iterdir()} == set(FILES)
    again = Run.open(folder)
    assert again == run
    assert again.source == str(CAT)
    assert find_source(run.folder) == str(CAT)
    target = again.target()
    assert target.picture is not None
    assert max(target.picture.image.size) == 50
    assert target.picture.size_as_given == (400, 400)
    provenance = json.loads((run.folder / "provenance.json").read_text())
    assert provenance["picture"] == {"source": str(CAT), "size_as_given": [400, 400]}


def test_a_run_that_never_began_leaves_nothing(tmp_path: Path) -> None:
    with RunWriter(tmp_path / "deep" / "run"):
        assert (tmp_path / "deep" / "run").is_dir()
    assert list(tmp_path.iterdir()) == []


@posix
def test_two_trainings_do_not_share_a_run(tmp_path: Path) -> None:
    run = _trained(tmp_path / "run")
    before = {path: path.read_bytes() for path in run.folder.iterdir()}
    with RunWriter(run.folder):
        with pytest.raises(UnusableInput, match="is being trained by another process"):
            session.train(run.config, run.folder, force=True)
        with pytest.raises(UnusableInput, match="is being trained by another process"):
            session.resume(run.folder)
        api.load(run.folder)  # readers are not locked out
    assert {path: path.read_bytes() for path in run.folder.iterdir()} == before
    assert session.resume(run.folder).steps == 3


def test_files_of_the_run_before_go_and_others_stay(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    _made(folder, img=CAT, max_side=50)
    (folder / "logo.gif").write_text("mine")
    _made(folder)
    assert {path.name for path in folder.iterdir()} == {*FILES, "logo.gif"} - {"picture.png"}


def test_numbers_that_are_not_finite_are_never_stored(tmp_path: Path) -> None:
    run = _made(tmp_path / "run")
    before = {path: path.read_bytes() for path in run.folder.iterdir()}
    flow = run.flow()
    bad = {name: value * float("nan") for name, value in flow.state_dict().items()}
    with RunWriter(run.folder) as writer:
        writer.go_on(run, run.config, 2)
        for state, weights in (({}, bad), (bad, flow.state_dict())):
            with pytest.raises(NumericalError, match="not finite"):
                writer.write(state, weights, [])
    assert {path: path.read_bytes() for path in run.folder.iterdir()} == before


def test_a_run_is_read_again_if_it_changes_meanwhile(tmp_path: Path) -> None:
    run = _made(tmp_path / "run")
    reads = list[str]()

    def read() -> str:
        reads.append((run.folder / WEIGHTS).read_bytes().hex())
        if len(reads) < 3:
            _made(run.folder)
        if len(reads) == 2:
            raise UnusableInput("the other files are of another run")
        return reads[-1]

    read_whole(run.folder, read)
    assert len(reads) == 3


def test_a_run_without_a_picture_says_so(tmp_path: Path) -> None:
    run = _made(tmp_path / "run")
    assert run.source == "moons"
    assert find_source(run.folder) is None
    assert is_run(run.folder)
    assert not is_run(tmp_path)


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    run = _made(tmp_path / "run", img=CAT, max_side=50)
    run.flow(INITIAL)
    (run.folder / RESUME).unlink()
    assert run.read_state({}, {}, ()) is None
    (run.folder / WEIGHTS).unlink()
    with pytest.raises(UnusableInput, match=rf"{WEIGHTS} is missing; train the run again"):
        run.flow()
    (run.folder / "picture.png").unlink()
    with pytest.raises(UnusableInput, match=r"picture\.png is missing; train the run again"):
        run.target()
    with pytest.raises(UnusableInput, match=r"no run at .*nowhere; make one with"):
        Run.open(tmp_path / "nowhere")


def test_weights_of_another_size_are_refused(tmp_path: Path) -> None:
    run = _made(tmp_path / "run")
    other = build_flow(read_config(None, with_moons({**SMALL, "width": 16})))
    save_file(other.state_dict(), run.folder / WEIGHTS)
    with pytest.raises(UnusableInput, match=rf"{WEIGHTS} (does not fit config.toml|holds more than)"):
        run.flow()


def test_a_broken_line_of_the_metrics_is_left_out(tmp_path: Path) -> None:
    run = _made(tmp_path / "run")
    with (run.folder / METRICS).open("a") as file:
        file.write(f'{"[" * 100_000}\n[1]\n{{"step": "3"}}\n{{"step": 3, "loss": NaN}}\n{{"step": 3, "loss": 1e999}}\n')
        file.write('{"step": 3, "lo')
    assert [row["step"] for row in run.read_metrics()] == [1, 2]
    (run.folder / METRICS).unlink()
    assert run.read_metrics() == []


def test_each_step_is_in_the_metrics_once(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    run = _trained(folder)
    with (folder / METRICS).open("a") as file:
        file.write('{"step": 4, "loss": 9.0, "seconds": 1.0}\n')
    longer = run.config.model_copy(update={"training": run.config.training.model_copy(update={"steps": 5})})
    session.resume(folder, longer)
    losses = [row for row in Run.open(folder).read_metrics() if "loss" in row]
    assert [row["step"] for row in losses] == [1, 2, 3, 4, 5]
    assert losses[3]["loss"] != 9.0


# What somebody may have made of a run's state, with the error it gets.
BAD_STATES = {
    "a step below 0": ("step", lambda value: value - 100, UnusableInput),
    "a step beyond the end": ("step", lambda value: value + 2**40, UnusableInput),
    "a step of another type": ("step", lambda value: value.float(), UnusableInput),
    "a step of another shape": ("step", lambda value: value[None], UnusableInput),
    "endless seconds": ("seconds", lambda value: value * float("inf"), NumericalError),
    "no time at all": ("seconds", lambda value: -value - 1, UnusableInput),
    "points of no sequence": ("objective.draws", lambda value: -value - 1, UnusableInput),
    "points without end": ("objective.draws", lambda value: value * 0 + 2**62, UnusableInput),
    "a generator of zeros": ("objective.generator", lambda value: value * 0, UnusableInput),
    "an order that is none": ("objective.order", lambda value: torch.tensor([7]), UnusableInput),
    "weights that are no numbers": ("flow.", lambda value: value * float("nan"), NumericalError),
    "averages without end": ("average.", lambda value: value + float("inf"), NumericalError),
    "weights of another type": ("flow.", lambda value: value.half(), UnusableInput),
    "an optimiser of another shape": ("optimiser.0.0.exp_avg", lambda value: value[..., :1], UnusableInput),
}


@pytest.mark.parametrize("name", BAD_STATES)
def test_a_state_that_cannot_be_is_refused(name: str, tmp_path: Path) -> None:
    key, change, error = BAD_STATES[name]
    run = _trained(tmp_path / "run")
    state = load_file(run.folder / RESUME)
    known = next(known for known in state if known.startswith(key))
    save_file({**state, known: change(state[known]).contiguous()}, run.folder / RESUME)
    _refused(run, error)


@pytest.mark.parametrize("extra", ["x", "optimiser.0.999.exp_avg", "flow."])
def test_a_state_with_other_tensors_is_refused(extra: str, tmp_path: Path) -> None:
    run = _trained(tmp_path / "run")
    state = load_file(run.folder / RESUME)
    save_file({**state, extra: torch.zeros(2)}, run.folder / RESUME)
    _refused(run, UnusableInput)
    state.pop("step")
    save_file(state, run.folder / RESUME)
    _refused(run, UnusableInput)


def _refused(run: Run, error: type[Exception]) -> None:
    before = {path: path.read_bytes() for path in run.folder.iterdir()}
    with pytest.raises(error):
        session.resume(run.folder)
    assert {path: path.read_bytes() for path in run.folder.iterdir()} == before


def _read_all(folder: Path) -> None:
    loaded = api.load(folder)
    assert loaded.run.source == str(CAT)
    loaded.run.flow(INITIAL)
    loaded.run.read_state({}, {}, ())
    loaded.run.read_metrics()


@posix
@pytest.mark.parametrize("name", FILES)
def test_links_pipes_and_devices_in_a_run_are_refused(name: str, tmp_path: Path) -> None:
    """A pipe would be waited for, and /dev/zero would fill the memory."""
    run = _made(tmp_path / "run", img=CAT, max_side=50)
    path = run.folder / name
    for make in (os.mkfifo, lambda path: path.symlink_to("/dev/zero"), lambda path: path.symlink_to("/etc/passwd")):
        path.unlink()
        make(path)
        with pytest.raises(UnusableInput):
            _read_all(run.folder)


def test_a_run_reads_no_picture_but_its_own(tmp_path: Path) -> None:
    run = _made(tmp_path / "run", img=CAT, max_side=50)
    config = run.folder / "config.toml"
    text = config.read_text()
    for other in (str(CAT), "../picture.png", "-"):
        config.write_text(text.replace('"picture.png"', json.dumps(other)))
        with pytest.raises(UnusableInput, match="another picture or text than the run's own"):
            Run.open(run.folder)


def test_outputs_do_not_replace_what_they_are_made_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("logo.png").write_bytes(CAT.read_bytes())
    run = _made(Path("run"), img=Path("logo.png"), max_side=50)
    check_outputs([run.folder], [Path("logo.gif"), Path("run/logo.gif"), Path("-")])
    for out in ("logo.png", "./run/../logo.png", "run/picture.png", "run/config.toml"):
        with pytest.raises(UnusableInput, match=r"cannot write .*: it is"):
            check_outputs([run.folder], [Path(out)])
    Path("run/logo.gif").symlink_to("/etc/passwd")
    Path("link.gif").symlink_to("elsewhere")
    check_outputs([run.folder], [Path("link.gif")])
    with pytest.raises(UnusableInput, match=r"cannot write run/logo.gif: it is a link in a run"):
        check_outputs([run.folder], [Path("run/logo.gif")])


@posix
def test_results_are_kept_in_no_link(tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("{}")
    keep_result(tmp_path, "key", {"gap": 1.0})
    assert find_result(tmp_path, "key") == {"gap": 1.0}
    (tmp_path / RESULTS).unlink()
    (tmp_path / RESULTS).symlink_to(tmp_path / "kept")
    keep_result(tmp_path, "key", {"gap": 2.0})
    assert find_result(tmp_path, "key") is None
    assert (tmp_path / "kept").read_text() == "{}"


@pytest.mark.parametrize("content", ["", "[", "[" * 100_000, "[1]", '{"key": 3}', '{"key": null}', "\0"])
def test_results_that_are_none_are_nothing(tmp_path: Path, content: str) -> None:
    (tmp_path / RESULTS).write_text(content)
    assert find_result(tmp_path, "key") is None
    keep_result(tmp_path, "key", {"gap": 1.0})
    assert find_result(tmp_path, "key") == {"gap": 1.0}
