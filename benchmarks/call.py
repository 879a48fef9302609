"""Calls one function in this process and prints its result as JSON: ``python call.py MODULE:NAME ARGUMENTS``.

The parts of the benchmark use it to measure Python code as a whole process.
"""

from __future__ import annotations

import importlib
import json
import sys


def main() -> None:
    module, _, name = sys.argv[1].partition(":")
    print(json.dumps(getattr(importlib.import_module(module), name)(**json.loads(sys.argv[2]))))


if __name__ == "__main__":
    main()
