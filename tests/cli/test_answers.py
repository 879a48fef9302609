"""What ``--json`` prints is what its models, its JSON Schemas and docs/json.md say."""

from __future__ import annotations

import json
import math
import re
import shutil
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from conftest import CAT, ROOT, Finished, MakeOnce, run_flowgif
from documents import DOCUMENTS
from pydantic import ValidationError

from flowgif.cli.answers.models import (
    ANSWERS,
    AnimateAnswer,
    BatchAnswer,
    BatchRow,
    CheckFigures,
    TrainAnswer,
    WrittenFile,
)
from flowgif.errors import NumericalError

sys.path.append(str(ROOT / "docs"))
import make_json

TINY = (CAT, "--max-side", 32, "--steps", 3, "--batch-size", 64)
FEW = ("--frames", 2, "--size", 64, "--points", 50)
TRAINED = {"run": "runs/cat", "steps": 1, "seconds": 1.0, "gap": 0.1, "gap_se": 0.1}
ROW = {
    "name": "cat", "run": None, "files": [], "gap": None, "gap_se": None, "seconds": None, "skipped": False,
    "error": "no such picture", "exit_code": 2,
}  # fmt: skip
TYPES: dict[str, type | tuple[type, ...]] = {
    "string": str, "number": (int, float), "integer": int, "boolean": bool, "null": type(None), "object": dict,
    "array": list,
}  # fmt: skip


