"""Progress in a notebook, where a small stand-in takes IPython's place."""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from flowgif import notebook
from flowgif.evaluation.gap import Gap
from flowgif.notebook import NotebookProgress
from flowgif.training.trainer import StepRecord


class Shown:
    """The output that a stand-in for IPython shows.

    Attributes:
        states: what it held, one after another.
    """

    def __init__(self) -> None:
        self.states: list[dict[str, str]] = []

    def display(self, bundle: dict[str, str], *, raw: bool, display_id: bool) -> Shown:
        assert not self.states
        assert raw
        assert display_id
        self.states.append(bundle)
        return self

    def update(self, bundle: dict[str, str], *, raw: bool) -> None:
        assert raw
        self.states.append(bundle)


def _install(monkeypatch: pytest.MonkeyPatch, shell: object) -> Shown:
    shown = Shown()
    modules: dict[str, Any] = {"IPython": ModuleType("IPython"), "IPython.display": ModuleType("IPython.display")}
    modules["IPython"].get_ipython = lambda: shell
    modules["IPython.display"].display = shown.display
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, name, module)
    return shown


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> Shown:
    monkeypatch.setattr(notebook, "SECONDS_BETWEEN", 0.0)
    return _install(monkeypatch, SimpleNamespace(kernel=object()))


def test_one_output_is_updated_and_keeps_what_was_said(shown: Shown) -> None:
    with NotebookProgress() as progress:
        progress.say("ink: dark parts & <b>")
        progress.begin("drawing ...")
        progress.advance(0.25, "frame 3 of 12")
        progress.step(StepRecord(30, 1.25, 3.0, 0.5), Gap(0.0125, 0.001, 1))
        progress.say("done")
    texts = [state["text/plain"].splitlines() for state in shown.states]
    assert texts[0] == ["ink: dark parts & <b>"]
    assert texts[1] == [*texts[0], "drawing ..."]
    assert texts[2][1].startswith("drawing ...  25%  ")
    assert texts[2][1].endswith(" s left  frame 3 of 12")
    assert texts[3][1] == "training  50%  3 s left  gap 0.0125  step 30  loss 1.2500"
    assert texts[-1] == ["ink: dark parts & <b>", "done"]
    assert "ink: dark parts &amp; &lt;b&gt;" in shown.states[0]["text/html"]
    assert '<progress value="0.500"' in shown.states[3]["text/html"]
    assert "<progress" not in shown.states[-1]["text/html"]


def test_updates_are_not_too_frequent(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = _install(monkeypatch, SimpleNamespace(kernel=object()))
    monkeypatch.setattr(notebook, "SECONDS_BETWEEN", 1e6)
    with NotebookProgress() as progress:
        progress.say("now")
        for i in range(100):
            progress.advance(i / 100)
    assert [state["text/plain"] for state in shown.states] == ["now", "now"]


def test_elsewhere_nothing_is_shown(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for shell in (None, SimpleNamespace()):  # no IPython at work, and IPython in a terminal
        shown = _install(monkeypatch, shell)
        with NotebookProgress() as progress:
            progress.say("nothing")
        assert not shown.states
    shown = _install(monkeypatch, SimpleNamespace(kernel=object()))
    with NotebookProgress(quiet=True) as progress:
        progress.say("nothing")
    assert not shown.states
    assert capsys.readouterr() == ("", "")
