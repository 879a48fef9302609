"""What a command says never ends its work, and its answer arrives as it is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import CAT, FLOWGIF

posix = pytest.mark.skipif(sys.platform == "win32", reason="these are the streams of a POSIX shell")
SMALL = ("--model", "spline", "--steps", "3", "--batch-size", "16")
TRAIN = ("train", "--data", "moons", *SMALL)


def _shell(line: str, cwd: Path, **env: str) -> subprocess.CompletedProcess[bytes]:
    line = line.replace("flowgif", str(FLOWGIF))
    return subprocess.run(["bash", "-c", line], cwd=cwd, capture_output=True, check=False, env={**os.environ, **env})


@posix
@pytest.mark.slow
@pytest.mark.parametrize("stream", ["2>&-", "2>/dev/full", "2> >(true)"])
def test_work_is_done_without_anyone_to_tell(stream: str, tmp_path: Path) -> None:
    done = _shell(f"flowgif {' '.join(TRAIN)} --out run {stream}", tmp_path)
    assert (done.returncode, done.stdout) == (0, b"run\n")
    done = _shell(f"flowgif animate nowhere {stream}", tmp_path)
    assert (done.returncode, done.stdout) == (2, b"")


@posix
@pytest.mark.slow
def test_nothing_is_written_into_a_file_that_takes_a_closed_streams_number(tmp_path: Path, moons: Path) -> None:
    for closed in ("2>&-", "0<&- 2>&-", "0<&- 1>&- 2>&-"):
        done = _shell(f"flowgif animate {moons} --frames 3 --size 64 -o x.gif {closed}", tmp_path)
        assert done.returncode == 0
        assert (tmp_path / "x.gif").read_bytes().startswith(b"GIF89a")


@posix
@pytest.mark.slow
def test_a_reader_that_left_is_no_missed_bound(moons: Path, tmp_path: Path) -> None:
    for words in ("--version", f"eval {moons} --quiet", f"eval {moons} --quiet --json", "--help"):
        done = _shell(f"flowgif {words} | true; exit ${{PIPESTATUS[0]}}", tmp_path)
        assert done.returncode in {0, 141}, words  # 0 if it wrote before the reader left
        done = _shell(f"(sleep 0.2; flowgif {words}; echo $? >code) | true", tmp_path)
        assert (tmp_path / "code").read_text() == "141\n", words
        assert done.stderr == b"", words


@posix
def test_a_full_stdout_is_told(moons: Path, tmp_path: Path) -> None:
    done = _shell(f"flowgif animate {moons} --frames 3 --size 64 -o x.gif --quiet >/dev/full", tmp_path)
    assert done.returncode == 2
    assert b"No space left on device" in done.stderr
    assert (tmp_path / "x.gif").exists()


# A name that is no valid Unicode, one that the encoding has not, and one that a terminal or rich would obey.
NAMES = [
    (b"caf\xe9", "utf-8"),
    ("日本".encode(), "cp1252"),
    (b":fire:[bold]\x1b[31m" + "\u202egnp".encode(), "ascii"),
]


@posix
@pytest.mark.slow
@pytest.mark.parametrize(("name", "encoding"), NAMES, ids=[encoding for _, encoding in NAMES])
def test_any_name_is_used_and_answered(name: bytes, encoding: str, tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(name + b".png")).write_bytes(CAT.read_bytes())
    env = {**os.environ, "PYTHONIOENCODING": encoding}

    def run(*words: str | bytes) -> bytes:
        done = subprocess.run([FLOWGIF, *words], cwd=tmp_path, capture_output=True, check=False, env=env)
        assert done.returncode == 0, done.stderr
        assert b"\x1b" not in done.stderr
        return done.stdout

    out = run("train", "--img", name + b".png", *SMALL, "--max-side", "32")
    if encoding == "utf-8":
        assert out == b"runs/" + name + b"\n"
    outs = [name + suffix for suffix in (b".gif", b".html", b".svg")]
    run("animate", b"runs/" + name, "--frames", "3", "--size", "64", *(word for out in outs for word in ("-o", out)))
    assert all((tmp_path / os.fsdecode(out)).stat().st_size > 100 for out in outs)
    assert os.fsencode(json.loads(run("eval", b"runs/" + name, "--json"))["target"]) == name + b".png"
    assert b"\x1b" not in run("eval", b"runs/" + name)
    run("train", "--from", b"runs/" + name, *SMALL[2:], "--out", "next")
    run("train", "--resume", "--out", "next", "--steps", "4")
