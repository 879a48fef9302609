"""The one-way street, and what must stay cheap to import."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT

import flowgif


def test_modules_import_only_what_stands_before_them() -> None:
    command = [Path(sys.executable).with_name("lint-imports"), "--no-cache"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert "6 kept, 0 broken" in done.stdout


def test_importing_flowgif_or_its_encoder_brings_no_torch() -> None:
    # Fitting a film into a size needs all that encoding does; ffmpeg is asked for when there is a video to write.
    code = "import sys, flowgif, flowgif.formats.table; print({'torch', 'imageio'} & {*sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_the_lazy_names_are_there() -> None:
    assert all(callable(getattr(flowgif, name)) for name in flowgif.__all__ if name != "__version__")
    assert flowgif.__version__
    with pytest.raises(AttributeError, match="no attribute 'paint'"):
        flowgif.paint  # noqa: B018
