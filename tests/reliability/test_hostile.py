"""What strangers may have made comes to what docs/reliability.md says."""

from __future__ import annotations

import sys

import pytest
from hostile import BEGIN, DOCUMENT, END, make_table


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="the table is that of a POSIX system")
def test_the_documented_outcomes_are_those_of_the_commands() -> None:
    documented = DOCUMENT.read_text(encoding="utf-8").split(BEGIN)[1].split(END)[0].strip()
    assert make_table().splitlines() == documented.splitlines()
    assert not [row for row in documented.splitlines() if "Traceback" in row]
