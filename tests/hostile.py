"""Gives commands what strangers may have made, and writes what comes of it into docs/reliability.md.

``python tests/hostile.py`` makes the table anew; a slow test compares it.
"""

from __future__ import annotations

import gzip
import io
import os
import re
import shutil
import signal
import struct
import sys
import tempfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from forks import import_what_is_used, in_child
from PIL import Image
from safetensors.torch import load_file, save_file

from flowgif.cli.main import main as run_command

ROOT = Path(__file__).parent.parent
DOCUMENT = ROOT / "docs" / "reliability.md"
BEGIN, END = "<!-- hostile: python tests/hostile.py -->", "<!-- /hostile -->"
SVG = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 9 9">{}</svg>'
TINY = "--model spline --steps 3 --batch-size 16 --max-side 32"
REHEARSED = (  # commands that import what all cases import
    f"train --img cat.png {TINY} --out rehearsal",
    "eval rehearsal",
    "animate rehearsal --frames 3 --size 64 -o rehearsal/x.gif --poster rehearsal/x.png",
)
LONGEST = 150  # characters of a message that the table shows

Make = Callable[[Path], object]
Case = tuple[str, str, Make, str]  # kind, what it is, how it is made in a folder with a run, and the command


def _put(name: str, content: bytes | str) -> Make:
    data = content.encode() if isinstance(content, str) else content
    return lambda folder: (folder / name).write_bytes(data)


def _cat(**options: object) -> bytes:
    file = io.BytesIO()
    with Image.open(ROOT / "imgs" / "cat.png") as image:
        image.resize((64, 64)).save(file, **options)  # pyright: ignore[reportArgumentType]
    return file.getvalue()


def _giant(width: int, height: int) -> bytes:
    """A PNG that says that it is large."""
    data = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    head = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13)
    return head + data + struct.pack(">I", zlib.crc32(data)) + _cat(format="PNG")[33:]


def _laughs() -> str:
    entities = "".join(f'<!ENTITY e{i} "{f"&e{i - 1};" * 10}">' for i in range(1, 12))
    return f'<!DOCTYPE svg [<!ENTITY e0 "ha">{entities}]>' + SVG.format("<text>&e11;</text>")


