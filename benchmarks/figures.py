"""Prints the figures of docs/figures.md for whole commands: ``make bench`` (about eight minutes on two cores).

Each command is the installed ``flowgif`` in a process of its own, so that start-up counts. Nothing here is a test.
"""

from __future__ import annotations

import json
import os
import platform
import sys
import tempfile
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).parent.parent
FLOWGIF = Path(sys.executable).with_name("flowgif")
PICTURES = ("cat", "balloon", "gears", "wordmark", "banner", "bicycle")


@dataclass(frozen=True)
class Timed:
    """What a command cost: wall seconds, megabytes at the peak, and what it printed on stdout."""

    seconds: float
    megabytes: float
    out: str


def run(*args: object) -> Timed:
    """Runs a flowgif command and measures its wall time and peak memory, as the operating system counts them."""
    with tempfile.TemporaryFile("w+") as out:
        start = time.perf_counter()
        pid = os.posix_spawn(
            FLOWGIF,
            [str(FLOWGIF), *map(str, args), *(() if "--help" in args else ("--quiet",))],
            os.environ,
            file_actions=[(os.POSIX_SPAWN_DUP2, out.fileno(), 1)],
        )
        _, status, usage = os.wait4(pid, 0)
        seconds = time.perf_counter() - start
        if os.waitstatus_to_exitcode(status) != 0:
            raise SystemExit(f"flowgif {' '.join(map(str, args))} failed")
        out.seek(0)
        return Timed(seconds, usage.ru_maxrss / 1024, out.read())


def gap(folder: str) -> str:
    report = json.loads(run("eval", folder, "--json").out)
    return f"{report['gap']:.4f} (se {report['gap_se']:.4f})"


def machine() -> str:
    model = platform.processor()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [line.split(":")[1].strip() for line in info.read_text().splitlines() if line.startswith("model name")]
        model = names[0] if names else model
    return f"{model}, {os.cpu_count()} cores, Python {platform.python_version()}, torch {version('torch')}"


def main() -> None:
    print(f"machine: {machine()}\n", flush=True)
    with tempfile.TemporaryDirectory() as name:
        os.chdir(name)
        helps = sorted(run("--help").seconds for _ in range(5))
        print(f"flowgif --help                              {helps[2]:6.2f} s (median of 5)", flush=True)
        print("\ndefaults: train, then animate (60 frames, 480 px), then eval; wall seconds, gap in nats")
        for picture in PICTURES:
            trained = run("train", "--img", ROOT / "imgs" / f"{picture}.png")
            folder = trained.out.strip()
            gif = run("animate", folder)
            density = run("animate", folder, "--style", "density", "-o", "density.gif")
            evaluated = run("eval", folder, "--json")
            report = json.loads(evaluated.out)
            print(
                f"{picture:<10} train {trained.seconds:5.1f} s  gap {report['gap']:.4f} (se {report['gap_se']:.4f})  "
                f"animate {gif.seconds:4.1f} s, {Path(gif.out.strip()).stat().st_size / 1e6:.2f} MB  "
                f"density {density.seconds:4.1f} s, {Path('density.gif').stat().st_size / 1e6:.2f} MB  "
                f"eval {evaluated.seconds:4.1f} s  inversion {report['inversion_error']:.0e}",
                flush=True,
            )
        print("\nlikelihood from scratch on the cat, by an accurate evaluation")
        for budget in ("30s", "90s"):
            run(
                "train", "--img", ROOT / "imgs" / "cat.png", "--objective", "likelihood", "--time-budget", budget,
                "--out", budget,
            )  # fmt: skip
            print(f"{budget:<10} gap {gap(budget)}", flush=True)
        big = Path("big.png")
        with Image.open(ROOT / "imgs" / "cat.png") as image:
            image.resize((4000, 4000)).save(big)
        trained = run("train", "--img", big, "--steps", 200)
        print(f"\n4000x4000 picture: training peaks at {trained.megabytes:.0f} MB", flush=True)


if __name__ == "__main__":
    main()
