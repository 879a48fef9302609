"""What CI installs are the versions of constraints.txt, each with the hashes of its files."""

from __future__ import annotations

import itertools
import re

from conftest import ROOT

PEERS = {"normflows", "pot", "torchcfm"}  # of the benchmark, which CI does without
PIN = re.compile(r"^[\w.-]+==[\w.]+", re.MULTILINE)


def test_hashes_are_of_the_versions_that_were_tested() -> None:
    pins = {pin[0] for pin in PIN.finditer((ROOT / "constraints.txt").read_text("utf-8"))}
    blocks = (ROOT / ".ci" / "hashes.txt").read_text("utf-8").split("\n")
    hashed = [pin[0] for pin in PIN.finditer("\n".join(blocks))]
    assert set(hashed) == {pin for pin in pins if pin.partition("==")[0] not in PEERS}
    for line, after in itertools.pairwise(blocks):
        if PIN.match(line):
            assert re.fullmatch(r" +--hash=sha256:[0-9a-f]{64}( \\)?", after), line
