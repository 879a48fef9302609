"""Makes every kind of output once and prints a hash of each: ``python tests/same_bytes.py > tests/same_bytes.json``.

Tests compare the hashes, so a change of the code that should change no output can show that it does not. A change
that should is recorded by running this again. Processors differ in how they round; so this runs on the instructions
that all of them have (AVX2), on one thread.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
PLAIN_ARITHMETIC = {
    "ATEN_CPU_CAPABILITY": "avx2",
    "MKL_CBWR": "AVX2",
    "MKL_ENABLE_INSTRUCTIONS": "AVX2",
    "MKL_NUM_THREADS": "1",
    "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL AVX512_SPR",
    "OMP_NUM_THREADS": "1",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "OPENBLAS_CORETYPE": "Haswell",
    "OPENBLAS_NUM_THREADS": "1",
}
PAPER = """
[target]
data = "moons"

[model]
name = "ffjord"
network = "concatsquash"
width = 16
depth = 2
divergence = "hutchinson"

[training]
objective = "likelihood"
steps = 2
batch_size = 64
"""

TINY = ("--max-side", 40, "--batch-size", 64, "--steps", 12)
TRAININGS = {
    "ffjord": ("--img", ROOT / "imgs" / "cat.png", *TINY),
    "color": ("--img", ROOT / "imgs" / "balloon.png", *TINY),
    "likelihood": ("--data", "circles", "--objective", "likelihood", "--steps", 2, "--batch-size", 64),
    "paper": ("--config", "paper.toml"),
    "continued": ("--from", "runs/likelihood", "--steps", 2, "--batch-size", 64),
    "realnvp": ("--data", "moons", "--model", "realnvp", "--steps", 12, "--batch-size", 64, "--l2", 1e-4),
    "glow": ("--data", "pinwheel", "--model", "glow", "--samples", 300, "--epochs", 2, "--batch-size", 64),
    "spline": ("--img", ROOT / "imgs" / "banner.png", "--model", "spline", *TINY),
}
MODELS = ("ffjord", "paper", "realnvp", "glow", "spline")
STYLES = ("points", "density", "trails", "field", "panels")
SHORT = ("--frames", 5, "--size", 160)

ANIMATIONS: dict[str, tuple[object, ...]] = {
    f"{model}-{style}": (
        f"runs/{model}", "--style", style, *SHORT,
        *(() if model in ("paper", "glow") else ("-o", f"{model}-{style}.webp", "-o", f"{model}-{style}.html")),
        "-o", f"{model}-{style}.gif", "-o", f"{model}-{style}.png",
    )
    for model in MODELS
    for style in STYLES
} | {
    "frames": ("runs/ffjord", *SHORT, "-o", "frames", "--poster", "poster.png", "--caption"),
    "captions": (
        "runs/spline", "--size", 160, "--frames-per-layer", 2, "--caption", "-o", "caption.gif", "-o", "caption.html",
    ),
    "source": ("runs/color", *SHORT, "--color", "source", "-o", "source.gif", "-o", "source.html"),
    "source-trails": ("runs/color", *SHORT, "--color", "source", "--style", "trails", "-o", "source-trails.gif"),
    "dark": ("runs/ffjord", *SHORT, "--theme", "dark", "--style", "density", "-o", "dark.gif", "-o", "dark.webp"),
    "clear": (
        "runs/ffjord", *SHORT, "--transparent", "--fg", "navy",
        "-o", "clear.gif", "-o", "clear.apng", "-o", "clear.webp",
    ),
    "time": (
        "runs/ffjord", "--duration", 0.4, "--fps", 12.5, "--size", 120, "--easing", "out", "--bounce",
        "--hold", "0.3,0.8", "--loops", 3, "--first-frame", "logo", "--points", 500, "--seed", 3,
        "-o", "time.gif", "-o", "time.html",
    ),
    "morph": (
        "runs/ffjord", "runs/color", "runs/realnvp", *SHORT, "--loop-back", "-o", "morph.gif", "-o", "morph.html",
    ),
    "fit": ("runs/ffjord", "--frames", 24, "--size", 200, "--max-size", "20KB", "-o", "fit.gif", "-o", "fit.webp"),
    "readme": ("runs/ffjord", "--frames", 6, "--preset", "readme", "-o", "readme.gif"),
    "slack": ("runs/spline", "--frames", 60, "--preset", "slack", "-o", "slack.gif", "-o", "slack.png"),
    "discord": ("runs/ffjord", "--frames", 6, "--preset", "discord", "--style", "density", "-o", "discord.webp"),
    "square": ("runs/ffjord", "--frames", 4, "--preset", "square", "--style", "panels", "-o", "square.gif"),
} | {
    f"stills-{style}": ("runs/ffjord", "--style", style, "--size", 160, "--stills", f"stills-{style}.png")
    for style in STYLES
} | {
    "stills-layers": (
        "runs/spline", "--times", "layers", "--size", 100, "--caption", "--stills", "stills-layers.png",
    )
}  # fmt: skip


def make_all() -> None:
    """Writes every output into the current folder."""
    from flowgif.cli.main import main

    def flowgif(*words: object) -> None:
        sys.argv = ["flowgif", *map(str, words)]
        try:
            main()
        except SystemExit as end:
            if end.code:
                raise SystemExit(f"{' '.join(sys.argv)} exited with {end.code}") from None

    Path("paper.toml").write_text(PAPER)
    for name, words in TRAININGS.items():
        flowgif("train", *words, "--out", f"runs/{name}", "--quiet")
    for words in ANIMATIONS.values():
        flowgif("animate", *words, "--quiet")
    for name in ("ffjord", "spline"):
        flowgif("eval", f"runs/{name}", "--save-samples", 100, f"{name}.csv", "--quiet")


def hash_of(path: Path) -> str:
    content = path.read_bytes()
    if path.suffix == ".html":
        # The data of a page; its script is tested in a browser.
        content = content.split(b'type="application/json">')[1].split(b"</script>")[0]
    return hashlib.sha256(content).hexdigest()[:16]


def hashes() -> dict[str, str]:
    """Of every output, made in a process of its own."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        command = [sys.executable, "-c", "import same_bytes; same_bytes.make_all()"]
        paths = os.pathsep.join((str(ROOT / "tests"), os.environ.get("PYTHONPATH", "")))
        subprocess.run(
            command,
            cwd=folder,
            check=True,
            stdout=subprocess.DEVNULL,
            env=os.environ | PLAIN_ARITHMETIC | {"PYTHONPATH": paths},
        )
        kept = (".gif", ".png", ".apng", ".webp", ".html", ".csv", ".safetensors")
        files = sorted(path for path in folder.rglob("*") if path.suffix in kept and path.name != "resume.safetensors")
        return {str(path.relative_to(folder)): hash_of(path) for path in files}


if __name__ == "__main__":
    print(json.dumps(hashes(), indent=0))
