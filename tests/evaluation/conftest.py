"""All plots of a run, drawn once for all tests here."""

from __future__ import annotations

from pathlib import Path

import pytest
from drawn_plots import DrawnPlots, draw_all

import flowgif
from flowgif.api import Loaded


@pytest.fixture(scope="session")
def of_cat(cat: Loaded, workplace: Path, tmp_path_factory: pytest.TempPathFactory) -> DrawnPlots:
    here = Loaded(flowgif.load(workplace / "runs" / "cat").run, cat.flow, cat.target)
    return draw_all(here, tmp_path_factory.mktemp("plots") / "new" / "cat")


@pytest.fixture(scope="session")
def of_moons(moons: Path, tmp_path_factory: pytest.TempPathFactory) -> DrawnPlots:
    return draw_all(flowgif.load(moons), tmp_path_factory.mktemp("plots") / "moons")


@pytest.fixture(params=["of_cat", "of_moons"])
def drawn(request: pytest.FixtureRequest) -> DrawnPlots:
    return request.getfixturevalue(request.param)
