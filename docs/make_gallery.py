"""Makes the README's pictures anew: ``make gallery`` (about five minutes).

Each picture is made by the commands that stand beside it in the README.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
ROW = re.compile(r"^\| !\[[^]]*\]\((docs/gallery/[^)]+)\) \| (.+) \|$", re.MULTILINE)


def read_gallery(readme: str) -> dict[str, list[list[str]]]:
    """Returns the path of each picture with its commands, in order, as words."""
    return {
        path: [shlex.split(command) for command in re.findall(r"`(flowgif [^`]+)`", cell)]
        for path, cell in ROW.findall(readme)
    }


def main() -> None:
    done: list[list[str]] = []
    for path, commands in read_gallery((ROOT / "README.md").read_text("utf-8")).items():
        for command in commands:
            if command in done:
                continue
            done.append(command)
            print(shlex.join(command), flush=True)
            program = str(Path(sys.executable).with_name("flowgif"))
            # This replaces the runs of an earlier call.
            more = ["--force", "--quiet"] if command[1] == "train" else ["--quiet"]
            subprocess.run([program, *command[1:], *more], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        print(f"{path}: {(ROOT / path).stat().st_size / 1e6:.2f} MB", flush=True)


if __name__ == "__main__":
    main()
