"""No output changes unless it is meant to; ``same_bytes.py`` says how its hashes are made and renewed."""

from __future__ import annotations

import json
import platform
import sys

import pytest
from conftest import ROOT
from same_bytes import hashes


@pytest.mark.slow
@pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() != "x86_64", reason="other libraries round in other ways"
)
def test_every_output_is_the_same_as_before() -> None:
    before = json.loads((ROOT / "tests" / "same_bytes.json").read_text("utf-8"))
    assert hashes() == before
