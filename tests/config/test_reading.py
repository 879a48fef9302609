"""A file with flags on top: what is said of what is wrong in them, and where it was found."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from settings import DISCRETE, read, with_moons

from flowgif.config.reading import group_options, read_config
from flowgif.errors import UnusableInput


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[model]\nname = "realnpv"\n', r"c\.toml: \[model\] name = realnpv: .*did you mean 'realnvp'"),
        ("[model]\nname = 3\n", r"\[model\] name = 3: there is no such flow; known: ffjord, realnvp, glow, spline"),
        ('[model]\nname = ["glow"]\n', r"c\.toml: \[model\] name = .*there is no such flow"),
        ('[model]\nname = "realnvp"\nlayer = 3\n', r"unknown key 'layer' in \[model\]; did you mean 'layers'"),
        ('[model]\nname = "realnvp"\nbins = 3\n', r"unknown key 'bins' in \[model\]"),
        ('[model]\nname = "spline"\nbin = 3\n', r"unknown key 'bin' in \[model\]; did you mean 'bins'"),
        ("[model]\nlayers = 3\n", r"unknown key 'layers' in \[model\]"),
        ('[model]\nname = "glow"\nlayers = 0\n', r"c\.toml: \[model\] layers = 0"),
        ('[model]\nname = "glow"\nlayers = 1.5\n', r"\[model\] layers = 1.5"),
        ('[model]\nname = "spline"\nbins = 1\n', r"\[model\] bins = 1"),
        ('[model]\nname = "spline"\nbound = inf\n', r"\[model\] bound = inf"),
        ('[model]\nname = "realnvp"\nscale_bound = nan\n', r"\[model\] scale_bound = nan"),
        ('[model]\nname = "realnvp"\nactivation = "gelu"\n', r"\[model\] activation = 'gelu'.*'silu'"),
        ('[model]\nnetwork = "concat"\n', r"\[model\] network = 'concat'.*'concatsquash'"),
        ("[training]\nepochs = 3\n", "c.toml: an epoch is a pass over a number of points; give --samples"),
        ("[training]\nepoch = 3\n", r"unknown key 'epoch' in \[training\]; did you mean 'epochs'"),
        ('[training]\nschedule = "cosine"\n', r"\[training\] schedule = 'cosine'.*'constant'"),
        ('[training]\noptimiser = "sgd"\n', r"\[training\] optimiser = 'sgd'.*'muon'"),
        ("[training]\nl2 = -1.0\n", r"\[training\] l2 = -1"),
        ("[training]\nsamples = 100\n", "flow matching uses the whole target; --samples"),
        ('[training]\nsteps = 5\ntime_budget = "5s"\n', "one of steps, time_budget and epochs"),
        ("[training]\nsteps = 5\nepochs = 5\nsamples = 9\n", "one of steps, time_budget and epochs"),
        ('[training]\ntime_budget = "5s"\nepochs = 5\nsamples = 9\n', "one of steps, time_budget and epochs"),
    ],
)
def test_a_wrong_file_is_told_what_is_wrong(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(UnusableInput, match=message) as error:
        read(tmp_path, text)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", DISCRETE)
@pytest.mark.parametrize(
    ("model", "training", "message"),
    [
        ({}, {"kinetic": 0.1}, "--kinetic and --jacobian .*{name}"),
        ({}, {"jacobian": 0.1}, "--kinetic and --jacobian .*{name}"),
        ({}, {"kinetic": 0.0}, "--kinetic and --jacobian .*{name}"),
        ({"divergence": "exact"}, {}, "--divergence does not go with --model {name}"),
        ({}, {"objective": "flow-matching"}, "{name} is trained by likelihood; leave --objective out"),
    ],
)
def test_a_layered_model_has_no_velocity(
    name: str, model: dict[str, Any], training: dict[str, Any], message: str
) -> None:
    with pytest.raises(UnusableInput, match=message.format(name=name)):
        read_config(None, with_moons({"name": name, **model}, **training))


def test_flags_are_named_as_they_were_written() -> None:
    for training, message in (
        ({"epochs": 3}, "give --samples too"),
        ({"samples": 9}, "--samples goes with --objective likelihood"),
        ({"samples": 1, "objective": "likelihood"}, "--samples 1: "),
        ({"epochs": 2, "samples": 9, "time_budget": "3s", "objective": "likelihood"}, "one of steps, time_budget"),
        ({"epochs": 2, "samples": 9, "steps": 3, "objective": "likelihood"}, "one of steps, time_budget"),
        ({"l2": -1.0}, "--l2 -1"),
    ):
        with pytest.raises(UnusableInput, match=message):
            read_config(None, with_moons(**training))
    with pytest.raises(UnusableInput, match="--model spine: there is no such flow; did you mean 'spline'"):
        read_config(None, with_moons({"name": "spine"}))


def test_a_message_names_the_place_of_the_wrong_value(tmp_path: Path) -> None:
    text = '[model]\nname = "glow"\nlayers = 0\n'
    with pytest.raises(UnusableInput, match=r"^.*c\.toml: \[model\] layers = 0: "):
        read(tmp_path, text)
    # The flag takes the place of the file's value, and then the flag is what is wrong.
    with pytest.raises(UnusableInput, match=r"^--layers -1: "):
        read(tmp_path, text, model={"layers": -1})
    # A rule about settings names the file only where one of them stands there.
    with pytest.raises(UnusableInput, match=r"^an epoch is a pass"):
        read(tmp_path, '[model]\nname = "glow"\n', training={"epochs": 3})
    with pytest.raises(UnusableInput, match=r"^.*c\.toml: an epoch is a pass"):
        read(tmp_path, '[model]\nname = "glow"\n[training]\nlr = 0.1\n', training={"epochs": 3})
    empty = tmp_path / "empty.toml"
    empty.write_text("[training]\nlr = 0.1\n")
    with pytest.raises(UnusableInput, match=r"empty\.toml: nothing to fit"):
        read_config(empty, {})


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    config = tmp_path / "c.toml"
    config.write_text('[target]\nimg = "x.png"\n[training]\nfrom = "runs/a"\n')
    read_back = read_config(config, {})
    assert (read_back.target.img, read_back.training.start) == (tmp_path / "x.png", tmp_path / "runs/a")
    assert read_config(config, {"target": {"img": Path("y.png")}}).target.img == Path("y.png")


def test_steps_win_over_a_time_budget_among_flags() -> None:
    training = read_config(None, with_moons(steps=3, time_budget="5s")).training
    assert (training.steps, training.time_budget) == (3, None)
    with pytest.raises(UnusableInput, match=r"--time-budget banana: .*30s"):
        read_config(None, with_moons(steps=3, time_budget="banana"))


def test_options_find_their_tables() -> None:
    options = {"--img": Path("x.png"), "--model": "glow", "--from": None, "--batch-size": 3, "--divergence": "exact"}
    assert group_options({**options, "--out": "here"}) == {
        "target": {"img": Path("x.png")},
        "model": {"name": "glow", "divergence": "exact"},
        "training": {"batch_size": 3, "from": None},
    }


def test_a_mark_at_the_beginning_is_skipped(tmp_path: Path) -> None:
    """Editors of Windows write it."""
    path = tmp_path / "c.toml"
    path.write_bytes(b"\xef\xbb\xbf[target]\r\ndata = 'moons'\r\n")
    assert read_config(path, {}).target.data == "moons"


def test_a_picture_from_stdin_may_stand_in_a_file(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_text('[target]\nimg = "-"\n')
    assert read_config(path, {}).target.img == Path("-")
