"""The README is true: its commands exist, its Python runs, its links lead somewhere."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path

import pytest
import torch
from conftest import ROOT, run_flowgif

sys.path.append(str(ROOT / "docs"))
from make_gallery import read_gallery

README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"flowgif (?:train|animate|eval)\b[^`\n#]*", README)
PYTHON = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


@pytest.fixture(scope="module")
def options(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """The options of each command, as its help lists them."""
    found: dict[str, set[str]] = {}
    for command in ("train", "animate", "eval"):
        page = run_flowgif(command, "--help", cwd=tmp_path_factory.mktemp("help"), env={"COLUMNS": "200"}).out
        found[command] = set(re.findall(r"(?<![\w-])--?[a-z][\w-]*", page))
    return found


@pytest.mark.parametrize("command", sorted(set(COMMANDS)))
def test_commands_use_options_that_exist(command: str, options: dict[str, set[str]]) -> None:
    words = shlex.split(command)
    used = {word for word in words if word.startswith("-")}
    assert used <= options[words[1]]


def test_there_are_commands_to_check() -> None:
    assert len(COMMANDS) > 12


def test_every_option_has_a_help_text(tmp_path: Path) -> None:
    page = run_flowgif("train", "--help", cwd=tmp_path, env={"COLUMNS": "200"}).out
    for line in re.findall(r"^│.* --.*$", page, re.MULTILINE):
        assert re.search(r"[a-z.)]\s*│$", line), line


def test_the_python_example_runs(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(workplace)
    names: dict[str, object] = {}
    (code,) = PYTHON
    exec(code, names)
    x, pixels, again = names["x"], names["pixels"], names["again"]
    assert isinstance(x, torch.Tensor)
    assert isinstance(pixels, torch.Tensor)
    assert isinstance(again, torch.Tensor)
    assert x.shape == (1000, 2)
    assert not x.requires_grad
    # float32 coordinates of 400 pixels: an error of some 1e-5 pixels.
    torch.testing.assert_close(again, x, atol=1e-5, rtol=0)
    # The flow's draws are on the picture, but for its blurred edge.
    assert ((pixels > -5) & (pixels < 405)).all(1).float().mean() > 0.99
    floor, nll = names["floor"], names["nll"]
    assert isinstance(floor, float)
    assert float(nll) == pytest.approx(floor, abs=0.2)  # type: ignore[arg-type]


def test_each_picture_of_the_gallery_stands_beside_the_commands_that_make_it() -> None:
    gallery = read_gallery(README)
    assert set(gallery) == set(re.findall(r"\]\((docs/gallery/[^)]+)\)", README))
    trained: set[str] = set()
    for path, commands in gallery.items():
        *trainings, (_, command, *words) = commands
        for _, train, *options in trainings:
            assert train == "train"
            # A run is named after its picture, or after its config.
            trained.add(f"runs/{Path(options[1]).stem}")
        assert command == "animate"
        assert words[words.index("-o") + 1] == path
        assert {word for word in words if word.startswith("runs/")} <= trained


def test_links_and_pictures_are_there() -> None:
    for link in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / link).exists(), link
