"""The blocks of Python in the documents run."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from conftest import ROOT, SMALL_NETWORK
from documents import DOCUMENTS, README, read_blocks

PAGE = DOCUMENTS["python.md"]
# Trainings that take no time stand for the page's.
SHORT = {"steps=300, ": f"**{SMALL_NETWORK}, steps=3, ", "steps=310": "steps=4"}


@pytest.fixture
def place(workplace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder as the page asks for: with runs/cat and the repository's pictures."""
    shutil.copytree(workplace / "runs" / "cat", tmp_path / "runs" / "cat")
    shutil.copytree(ROOT / "imgs", tmp_path / "imgs")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _check(names: dict[str, object]) -> None:
    """Holds the results of the first lines, which both documents have, to what their comments say."""
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


@pytest.mark.usefixtures("place")
def test_the_readmes_block_runs() -> None:
    (code,) = read_blocks(README, "python")
    names: dict[str, object] = {}
    exec(code, names)
    _check(names)


def test_the_pages_blocks_run_one_after_another(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    blocks = read_blocks(PAGE, "python")
    code = "\n".join(blocks)
    for long, short in SHORT.items():
        assert code.count(long) == 1
        code = code.replace(long, short)
    names: dict[str, object] = {}
    exec(code, names)
    _check(names)
    assert {path.name for path in place.glob("*.*")} == {"gears.gif", "morph.gif", "row.png"}
    out = capsys.readouterr().out
    assert out.startswith("runs/gears ")
    assert "no run at runs/nothing; " in out
