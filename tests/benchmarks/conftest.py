"""Lets the tests import the modules of the benchmark."""

from __future__ import annotations

import sys

from conftest import ROOT

sys.path.append(str(ROOT / "benchmarks"))
