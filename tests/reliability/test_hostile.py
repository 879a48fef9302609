"""What strangers may have made comes to what docs/reliability.md says."""

from __future__ import annotations

import subprocess
import sys

import hostile
import pytest
from hostile import BEGIN, DOCUMENT, END


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="the table is that of a POSIX system")
def test_the_documented_outcomes_are_those_of_the_commands() -> None:
    documented = DOCUMENT.read_text(encoding="utf-8").split(BEGIN)[1].split(END)[0].strip()
    # In a process of its own, which has started no threads before it forks.
    done = subprocess.run(
        [sys.executable, hostile.__file__, "--print"], capture_output=True, text=True, check=True, timeout=600
    )
    assert done.stdout.splitlines() == documented.splitlines()
    assert not [row for row in documented.splitlines() if "Traceback" in row]