def _pictures() -> Iterator[tuple[str, Make]]:
    yield "an empty file", _put("x.png", b"")
    yield "a text called .png", _put("x.png", "no picture")
    yield "half a PNG", _put("x.png", _cat(format="PNG")[:300])
    yield "a PNG of 60 000 x 60 000 pixels", _put("x.png", _giant(60_000, 60_000))
    yield "a PNG of 9 000 x 9 000 pixels", _put("x.png", _giant(9_000, 9_000))
    yield (
        "an EPS file, which is a program",
        _put("x.png", "%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n"),
    )
    yield "a PDF file", _put("x.png", "%PDF-1.4\n1 0 obj\n<<>>\nendobj\n")
    yield "a folder", lambda folder: (folder / "x.png").mkdir()
    yield "a link to itself", lambda folder: (folder / "x.png").symlink_to(folder / "x.png")
    yield "/dev/zero", lambda folder: (folder / "x.png").symlink_to("/dev/zero")
    yield "an SVG with a picture of another file", _put("x.png", SVG.format('<image xlink:href="/etc/passwd"/>'))
    yield (
        "an SVG with a style sheet of the web",
        _put("x.png", SVG.format("<style>@import url(http://x.org/a.css)</style>")),
    )
    yield "an SVG of entities within entities", _put("x.png", _laughs())
    yield "an SVG of 100 000 groups within groups", _put("x.png", SVG.format("<g>" * 100_000 + "</g>" * 100_000))
    yield (
        "an SVG with a pattern of terabytes",
        _put(
            "x.png",
            SVG.format(
                '<defs><pattern id="p" width="9e9" height="9e9" patternUnits="userSpaceOnUse">'
                '<rect width="9" height="9"/>'
                '</pattern></defs><rect width="9" height="9" fill="url(#p)"/>'
            ),
        ),
    )
    yield "an SVG that unpacks to 100 MB", _put("x.png", gzip.compress(SVG.format(f"<!--{'x' * 10**8}-->").encode(), 1))
    yield (
        "a picture with an EXIF orientation that is a text",
        _put("x.png", _cat(format="JPEG", exif=b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x02\0\0\0\x04odd\0\0\0\0\0")),
    )


def _configs() -> Iterator[tuple[str, Make]]:
    target = '[target]\ndata = "moons"\n'
    yield "a million brackets", _put("c.toml", f"a = {'[' * 10**6}")
    yield "a number of 5000 digits", _put("c.toml", f"[training]\nsteps = {'9' * 5000}")
    yield "two megabytes", _put("c.toml", target + "#" * 2**21)
    yield "bytes that are no text", _put("c.toml", bytes(range(256)))
    yield "200 layers of width 4096", _put("c.toml", f'{target}[model]\nname = "realnvp"\nlayers = 200\nwidth = 4096')
    yield (
        "a grid without end",
        _put("c.toml", f"{target}[model]\nbox = [-4.0, -4.0, 4.0, 4.0]\nfinest = 1e-9\nnodes = 4"),
    )
    yield "nan as a number", _put("c.toml", f"{target}noise = nan")
    yield "control characters in a name", _put("c.toml", target.replace("moons", r"\u001b[31mred\u0007"))


def _link(name: str, to: str) -> Make:
    def make(folder: Path) -> None:
        (folder / "run" / name).unlink()
        (folder / "run" / name).symlink_to(to)

    return make


def _pipe(name: str) -> Make:
    def make(folder: Path) -> None:
        (folder / "run" / name).unlink()
        os.mkfifo(folder / "run" / name)

    return make


def _tensors(name: str, change: Callable[[dict[str, torch.Tensor]], object]) -> Make:
    def make(folder: Path) -> None:
        path = folder / "run" / name
        tensors = load_file(path)
        change(tensors)
        save_file(tensors, path)

    return make


def _first(tensors: dict[str, torch.Tensor], value: float) -> None:
    name = next(name for name, tensor in tensors.items() if tensor.is_floating_point())
    tensors[name] = torch.full_like(tensors[name], value)


def _text(name: str, before: str, after: str) -> Make:
    def make(folder: Path) -> None:
        path = folder / "run" / name
        path.write_text(path.read_text().replace(before, after))

    return make


def _runs() -> Iterator[tuple[str, Make, str]]:
    evaluate, resume = "eval run", "train --resume --out run --steps 5"
    yield "weights that are a link", _link("weights.safetensors", "/etc/hostname"), evaluate
    yield "weights that are /dev/zero", _link("weights.safetensors", "/dev/zero"), evaluate
    yield "weights that are not finite", _tensors("weights.safetensors", lambda t: _first(t, float("nan"))), evaluate
    yield (
        "weights of another shape",
        _tensors("weights.safetensors", lambda t: t.update({next(iter(t)): torch.zeros(3, 3, 3)})),
        evaluate,
    )
    yield "weights with a tensor more", _tensors("weights.safetensors", lambda t: t.update(x=torch.zeros(1))), evaluate
    yield "weights of a gigabyte", lambda folder: os.truncate(folder / "run" / "weights.safetensors", 2**30), evaluate
    yield "weights that are a text", _put("run/weights.safetensors", "no tensors"), evaluate
    yield "a config that is a pipe", _pipe("config.toml"), evaluate
    yield "a config with another picture", _text("config.toml", '"picture.png"', '"/etc/passwd"'), evaluate
    yield "a picture that is a link", _link("picture.png", "/etc/passwd"), evaluate
    yield "a picture that is a text", _put("run/picture.png", "no picture"), evaluate
    yield "no provenance", lambda folder: (folder / "run" / "provenance.json").unlink(), evaluate
    yield "provenance of brackets", _put("run/provenance.json", "[" * 10**5), evaluate
    yield "metrics that are /dev/zero", _link("metrics.jsonl", "/dev/zero"), resume
    yield "metrics that are a text", _put("run/metrics.jsonl", "no metrics\n"), resume
    yield "a state that is a pipe", _pipe("resume.safetensors"), resume
    yield "a state of a step below 0", _tensors("resume.safetensors", lambda t: t.update(step=torch.tensor(-1))), resume
    yield (
        "a state of a step beyond the end",
        _tensors("resume.safetensors", lambda t: t.update(step=torch.tensor(2**60))),
        resume,
    )
    yield "a state that is not finite", _tensors("resume.safetensors", lambda t: _first(t, float("inf"))), resume
    yield "a state without its step", _tensors("resume.safetensors", lambda t: t.pop("step")), resume


def _outputs() -> Iterator[tuple[str, Make, str]]:
    draw = "animate run --frames 3 --size 64"

    def nothing(folder: Path) -> None:
        pass

    yield "the picture that was given", nothing, f"{draw} -o cat.png"
    yield "a file of the run", nothing, f"{draw} --poster run/picture.png"
    yield "a folder that is not there", nothing, f"{draw} -o none/x.gif"
    yield "a full device", lambda folder: (folder / "full.png").symlink_to("/dev/full"), f"{draw} --poster full.png"
    yield "10^12 positions", nothing, "animate run --frames 5000 --points 1000000"
    yield "-o ...gif", nothing, f"{draw} -o ...gif"


def cases() -> Iterator[Case]:
    for what, make in _pictures():
        yield "picture", what, make, f"train --img x.png {TINY} --out new"
    for what, make in _configs():
        yield "config", what, make, "train --config c.toml --steps 3 --batch-size 16 --out new"
    for what, make, words in _runs():
        yield "run", what, make, words
    for what, make, words in _outputs():
        yield "output", what, make, words


def _work(words: str, folder: Path) -> Callable[[], tuple[int, str]]:
    """Returns a function that runs a command in a folder, and returns its exit code and its last line on stderr."""

    def work() -> tuple[int, str]:
        signal.alarm(120)  # seconds
        os.chdir(folder)
        sys.argv = ["flowgif", *words.split(), "--quiet"]
        sys.stdout, sys.stderr = io.StringIO(), io.StringIO()
        try:
            run_command()
        except SystemExit as end:
            return int(end.code or 0), (sys.stderr.getvalue().splitlines() or [""])[-1]
        except BaseException as error:
            return 1, f"Traceback: {error!r}"
        return 0, ""

    return work


def run_case(words: str, folder: Path) -> tuple[int, str]:
    """Runs a command in a folder, in a fork; returns its exit code and its last line on stderr."""
    ended, found = in_child(_work(words, folder))
    return (found[0], found[1]) if found else (ended, "")


def make_table() -> str:
    """Returns the table."""
    lines = ["| | what | exit code | what is said |", "|---|---|---|---|"]
    with tempfile.TemporaryDirectory() as name:
        base = Path(name) / "base"
        base.mkdir()
        (base / "cat.png").write_bytes(_cat(format="PNG"))
        import_what_is_used(lambda: [_work(words, base)() for words in REHEARSED])
        shutil.rmtree(base / "rehearsal")
        assert run_case(f"train --img cat.png {TINY} --out run", base)[0] == 0
        for kind, what, make, words in cases():
            folder = Path(name) / "case"
            shutil.rmtree(folder, ignore_errors=True)
            shutil.copytree(base, folder)
            make(folder)
            code, said = run_case(words, folder)
            lines.append(f"| {kind} | {what} | {code} | {_shown(said, folder) if code else ''} |")
    return "\n".join(lines)


def _shown(said: str, folder: Path) -> str:
    """Returns a message as the table shows it."""
    text = said.removeprefix("flowgif: ").replace(f"{folder}/", "").replace(str(folder), "FOLDER").replace("|", "\\|")
    text = re.sub(r"(\S)\1{20,}", r"\1...", text)
    return text if len(text) <= LONGEST else f"{text[:LONGEST].rsplit(' ', 1)[0]} ..."


if __name__ == "__main__":
    table = make_table()
    if "--print" in sys.argv:
        print(table)
    else:
        text = DOCUMENT.read_text(encoding="utf-8")
        head, rest = text.split(BEGIN)
        DOCUMENT.write_text(f"{head}{BEGIN}\n{table}\n{END}{rest.split(END)[1]}", encoding="utf-8")
