"""The keyword arguments of Python are the settings and the options of the command line, all of them and no others."""

from __future__ import annotations

from keyword import iskeyword

import pytest
import typer
from typer.main import get_command

from flowgif.cli.animate import NOT_DRAWN
from flowgif.cli.main import app
from flowgif.cli.options import values_by_option
from flowgif.config.fields import fields_by_key
from flowgif.config.reading import group_keywords, group_options
from flowgif.config.recipes import MODELS
from flowgif.config.schema import TargetConfig, TrainingConfig
from flowgif.errors import UnusableInput
from flowgif.keywords import DrawingKeywords, TrainingKeywords


def _context(command: str) -> typer.Context:
    found = get_command(app).commands[command]  # type: ignore[attr-defined]
    return found.make_context(command, [])


def test_animations_take_the_options_of_the_command_in_its_order() -> None:
    parameters = [parameter.name for parameter in _context("animate").command.params]
    drawn = [name for name in parameters if name not in NOT_DRAWN | {"times", "help"}]
    assert list(DrawingKeywords.__annotations__) == drawn


def test_trainings_take_every_setting() -> None:
    tables = [TargetConfig, *(kind.config for kind in MODELS.values()), TrainingConfig]
    keys = [key for table in tables for key in fields_by_key(table)]
    settings = {"model" if key == "name" else f"{key}_" if iskeyword(key) else key for key in keys}
    assert set(TrainingKeywords.__annotations__) == settings


def test_an_option_and_its_keyword_set_the_same() -> None:
    options = dict.fromkeys(values_by_option(_context("train")), 1)
    by_option = group_options(options)
    names = {option.removeprefix("--").replace("-", "_") for option in options}
    keywords = {f"{name}_" if iskeyword(name) else name for name in names}
    by_keyword = group_keywords({name: 1 for name in TrainingKeywords.__annotations__ if name in keywords})
    assert by_keyword == by_option
    assert {"img", "steps", "from"} <= {key for table in by_keyword.values() for key in table}


@pytest.mark.parametrize(
    ("keyword", "remedy"),
    [("stesp", "did you mean 'steps'"), ("batchsize", "did you mean 'batch_size'"), ("from", "did you mean 'from_'")],
)
def test_a_wrong_keyword_is_refused_with_the_nearest(keyword: str, remedy: str) -> None:
    with pytest.raises(UnusableInput, match=f"no setting '{keyword}'; {remedy}"):
        group_keywords({keyword: 1})


def test_none_means_not_given() -> None:
    assert group_keywords({"steps": None, "model": "glow"}) == {"training": {"steps": None}, "model": {"name": "glow"}}
