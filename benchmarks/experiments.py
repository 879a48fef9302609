"""Runs every config to its end: ``make experiments`` (about half an hour, twenty minutes of it FFJORD's own settings).

It prints the table of docs/experiments.md and makes the pictures there anew, by the commands that stand there. The runs
stay in runs/, each with its plots.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

from figures import ROOT, machine, run

# This experiment also shows one of its plots, as the book does.
STILLS = {"realnvp-moons-book": "before-after.png"}


def main() -> None:
    print(f"machine: {machine()}\n\n| config | steps | seconds | gap, nats |\n|---|---|---|---|", flush=True)
    wanted = sys.argv[1:] or sorted(path.stem for path in (ROOT / "configs").glob("*.toml"))
    os.chdir(ROOT)
    for name in wanted:
        trained = json.loads(run("train", "--config", f"configs/{name}.toml", "--force", "--json").out)
        folder = Path(trained["run"])
        report = json.loads(run("eval", folder, "--json", "--plots", folder / "plots").out)
        print(
            f"| `{name}` | {trained['steps']} | {trained['seconds']:.0f} | "
            f"{report['gap']:.4f} (se {report['gap_se']:.4f}) |",
            flush=True,
        )
        run("animate", folder, "-o", f"docs/gallery/{name}.gif", "--size", 320, "--caption")
        if name in STILLS:
            shutil.copy(folder / "plots" / STILLS[name], f"docs/gallery/{name}.png")


if __name__ == "__main__":
    main()
