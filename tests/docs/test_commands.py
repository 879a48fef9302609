"""Every ``flowgif`` command in the documents runs, and the guide names every option and every name there is."""

from __future__ import annotations

import itertools
import json
import os
import re
import runpy
import shlex
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import FLOWGIF, ROOT, Finished, run_flowgif
from documents import COMMANDS, DOCUMENTS, GUIDE, Command, ConfigFile, Script, read_steps
from PIL import Image
from scripts import BARE, put_cheap_flowgif, run_script

from flowgif.formats.presets import PRESETS
from flowgif.formats.table import FORMATS
from flowgif.units import describe

STEPS = {name: list(read_steps(path)) for name, path in DOCUMENTS.items()}
RUN = {name: steps for name, steps in STEPS.items() if steps}
COMMANDS_OF = {
    name: [
        command
        for step in steps
        for command in (step.commands if isinstance(step, Script) else [step] if isinstance(step, Command) else [])
    ]
    for name, steps in STEPS.items()
}
WORDS = sorted({command.words for commands in COMMANDS_OF.values() for command in commands})
COMPLETION = ("--install-completion", "--show-completion")
# A network so small that its solves take no time.
SMALL = ConfigFile("small.toml", "[model]\nfeatures = 8\nwidth = 8\ndepth = 1\n")


def _write_small(folder: Path, config: ConfigFile) -> None:
    """Writes a config with networks as small as those of SMALL."""
    (folder / config.name).write_text(re.sub(r"^(features|width) = [1-9]\d*", r"\1 = 8", config.text, flags=re.M))


