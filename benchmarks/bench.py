"""Measures flowgif, part by part, and writes raw results: ``make bench``.

    python benchmarks/bench.py                      all parts but the experiments; report.py then makes the documents
    python benchmarks/bench.py --only commands      one part; may be repeated
    python benchmarks/bench.py --continue           goes on where a call was interrupted
    python benchmarks/bench.py --quick              every part with tiny sizes, to see that it runs

Every measured command is a process of its own, so that start-up counts.
"""

from __future__ import annotations

import argparse
import os
import shlex
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from common.machine import describe, find_arithmetics, short_name
from common.measure import Failed
from common.plan import Part, Plan, Row
from common.results import QUICK_FOLDER, RESULTS, Results
from parts.accelerator import accelerator
from parts.animation import animation
from parts.batch import batch
from parts.budget import budget
from parts.commands import commands
from parts.experiments import experiments
from parts.frames import frames
from parts.limits import limits
from parts.memory import memory
from parts.peers import peers
from parts.scaling import scaling
from parts.size import size
from parts.startup import startup
from parts.targets import targets
from parts.tuning import tuning

PARTS: dict[str, Part] = {
    "startup": startup,
    "commands": commands,
    "targets": targets,
    "budget": budget,
    "accelerator": accelerator,
    "memory": memory,
    "limits": limits,
    "batch": batch,
    "size": size,
    "frames": frames,
    "animation": animation,
    "scaling": scaling,
    "tuning": tuning,
    "peers": peers,
    "experiments": experiments,
}
# These make pictures of the documents and take half an hour, so they are measured only if they are named.
ONLY_BY_NAME = ("experiments",)
REPEATS = 5
SHOWN = {"seconds": "s", "gap": "nats"}  # figures of a command within a row, with their units


def _read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", choices=PARTS, metavar="PART", help=f"one of {', '.join(PARTS)}")
    parser.add_argument("--match", default="", help="only rows whose key holds this text, such as cat or zuko")
    parser.add_argument("--repeats", type=int, default=REPEATS, help=f"of each row (default: {REPEATS})")
    parser.add_argument("--continue", action="store_true", dest="go_on", help="keep the rows that were measured before")
    parser.add_argument("--quick", action="store_true", help="tiny sizes; the results go to build/ and mean nothing")
    parser.add_argument("--folder", type=Path, help="where the results go (default: benchmarks/results)")
    return parser.parse_args()


def _describe(measured: dict[str, Any]) -> str:
    """Returns the figures of a repeat in one line, those of its commands by their seconds and gaps."""
    shown: list[str] = []
    for key, value in measured.items():
        if isinstance(value, dict):
            shown += [f"{key} {value[name]:.4g} {unit}" for name, unit in SHOWN.items() if name in value]
        elif isinstance(value, str):
            shown.append(f"{key}: {value.strip().splitlines()[-1]}")
        else:
            shown.append(f"{key} {value:.4g}")
    return ", ".join(shown)


def _measure_row(row: Row, results: Results) -> None:
    title = " ".join(str(value) for value in row.key.values())
    for repeat in range(results.count(row.key), row.repeats):
        load = os.getloadavg()[0]
        start = time.perf_counter()
        try:
            measured = row.measure(repeat)
        except Failed as error:
            measured = {"failed": str(error)}
        results.add(row.key, {"load": round(load, 2), **measured})
        took = time.perf_counter() - start
        print(f"  {title} [{repeat + 1}/{row.repeats}] in {took:.1f} s: {_describe(measured)}", flush=True)


def _measure_part(name: str, options: argparse.Namespace, circumstances: dict[str, Any]) -> None:
    folder = options.folder or (QUICK_FOLDER if options.quick else RESULTS)
    results = Results(folder / f"{name}.json", name, circumstances, options.quick, options.go_on)
    for arithmetic in find_arithmetics():
        plan = Plan(arithmetic, 1 if options.quick else options.repeats, options.quick)
        for row in PARTS[name](plan):
            if options.match in " ".join(str(value) for value in row.key.values()):
                _measure_row(row, results)


def main() -> None:
    options = _read_options()
    if options.folder is not None:
        options.folder = options.folder.absolute()
    circumstances = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": shlex.join(["python", "benchmarks/bench.py", *sys.argv[1:]]),
        **describe(),
    }
    print(short_name(circumstances), flush=True)
    with tempfile.TemporaryDirectory() as workplace:
        before = Path.cwd()
        os.chdir(workplace)
        try:
            for name in options.only or [name for name in PARTS if name not in ONLY_BY_NAME]:
                print(name, flush=True)
                _measure_part(name, options, circumstances)
        finally:
            os.chdir(before)


if __name__ == "__main__":
    main()
