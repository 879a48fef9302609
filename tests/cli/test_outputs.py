"""What ``flowgif animate`` writes beside one file: a file for each theme, stdout, and HTML that shows a file."""

from __future__ import annotations

import io
import json
import shutil
import sys
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pytest
from conftest import Finished
from PIL import Image

from flowgif.cli.main import main
from flowgif.drawing.trajectories import Trajectories

FEW = ("--frames", 4, "--size", 96, "--points", 300)


@pytest.fixture
def place(workplace: Path, tmp_path: Path) -> Path:
    """A folder with a picture's run."""
    shutil.copytree(workplace / "runs" / "cat", tmp_path / "runs" / "cat")
    return tmp_path


def _last_frame(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        image.seek(getattr(image, "n_frames", 1) - 1)
        return np.asarray(image.convert("RGB"))


# A file for each theme.


def test_auto_writes_a_light_and_a_dark_file_of_one_integration(
    place: Path, run_here: Callable[..., Finished], monkeypatch: pytest.MonkeyPatch
) -> None:
    integrations = []
    record = Trajectories.record.__func__  # type: ignore[attr-defined]
    monkeypatch.setattr(
        Trajectories, "record", classmethod(lambda cls, *args: integrations.append(1) or record(cls, *args))
    )
    outs = ("-o", "a.gif", "-o", "frames", "-o", "n-%02d.png", "-o", "a.svg", "-o", "a.html", "--poster", "end.png")
    done = run_here("animate", "runs/cat", "--theme", "auto", *outs, *FEW, "--json", cwd=place)
    assert done.code == 0, done.err
    assert len(integrations) == 1
    pairs = [f"{name}-{theme}{suffix}" for name, suffix in (("a", ".gif"), ("frames", ""), ("n-%02d", ".png"))
             for theme in ("light", "dark")]  # fmt: skip
    files = [file["path"] for file in json.loads(done.out)["files"]]
    assert files == [*pairs, "a.svg", "a.html", "end-light.png", "end-dark.png"]
    for theme in ("light", "dark"):
        assert run_here("animate", "runs/cat", "--theme", theme, "-o", f"{theme}.gif", *FEW, cwd=place).code == 0
        expected = _last_frame(place / f"{theme}.gif")
        for same in (f"a-{theme}.gif", f"frames-{theme}/frame-0003.png", f"n-03-{theme}.png", f"end-{theme}.png"):
            np.testing.assert_array_equal(_last_frame(place / same), expected)
    assert not (place / "a.gif").exists()


def test_a_vector_file_follows_its_reader_unless_a_theme_is_asked_for(
    place: Path, run_here: Callable[..., Finished]
) -> None:
    for options, schemes in (((), 1), (("--theme", "auto"), 1), (("--theme", "dark"), 0), (("--fg", "red"), 0)):
        done = run_here("animate", "runs/cat", *options, "-o", "a.svg", "-o", "a.html", *FEW, cwd=place)
        assert done.code == 0, done.err
        svg, page = ((place / f"a.{suffix}").read_text("utf-8") for suffix in ("svg", "html"))
        assert svg.count("prefers-color-scheme") == schemes
        themes = json.loads(page.split('<script type="application/json">')[1].split("</script>")[0])
        assert (themes["light"] != themes["dark"]) == bool(schemes)
        if "dark" in options:
            assert themes["light"]["background"] == "#0d1117"
            assert "rect{fill:#0d1117}" in svg


def test_the_users_colours_are_those_of_both_files(place: Path, run_here: Callable[..., Finished]) -> None:
    done = run_here("animate", "runs/cat", "--theme", "auto", "--fg", "gold", "-o", "a.gif", *FEW, cwd=place)
    assert (done.code, done.out) == (0, "a-light.gif\na-dark.gif\n"), done.err
    for theme, ground in (("light", [255, 255, 255]), ("dark", [13, 17, 23])):
        colours = np.unique(_last_frame(place / f"a-{theme}.gif").reshape(-1, 3), axis=0).tolist()
        assert ground in colours
        assert [255, 215, 0] in colours


# stdout.


def _run_into(stdout: io.TextIOWrapper, place: Path, monkeypatch: pytest.MonkeyPatch, *args: object) -> int:
    monkeypatch.chdir(place)
    monkeypatch.setattr(sys, "argv", ["flowgif", "animate", "runs/cat", *map(str, args)])
    monkeypatch.setattr(sys, "stdout", stdout)
    with pytest.raises(SystemExit) as end:
        main()
    return end.value.code if isinstance(end.value.code, int) else 0


@pytest.mark.parametrize(
    ("options", "suffix"), [((), "gif"), (("--format", "svg"), "svg"), (("--format", "html"), "html")]
)
def test_stdout_takes_the_file_and_nothing_else(
    place: Path,
    run_here: Callable[..., Finished],
    monkeypatch: pytest.MonkeyPatch,
    options: tuple[str, ...],
    suffix: str,
) -> None:
    assert run_here("animate", "runs/cat", "-o", f"cat.{suffix}", "-q", *FEW, cwd=place).code == 0
    stdout = io.TextIOWrapper(io.BytesIO(), "utf-8")
    before = sorted(place.rglob("*"))
    assert _run_into(stdout, place, monkeypatch, "-o", "-", *options, *FEW) == 0
    assert stdout.buffer.getvalue() == (place / f"cat.{suffix}").read_bytes()  # type: ignore[attr-defined]
    assert sorted(place.rglob("*")) == before


def test_beside_stdout_other_files_are_written(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stdout = io.TextIOWrapper(io.BytesIO(), "utf-8")
    others = ("-o", "b.webp", "--poster", "end.png")
    assert _run_into(stdout, place, monkeypatch, "-o", "-", *others, *FEW, "-q") == 0
    assert stdout.buffer.getvalue()[:6] == b"GIF89a"  # type: ignore[attr-defined]
    assert stdout.buffer.getvalue()[-1:] == b";"  # type: ignore[attr-defined]
    assert (place / "b.webp").exists()
    assert (place / "end.png").exists()


def test_a_terminal_is_not_written_to(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stdout = io.TextIOWrapper(io.BytesIO(), "utf-8")
    monkeypatch.setattr(stdout, "isatty", lambda: True, raising=False)
    assert _run_into(stdout, place, monkeypatch, "-o", "-", *FEW) == 2
    assert stdout.buffer.getvalue() == b""  # type: ignore[attr-defined]
    assert "stdout, which is a terminal here" in capsys.readouterr().err


def test_a_size_that_stdout_misses_is_said_of_stdout(place: Path, run_here: Callable[..., Finished]) -> None:
    done = run_here("animate", "runs/cat", "-o", "-", "--max-size", "99", *FEW, "-q", cwd=place)
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("flowgif: -: ")


# HTML.


class _Elements(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def _named(html: str) -> list[tuple[str | None, str]]:
    """The condition and the file of each source, then None and the file of the image."""
    (picture, _), *sources, (image, shown) = _Elements(html).found
    assert (picture, image) == ("picture", "img")
    assert {tag for tag, _ in sources} <= {"source"}
    return [
        *((each["media"], unquote(each["srcset"] or "")) for _, each in sources),
        (None, unquote(shown["src"] or "")),
    ]


DARK, STILL = "(prefers-color-scheme: dark)", "(prefers-reduced-motion: reduce)"


def test_a_snippet_shows_either_theme_and_a_still(place: Path, run_here: Callable[..., Finished]) -> None:
    done = run_here("animate", "runs/cat", "--snippet", *FEW, cwd=place)
    assert done.code == 0, done.err
    assert _named(done.out) == [
        (f"{STILL} and {DARK}", "runs/cat/cat-still-dark.png"),
        (STILL, "runs/cat/cat-still-light.png"),
        (DARK, "runs/cat/cat-dark.gif"),
        (None, "runs/cat/cat-light.gif"),
    ]
    for _, file in _named(done.out):
        assert (place / file).exists()
    assert 'width="96" height="96" alt="cat"' in done.out
    np.testing.assert_array_equal(
        _last_frame(place / "runs/cat/cat-still-dark.png"), _last_frame(place / "runs/cat/cat-dark.gif")
    )


def test_a_snippet_of_one_theme_or_of_an_svg_has_one_animation(place: Path, run_here: Callable[..., Finished]) -> None:
    options = ("--theme", "dark", "-o", "d.webp", "--poster", "end.png", "--max-size", "4KB", "--json")
    done = run_here("animate", "runs/cat", "--snippet", *options, *FEW, cwd=place)
    assert done.code == 0, done.err
    snippet = json.loads(done.out)["snippet"]
    assert _named(snippet) == [(STILL, "end.png"), (None, "d.webp")]
    with Image.open(place / "d.webp") as image:
        assert f'width="{image.width}" height="{image.height}"' in snippet
    done = run_here("animate", "runs/cat", "--snippet", "-o", "d.svg", *FEW, cwd=place)
    assert done.code == 0, done.err
    assert [file for _, file in _named(done.out)] == ["d-still-dark.png", "d-still-light.png", "d.svg"]


def test_names_in_a_snippet_are_escaped(place: Path, run_here: Callable[..., Finished]) -> None:
    odd = place / 'a "b" & <c>, 50% #1'
    shutil.copytree(place / "runs" / "cat", odd)
    (place / "below").mkdir()
    done = run_here("animate", odd, "--snippet", "--theme", "light", *FEW, cwd=place / "below")
    assert done.code == 0, done.err
    for _, file in _named(done.out):
        assert (place / "below" / file).resolve().parent == odd
        assert (place / "below" / file).exists()
    assert _Elements(done.out).found[-1][1]["alt"] == odd.name
    assert " " not in _Elements(done.out).found[-1][1]["src"]  # type: ignore[operator]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--format webp", "--format goes with -o - and --each; or name a file, as -o logo.webp"),
        ("-o a.gif --format gif", "--format goes with -o -"),
        ("-o - --format gfi", "unknown --format 'gfi'; did you mean 'gif'?"),
        ("-o - -o -", "-o - is given twice"),
        ("-o - --json", "--json would write there too"),
        ("-o - --theme auto", "--theme auto makes two GIF files"),
        ("-o - --snippet", "--snippet shows one file"),
        ("-o a.gif -o b.gif --snippet", "--snippet shows one file"),
        ("-o a.mp4 --snippet", "name a .gif, .png, .apng, .webp or .svg"),
        ("-o frames --snippet", "--snippet shows a picture"),
        ("--stills s.png --snippet", "leave out --snippet"),
        ("--stills s.png --theme auto", "give --theme light or --theme dark"),
        ("--theme atuo", "did you mean 'auto'?"),
        ("-o a.svg --preset slack", "--preset slack is for .gif"),
    ],
)
def test_what_cannot_be_written_is_refused(
    place: Path, run_here: Callable[..., Finished], options: str, message: str
) -> None:
    before = sorted(place.rglob("*"))
    done = run_here("animate", "runs/cat", *options.split(), cwd=place)
    assert (done.code, done.out) == (2, "")
    assert len(done.err.splitlines()) == 1, done.err
    assert message in done.err
    assert sorted(place.rglob("*")) == before


def test_more_points_than_an_svg_shows_are_told(place: Path, run_here: Callable[..., Finished]) -> None:
    options = ("-o", "a.svg", "--frames", 3, "--points", 2000)
    done = run_here("animate", "runs/cat", *options, cwd=place)
    assert done.code == 0
    assert "a.svg: 2000 -> 1500 particles" in done.err