@pytest.fixture(scope="module")
def options(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """The options of each command, as its help lists them."""
    found: dict[str, set[str]] = {}
    for command in COMMANDS:
        page = run_flowgif(command, "--help", cwd=tmp_path_factory.mktemp("help"), env={"COLUMNS": "200"}).out
        found[command] = set(re.findall(r"(?<![\w-])--?[a-z][\w-]*", page))
    return found


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder as a reader of the documents has it: a logo.png beside the repository's pictures and configs."""
    shutil.copytree(ROOT / "imgs", tmp_path / "imgs")
    (tmp_path / "configs").mkdir()
    for config in (ROOT / "configs").glob("*.toml"):
        _write_small(tmp_path / "configs", ConfigFile(config.name, config.read_text("utf-8")))
    shutil.copy(ROOT / "imgs" / "wordmark.png", tmp_path / "logo.png")
    (tmp_path / "logo.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"><circle cx="9" cy="9" r="7"/></svg>')
    frames = [Image.open(ROOT / "imgs" / name).resize((64, 64)) for name in ("gears.png", "cat.png")]
    frames[0].save(tmp_path / "logo.gif", save_all=True, append_images=frames[1:])
    (tmp_path / "docs" / "gallery").mkdir(parents=True)
    _write_small(tmp_path, SMALL)
    return tmp_path


@pytest.mark.parametrize("words", [words for words in WORDS if words[1] in COMMANDS], ids=shlex.join)
def test_commands_use_options_that_exist(words: tuple[str, ...], options: dict[str, set[str]]) -> None:
    used = {word for word in words if re.match(r"--?[a-z]", word)}
    assert used <= options[words[1]]


def test_there_are_commands_to_run() -> None:
    assert {"README.md", "guide.md", "experiments.md"} <= RUN.keys()
    assert len(WORDS) > 60


@pytest.mark.slow
@pytest.mark.usefixtures("quick_figures")
@pytest.mark.parametrize("name", RUN)
def test_the_commands_of_a_document_run_one_after_another(
    place: Path, run_here: Callable[..., Finished], name: str
) -> None:
    done: list[Command] = []
    for step in RUN[name]:
        if isinstance(step, ConfigFile):
            _write_small(place, step)
        elif isinstance(step, Script):
            _run_script(step, place)
        elif step not in done and step.words[1] not in COMPLETION:
            done.append(step)
            _run(step, place, run_here)


def _run(command: Command, place: Path, run_here: Callable[..., Finished]) -> None:
    words = command.words
    ended = run_here(*_shortened(words), cwd=place)
    # After a few steps no flow fits: the bound is missed, as the text says.
    expected = 1 if "--max-gap" in words else 0
    assert ended.code == expected, f"{shlex.join(words)}\n{ended.err}"
    for option, value in itertools.pairwise(words):
        if option in {"-o", "--out", "--poster", "--stills", "--plots"}:
            assert (place / value).exists(), f"{shlex.join(words)}: no {value}"
    if command.sample.startswith("{"):
        assert _keys(json.loads(ended.out)) == _keys(json.loads(command.sample))
    elif command.sample:
        assert _without_numbers(ended.out) == _without_numbers(command.sample)


def _run_script(script: Script, place: Path) -> None:
    """Runs a script in an environment without anything but a cheap flowgif, as if it had installed that."""
    installed = place / ".flowgif"
    (installed / "bin").mkdir(parents=True, exist_ok=True)
    (installed / ".ready").touch()
    put_cheap_flowgif(installed / "bin", place / SMALL.name)
    ended = run_script(script, place, PATH=f"{installed / 'bin'}:{BARE['PATH']}")
    # After a few steps no flow fits.
    assert ended.code == (1 if "--max-gap" in script.text else 0), f"{script.text}\n{ended.err}"
    assert "flowgif: " not in ended.err or "above --max-gap" in ended.err


def _shortened(words: tuple[str, ...]) -> list[str]:
    """The words of a command after ``flowgif``, with options that make it cheap in the place of its own."""
    cheap = _shortcuts(words)
    replaced = {place for place, word in enumerate(words) if word in cheap[::2]}
    return [word for place, word in enumerate(words) if place and not {place, place - 1} & replaced] + cheap


def _shortcuts(words: tuple[str, ...]) -> list[str]:
    """Options that make a command cheap, each followed by its value."""
    match words[1]:
        case "train" if "--resume" in words:
            return ["--steps", "6"]
        case "train":
            length = ["--epochs", "1", "--samples", "64"] if "--epochs" in words else ["--steps", "3"]
            picture = [] if {"--data", "--from"} & {*words} else ["--max-side", "32"]
            network = [] if {"--config", "--model", "--from"} & {*words} else ["--config", SMALL.name]
            return [*length, "--batch-size", "64", *picture, *network]
        case "animate":
            if "--frames-per-layer" in words:
                length = ["--frames-per-layer", "1"]
            elif "--duration" in words:
                length = ["--duration", "0.2"]
            else:
                length = [] if "--stills" in words else ["--frames", "4"]
            size = [] if "--preset" in words else ["--size", "200" if "panels" in words else "64"]
            return [*length, *size, "--points", "200"]
        case _:
            return []


def _without_numbers(text: str) -> list[str]:
    return [re.sub(r"-?\d[\d.e+-]*", "#", line) for line in text.splitlines()]


def _keys(value: Any) -> Any:
    """The keys of nested dictionaries, with the names of the values' types."""
    if isinstance(value, dict):
        return {key: _keys(each) for key, each in value.items()}
    return [_keys(each) for each in value] if isinstance(value, list) else type(value).__name__


def test_the_completion_of_the_guide_goes_to_the_shells_files(tmp_path: Path) -> None:
    commands = [step.words for step in STEPS["guide.md"] if isinstance(step, Command) and step.words[1] in COMPLETION]
    assert {words[1] for words in commands} == {*COMPLETION}
    home = {**os.environ, "HOME": str(tmp_path)}
    for words in commands:
        # The shell is found as the parent of the command.
        line = f"{shlex.quote(str(FLOWGIF))} {shlex.join(words[1:])}; exit $?"
        ended = subprocess.run(
            ["/bin/bash", "-c", line], env=home, cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert ended.returncode == 0, ended.stderr
        assert "flowgif" in ended.stdout.lower() or "bash" in ended.stdout
    assert "flowgif" in (tmp_path / ".bashrc").read_text()


def test_every_option_is_in_the_guide(options: dict[str, set[str]]) -> None:
    guide = GUIDE.read_text("utf-8")
    for command, names in options.items():
        missing = {name for name in names if not re.search(rf"(?<![\w-]){name}(?![\w-])", guide)}
        assert missing <= {"-h"}, command


def _names() -> dict[str, Any]:
    """The names of settings by the name of their list, read anew: other tests register more of them."""
    tables = runpy.run_path(str(ROOT / "flowgif" / "names.py"))
    return {key: value for key, value in tables.items() if type(value) is tables["Names"]}


def _rows(first: str) -> dict[str, list[str]]:
    """The guide's table whose first heading is ``first``: for each name in a first cell, the other cells of its row."""
    text = GUIDE.read_text("utf-8")
    (table,) = re.findall(rf"^\| {first} \|.*\n\|[-|]+\|\n((?:\|.*\n)+)", text, re.MULTILINE)
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]
    return {name: cells for head, *cells in rows for name in re.findall(r"`([^`]+)`", head)}


def test_every_name_of_a_setting_is_in_the_guide() -> None:
    guide = GUIDE.read_text("utf-8")
    assert len(_names()) > 8
    for names in _names().values():
        for name in names:
            assert re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", guide), f"{names.setting} {name}"


def test_the_guide_has_the_highest_rate_of_each_format() -> None:
    rates = {name: cells[-1] for name, cells in _rows("`-o`").items() if name.startswith(".")}
    assert rates == {suffix: f"{FORMATS[suffix].fastest:g}" for suffix in _names()["SUFFIXES"]}


def test_the_guide_has_the_limits_of_each_preset() -> None:
    expected = {}
    for name in _names()["PRESETS"]:
        preset = PRESETS[name]
        expected[name] = [
            f"{preset.side}x{preset.side} pixels" if preset.square else f"up to {preset.side} pixels",
            "" if preset.max_bytes is None else describe(preset.max_bytes),
            "" if preset.max_frames is None else f"up to {preset.max_frames}",
        ]
    assert {name: cells[1:] for name, cells in _rows("preset").items()} == expected


def test_every_exit_code_is_in_the_guide() -> None:
    codes = runpy.run_path(str(ROOT / "flowgif" / "errors.py"))["ExitCode"]
    rows = re.findall(r"^\| (\d+) \| ", GUIDE.read_text("utf-8"), re.MULTILINE)
    assert [int(row) for row in rows] == [int(code) for code in codes]


def test_every_option_has_a_help_text(tmp_path: Path) -> None:
    page = run_flowgif("train", "--help", cwd=tmp_path, env={"COLUMNS": "200"}).out
    for line in re.findall(r"^│.* --.*$", page, re.MULTILINE):
        assert re.search(r"[a-z.)]\s*│$", line), line