def _fits(value: Any, schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> bool:
    """Whether a value fits a JSON Schema of the few words that ours use; another word is an error."""

    def has(word: str, argument: Any) -> bool:
        match word:
            case "$ref":
                fits = _fits(value, definitions[argument.rpartition("/")[2]], definitions)
            case "anyOf":
                fits = any(_fits(value, each, definitions) for each in argument)
            case "type":
                fits = isinstance(value, TYPES[argument]) and isinstance(value, bool) == (argument == "boolean")
            case "const":
                fits = value == argument
            case "minimum":
                fits = value >= argument
            case "required":
                fits = {*argument} <= {*value}
            case "properties":
                fits = all(_fits(value[name], each, definitions) for name, each in argument.items() if name in value)
            case "items":
                fits = all(_fits(each, argument, definitions) for each in value)
            case _:
                assert word in {"$schema", "$defs", "title", "description"}
                fits = True
        return fits

    # The type comes first: the other words take it for granted.
    return all(has(word, schema[word]) for word in sorted(schema, key="type".__ne__))


def _is_published(name: str, answer: Any) -> bool:
    schema = json.loads((ROOT / "docs" / "schema" / f"{name}.json").read_text("utf-8"))
    return _fits(answer, schema, schema.get("$defs", {}))


@pytest.fixture
def place(small: Path, make_once: MakeOnce, tmp_path: Path) -> Path:
    """A folder with a run of a small cat."""

    def fill(folder: Path) -> None:
        done = run_flowgif("train", *TINY, "--config", small, "--out", "cat", cwd=folder)
        assert done.code == 0, done.err

    shutil.copytree(make_once("answers", fill) / "cat", tmp_path / "cat")
    return tmp_path


@pytest.mark.usefixtures("quick_figures")
@pytest.mark.parametrize(
    ("words", "optional"),
    [
        (("train", *TINY, "--config"), set()),
        (("animate", "cat", *FEW, "-o", "cat.gif", "-o", "frames/"), set()),
        (("animate", "cat", *FEW, "-o", "cat.svg", "--snippet"), {"snippet"}),
        (("animate", "cat", "--stills", "row.png", "--size", 200, "--points", 50), set()),
        (("eval", "cat"), set()),
        (("eval", "cat", "--check", "--plots", "plots", "--save-samples", 9, "new.csv"), {"check", "plots", "samples"}),
    ],
    ids=["train", "animate", "animate --snippet", "animate --stills", "eval", "eval --check --plots --save-samples"],
)
def test_a_command_prints_what_its_schema_says(
    place: Path, small: Path, run_here: Callable[..., Finished], words: tuple[Any, ...], optional: set[str]
) -> None:
    more = [small] if words[-1] == "--config" else []
    done = run_here(*words, *more, "--json", "--quiet", cwd=place)
    assert (done.code, done.err) == (0, "")
    (line,) = done.out.splitlines()
    answer = json.loads(line)
    name = str(words[0])
    ANSWERS[name].model_validate_json(line)
    assert _is_published(name, answer)
    schema = make_json.schema_of(name)
    assert list(answer) == [field for field in schema["properties"] if field in {*schema["required"], *optional}]
    assert answer["schema"] == 1


def test_a_row_of_a_batch_keeps_what_is_null() -> None:
    answer = BatchAnswer(rows=[BatchRow(**ROW)], failed=1, seconds=1.5)
    assert json.loads(answer.line()) == {"schema": 1, "rows": [ROW], "failed": 1, "seconds": 1.5}
    assert _is_published("batch", json.loads(answer.line()))


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_numbers_that_are_not_finite_are_a_numerical_failure(value: float) -> None:
    with pytest.raises(NumericalError, match="gap_se is"):
        TrainAnswer(**{**TRAINED, "gap_se": value})
    with pytest.raises(NumericalError, match="integral is"):
        CheckFigures(integral=value, integral_se=0.0, derivative=0.0, derivative_se=0.0)
    with pytest.raises(NumericalError, match="gap is"):
        BatchRow(**{**ROW, "gap": value})


@pytest.mark.parametrize(
    "change",
    [{"extra": 1}, {"steps": "1"}, {"steps": -1}, {"steps": 1.0}, {"run": b"cat"}, {"schema": 2}, {"gap": None}],
    ids=str,
)
def test_an_answer_holds_only_what_it_names(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        TrainAnswer.model_validate({**TRAINED, **change})
    assert "extra" in change or not _is_published("train", {"schema": 1, **TRAINED, **change})


def test_what_is_left_out_is_not_null() -> None:
    files = [WrittenFile(path="a.gif", bytes=1, frames=1)]
    answer = AnimateAnswer(run="cat", gif="a.gif", frames=1, seconds=1.0, bytes=1, files=files)
    printed = json.loads(answer.line())
    assert "snippet" not in printed
    assert _is_published("animate", printed)
    assert not _is_published("animate", {**printed, "snippet": None})


def test_documents_are_made_of_the_models() -> None:
    for path, text in make_json.schema_files().items():
        assert path.read_text("utf-8") == text, f"make json writes {path.name} anew"
    assert {path.stem for path in (ROOT / "docs" / "schema").iterdir()} == {*ANSWERS}
    page = DOCUMENTS["json.md"].read_text("utf-8")
    assert page == make_json.render(page), "make json writes json.md anew"
    assert re.findall(r"^<!-- json:(\w+) -->$", page, re.MULTILINE) == [*ANSWERS]


def test_every_field_is_on_the_page_with_its_meaning() -> None:
    page = DOCUMENTS["json.md"].read_text("utf-8")
    for name in ANSWERS:
        (table,) = re.findall(rf"<!-- json:{name} -->\n(.*?)<!-- /json -->", page, re.DOTALL)
        rows = re.findall(r"^\| `([^`]+)` \| [\w ]+ \| (.+) \|$", table, re.MULTILINE)
        assert {field.rpartition(".")[2] for field, _ in rows} == _fields(make_json.schema_of(name))
        assert all(re.match(r"[A-Z`].*\.$", meaning) for _, meaning in rows)


def _fields(schema: dict[str, Any]) -> set[str]:
    return {field for each in (schema, *schema.get("$defs", {}).values()) for field in each["properties"]}


def test_the_examples_of_the_page_fit_its_schemas() -> None:
    page = DOCUMENTS["json.md"].read_text("utf-8")
    examples = re.findall(r"^```(?:json\n|text\n\$ flowgif (\w+)[^\n]*\n)(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert [command or "batch" for command, _ in examples] == [*ANSWERS]
    for command, text in examples:
        name = command or "batch"
        ANSWERS[name].model_validate_json(text)
        assert _is_published(name, json.loads(text))
        assert _named(json.loads(text)) == _fields(make_json.schema_of(name)), "an example shows every field"


def _named(value: Any) -> set[str]:
    """The names of the fields of a value and of the objects in it."""
    if isinstance(value, dict):
        return {*value, *(name for each in value.values() for name in _named(each))}
    return {name for each in value for name in _named(each)} if isinstance(value, list) else set()
