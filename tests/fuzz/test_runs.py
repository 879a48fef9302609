"""Whatever is done to the files of a run, commands give a result or one line."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from conftest import CAT
from mutations import mutated

import flowgif
from flowgif import session
from flowgif.config.reading import read_config
from flowgif.errors import FlowgifError
from flowgif.runs.layout import FILES, INITIAL

pytestmark = pytest.mark.slow
NUMBER = 30  # of damaged versions of each file


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fuzz") / "run"
    flags = {
        "target": {"img": CAT, "max_side": 32},
        "model": {"name": "ffjord", "network": "fourier", "features": 8, "width": 8, "depth": 1},
        "training": {"steps": 3, "batch_size": 16},
    }
    session.train(read_config(None, flags), folder)
    return folder


@pytest.mark.parametrize("name", FILES)
def test_a_damaged_file_of_a_run_is_one_line(name: str, run: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    shutil.copytree(run, folder)
    for data in mutated((run / name).read_bytes(), NUMBER):
        (folder / name).write_bytes(data)
        try:
            loaded = flowgif.load(folder)
            loaded.run.flow(INITIAL)
            assert all(isinstance(row["step"], int) for row in loaded.metrics)
            if name == "resume.safetensors":
                session.resume(folder)
                shutil.copyfile(run / "weights.safetensors", folder / "weights.safetensors")
        except FlowgifError as error:
            assert "Traceback" not in str(error)  # noqa: PT017 (it need not be raised)


def test_a_damaged_config_is_one_line(run: Path, tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    for data in mutated((run / "config.toml").read_bytes(), 2000):
        path.write_bytes(data)
        try:
            read_config(path, {})
        except FlowgifError as error:
            assert "\n" not in str(error).strip()  # noqa: PT017 (it need not be raised)
