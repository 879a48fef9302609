"""Runs code in forks of this process, in which everything is imported already: that takes a tenth of the time."""

from __future__ import annotations

import importlib
import json
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any


def in_child(work: Callable[[], Any]) -> tuple[int, Any]:
    """Returns how a forked process ended, and what ``work`` returned in it."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.close(reading)
        code = 70
        with suppress(BaseException):
            answer = json.dumps(work()).encode()
            os.write(writing, answer)
            code = 0
        os._exit(code)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        answer = pipe.read()
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status), json.loads(answer) if answer else None


def import_what_is_used(work: Callable[[], object]) -> None:
    """Imports everything that ``work`` imports, which runs in a fork."""

    def rehearse() -> list[str]:
        work()
        return sorted(sys.modules)

    for name in in_child(rehearse)[1] or []:
        if not name.startswith("__"):
            with suppress(ImportError):
                importlib.import_module(name)
