"""Folders, patterns and paths name pictures and runs, each with a name of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from flowgif.batch.inputs import (
    are_many_pictures,
    are_many_runs,
    find_pictures,
    find_runs,
    names_for,
    read_seeds,
)
from flowgif.errors import UnusableInput
from flowgif.runs.layout import WEIGHTS


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("icons/b.png", "icons/a.SVG", "icons/.hidden.png", "icons/notes.txt", "icons/deep/c.png", "x[1].png"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    for run in ("runs/one", "runs/two.v2", "runs/none"):
        (tmp_path / run).mkdir(parents=True)
    (tmp_path / "runs" / "one" / WEIGHTS).write_bytes(b"x")
    (tmp_path / "runs" / "two.v2" / WEIGHTS).write_bytes(b"x")
    return tmp_path


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (["icons"], ["icons/a.SVG", "icons/b.png"]),
        (["icons/*.png"], ["icons/b.png"]),
        (["icons/**/*.png"], ["icons/b.png", "icons/deep/c.png"]),
        (["nope.png", "icons/b.png", "./icons/../icons/b.png"], ["nope.png", "icons/b.png"]),
        (["x[1].png"], ["x[1].png"]),  # the name of a file is no pattern
    ],
)
def test_pictures(place: Path, given: list[str], found: list[str]) -> None:
    assert find_pictures(map(Path, given)) == [Path(name) for name in found]


@pytest.mark.parametrize("given", ["runs", "icons/*.gif", "-"])
def test_what_names_no_picture_is_refused(place: Path, given: str) -> None:
    with pytest.raises(UnusableInput):
        find_pictures([Path(given)])


def test_what_are_many(place: Path) -> None:
    assert [are_many_pictures([Path(name)]) for name in ("icons", "icons/*", "icons/b.png", "x[1].png", "no.png")] == [
        *(True, True, False, False, False)
    ]
    assert [are_many_runs([Path(name)]) for name in ("runs", "runs/*", "runs/one", "runs/none", "no")] == [
        *(True, True, False, False, False)
    ]


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (["runs"], ["runs/one", "runs/two.v2"]),
        (["runs/*"], ["runs/one", "runs/two.v2"]),
        (["runs/two.v2", "runs/one", "runs/none"], ["runs/two.v2", "runs/one", "runs/none"]),
    ],
)
def test_runs(place: Path, given: list[str], found: list[str]) -> None:
    assert find_runs(map(Path, given)) == [Path(name) for name in found]


@pytest.mark.parametrize(
    ("paths", "named"),
    [
        (["a.png", "b.png"], ["a", "b"]),
        (["x/a.png", "y/a.png", "b.png"], ["x-a", "y-a", "b"]),
        (["x/A.png", "y/a.png"], ["x-A", "y-a"]),
        (["x/a.png", "x/a.svg"], ["x-a-png", "x-a-svg"]),
        (["p/x/a.png", "q/x/a.png"], ["p-x-a-png", "q-x-a-png"]),
    ],
)
def test_names_are_short_where_they_differ(paths: list[str], named: list[str]) -> None:
    assert names_for([Path(path) for path in paths]) == named


def test_a_dot_in_the_name_of_a_run_begins_no_suffix(place: Path) -> None:
    assert names_for([place / "runs" / "two.v2", place / "runs" / "one"]) == ["two.v2", "one"]


@pytest.mark.parametrize("paths", [["x/a.png", "y/a.png", "x-a.png"], ["..png", "...png"], ["a.png", "sub/../a.png"]])
def test_names_always_differ(paths: list[str]) -> None:
    names = names_for([Path(path) for path in paths])
    assert len({name.casefold() for name in names}) == len(paths)
    assert all(name.strip(". ") and "/" not in name for name in names)


@pytest.mark.parametrize(("text", "seeds"), [("0-3", [0, 1, 2, 3]), ("7", [7]), ("3, 1-2,1", [3, 1, 2]), ("5-5", [5])])
def test_seeds(text: str, seeds: list[int]) -> None:
    assert read_seeds(text) == seeds


@pytest.mark.parametrize("text", ["", "-", "3-1", "a", "1-", "-1", "0-99999", "1..3"])
def test_what_are_no_seeds(text: str) -> None:
    with pytest.raises(UnusableInput, match="--seeds"):
        read_seeds(text)
