"""The table of formats: its rows, what all of them keep, and rows from outside the package."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT, Finished
from films import FILMS, discs, film_of, ramp

from flowgif import names
from flowgif.errors import CheckFailed, UnusableInput
from flowgif.formats.film import Film
from flowgif.formats.presets import PRESETS, Limits, Preset, register_preset
from flowgif.formats.table import (
    FORMATS,
    SINGLE_FRAMES,
    Format,
    RasterFormat,
    VectorFormat,
    check_output,
    check_rate,
    check_still,
    check_transparency,
    find_format,
    register_format,
    write_output,
    write_still,
)
from flowgif.formats.vector.particles import ParticleFilm

FILM_SUFFIXES = [suffix for suffix, row in FORMATS.items() if row.made_of is Film]


@pytest.fixture
def usual() -> Iterator[Film]:
    with FILMS["usual"]() as film:
        yield film


@pytest.mark.parametrize("name", ["out.jpg", "out.giff", "out.gif.txt", ".gif"])
def test_an_unknown_suffix_lists_or_suggests(name: str, usual: Film, tmp_path: Path) -> None:
    for attempt in (lambda out: write_output(out, usual), check_output):
        with pytest.raises(UnusableInput, match=r"known: \.gif|did you mean") as caught:
            attempt(tmp_path / name)
        assert caught.value.exit_code == 2
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", FILM_SUFFIXES)
def test_a_failure_leaves_the_old_file_alone(
    suffix: str, usual: Film, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def frames(film: Film) -> Iterator[np.ndarray]:
        yield film.frame(0)
        yield film.frame(1)
        raise KeyboardInterrupt

    monkeypatch.setattr(Film, "frames", frames)
    out = tmp_path / f"out{suffix}"
    out.write_bytes(b"precious")
    with pytest.raises(KeyboardInterrupt):
        write_output(out, usual)
    assert out.read_bytes() == b"precious"
    assert [path.name for path in tmp_path.iterdir()] == [out.name]


def test_a_place_that_cannot_be_written_is_told(usual: Film, tmp_path: Path) -> None:
    for attempt in (lambda out: write_output(out, usual), check_output):
        for name in ("out.gif", "out", "frame-%d.png"):
            with pytest.raises(UnusableInput, match=r"cannot write"):
                attempt(tmp_path / "none" / name)


def test_suffixes_may_be_written_large(usual: Film, tmp_path: Path) -> None:
    write_output(tmp_path / "OUT.GIF", usual)
    assert (tmp_path / "OUT.GIF").read_bytes()[:6] == b"GIF89a"


_GROWTH = """
import resource, sys
from pathlib import Path
import numpy as np
from flowgif.formats.table import write_output
from flowgif.formats.film import Film

def write(number):
    rng = np.random.default_rng(0)
    frames = (rng.integers(0, 8, (200, 200), np.uint8) for _ in range(number))
    colours = np.repeat(np.linspace(0, 255, 8).astype(np.uint8)[:, None], 3, 1)
    with Film.record(frames, colours, [4] * number) as film:
        write_output(Path(sys.argv[1]), film)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

few = write(50)
print(write(500) - few)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss has another unit")
@pytest.mark.parametrize(
    "name",
    ["out.gif", *(pytest.param(f, marks=pytest.mark.slow) for f in ("out.png", "out.webp", "out.mp4", "frames"))],
)
def test_memory_does_not_grow_with_the_number_of_frames(name: str, tmp_path: Path) -> None:
    """450 frames more are 18 MB of indices, 7 MB when they are compressed; the file is as large."""
    done = subprocess.run(
        [sys.executable, "-c", _GROWTH, tmp_path / name], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert int(done.stdout) < 3000  # kilobytes


@pytest.mark.parametrize("suffix", FILM_SUFFIXES)
def test_the_same_film_gives_the_same_bytes(suffix: str, tmp_path: Path) -> None:
    written = []
    for name in ("a", "b"):
        with film_of(discs(4), ramp(6), comment="c") as film:
            for _ in range(2):
                write_output(tmp_path / f"{name}{suffix}", film)
                written.append((tmp_path / f"{name}{suffix}").read_bytes())
    assert len(set(written)) == 1


def test_the_table_and_its_names_are_the_same() -> None:
    assert list(FORMATS) == list(names.SUFFIXES)
    assert list(PRESETS) == list(names.PRESETS)
    assert all(suffix in row.suffixes for suffix, row in FORMATS.items())


@pytest.mark.parametrize("name", ["frames", "frame-%04d.png", "%d.PNG", "."])
def test_a_folder_and_a_pattern_are_for_single_frames(name: str) -> None:
    assert find_format(Path(name)) is SINGLE_FRAMES


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_format_refuses_what_it_is_not_made_of(suffix: str, usual: Film, tmp_path: Path) -> None:
    row = FORMATS[suffix]
    with pytest.raises(TypeError, match=row.name):
        write_output(tmp_path / f"out{suffix}", usual if row.made_of is ParticleFilm else _particles())
    assert list(tmp_path.iterdir()) == []


# Limits.


@pytest.mark.parametrize("name", ["a.html", "a.mp4", "a.webm"])
def test_a_format_that_cannot_be_checked_refuses_presets_and_says_what_they_are_for(name: str, tmp_path: Path) -> None:
    with pytest.raises(UnusableInput) as caught:
        check_output(tmp_path / name, Limits(preset=PRESETS["slack"]))
    assert str(caught.value) == (
        f"--preset slack is for .gif, .png, .apng and .webp files (emoji in Slack); {tmp_path / name} is none of them"
    )


@pytest.mark.parametrize(
    ("limits", "option"), [(Limits(preset=PRESETS["slack"]), "--preset"), (Limits(1000), "--max-size")]
)
@pytest.mark.parametrize("name", ["frames", "frame-%d.png"])
def test_a_folder_has_no_size(name: str, limits: Limits, option: str, tmp_path: Path) -> None:
    with pytest.raises(UnusableInput, match=f"{option} is for a file, and .* folder of frames; name a .gif"):
        check_output(tmp_path / name, limits)


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_limit_that_no_file_can_keep_leaves_none(suffix: str, tmp_path: Path) -> None:
    check_output(tmp_path / f"out{suffix}", Limits(10))
    with film_of(discs(2), ramp(6)) as film, pytest.raises(CheckFailed, match="more than 10 bytes; allow more"):
        write_output(tmp_path / f"out{suffix}", film if FORMATS[suffix].made_of is Film else _particles(), Limits(10))
    assert list(tmp_path.iterdir()) == []


def test_the_lower_limit_counts() -> None:
    preset = PRESETS["slack"]
    assert Limits(10, preset).smallest_max_bytes == 10
    assert Limits(1 << 30, preset).smallest_max_bytes == preset.max_bytes
    assert Limits(None, PRESETS["square"]).smallest_max_bytes is None


def test_a_preset_is_kept(tmp_path: Path) -> None:
    with film_of(discs(60, 200, 200), ramp(6)) as film:
        written = write_output(tmp_path / "out.gif", film, Limits(preset=PRESETS["slack"]))
        assert written.frames == 50
        assert written.given_up == "60 -> 50 frames"
        assert written.bytes == (tmp_path / "out.gif").stat().st_size <= 128 * 1024
    with film_of(discs(3, 200, 150), ramp(6)) as film, pytest.raises(CheckFailed, match="128x96 pixels, not 128x128"):
        write_output(tmp_path / "no.gif", film, Limits(preset=PRESETS["slack"]))


# Rates.


@pytest.mark.parametrize(
    ("name", "fps", "message"),
    [
        ("a.gif", 60, "--fps 60 is out of range; a GIF plays 0.1 to 50 frames a second"),
        ("a.png", 61, "--fps 61 is out of range; an APNG plays 0.1 to 60 frames a second"),
        ("a.webp", 61, "--fps 61 is out of range; a WebP plays 0.1 to 60 frames a second"),
        ("a.mp4", 121, "--fps 121 is out of range; an MP4 plays 0.1 to 120 frames a second"),
        ("a.html", 0.05, "--fps 0.05 is out of range; an HTML page plays 0.1 to 120 frames a second"),
        ("frames", 121, "--fps 121 is out of range; a folder of frames plays 0.1 to 120 frames a second"),
    ],
)
def test_a_rate_that_a_format_cannot_play_is_refused(name: str, fps: float, message: str) -> None:
    row = find_format(Path(name))
    with pytest.raises(UnusableInput) as caught:
        check_rate(row, fps)
    assert str(caught.value) == message
    check_rate(row, row.fastest)


# A PNG of one frame.


def test_a_still_is_a_png(usual: Film, tmp_path: Path) -> None:
    check_still(tmp_path / "a.PNG", "--poster")
    written = write_still(tmp_path / "a.png", usual.frame(0), usual.colours)
    assert (written.bytes, written.frames) == ((tmp_path / "a.png").stat().st_size, 1)
    for name, message in (("a.gif", "--poster .*a.gif: its suffix is not .png"), ("none/a.png", "no folder")):
        with pytest.raises(UnusableInput, match=message):
            check_still(tmp_path / name, "--poster")


# Rows from outside the package.


def _write_inks(path: Path, film: Film) -> None:
    """A line for each frame: its delay, and how much of each colour there is."""
    colours = " ".join("#" + bytes(colour).hex() for colour in film.colours)
    shares = (np.bincount(frame.ravel(), minlength=len(film.colours)) for frame in film.frames())
    lines = (" ".join(map(str, (delay, *share))) for delay, share in zip(film.delays, shares, strict=True))
    path.write_text("\n".join([colours, *lines]))


def _write_table(path: Path, film: ParticleFilm, title: str) -> None:
    """A line for each shown frame: its particles' places."""
    rows = (" ".join(f"{x:.1f},{y:.1f}" for x, y in film.positions[index]) for index in film.order)
    path.write_text("\n".join([title, *rows]))


INKS = RasterFormat(name="INK list", suffixes=(".inks", ".ink"), write=_write_inks, fastest=5, has_transparency=False)
TABLE = VectorFormat(name="XY table", suffixes=(".xy",), write=_write_table, fastest=200)


def _particles(frames: int = 3) -> ParticleFilm:
    return ParticleFilm(
        width=40,
        height=30,
        positions=np.arange(frames * 4.0).reshape(frames, 2, 2),
        radii=(1.0,) * frames,
        delays=(4,) * frames,
        order=tuple(range(frames)),
        moves=(True,) * frames,
        still=0,
    )


@pytest.fixture
def made_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two formats and a preset are registered; after the test they are gone."""
    for table in (FORMATS, PRESETS):
        monkeypatch.setattr(table, "_rows", dict(table))
        monkeypatch.setattr(table.names, "_names", list(table.names))
    register_format(INKS)
    register_format(TABLE)
    register_preset(Preset("stamp", "stamps", 20, max_frames=2))


@pytest.mark.usefixtures("made_up")
def test_a_made_up_raster_format_is_written_as_its_row_says(tmp_path: Path) -> None:
    out = tmp_path / "out.inks"
    assert check_output(out) is find_format(tmp_path / "OUT.INK") is INKS
    assert str(names.SUFFIXES).endswith(".svg, .inks, .ink or .xy")
    with film_of(discs(8, levels=16), ramp(16)) as film:
        written = write_output(out, film)
        assert (written.frames, written.bytes) == (8, out.stat().st_size)
        fitted = write_output(out, film, Limits(max_bytes=written.bytes // 2))
        assert out.stat().st_size == fitted.bytes <= written.bytes // 2
        assert fitted.given_up.startswith("16 -> ")
    with pytest.raises(
        UnusableInput, match=r"^--transparent: an INK list cannot be see-through; leave it out, or name a .gif, .*html"
    ):
        check_transparency(INKS)
    with pytest.raises(UnusableInput, match=r"an INK list plays 0.1 to 5 frames a second"):
        check_rate(INKS, 25)
    with pytest.raises(UnusableInput, match=r"--preset stamp is for .gif, .png, .apng and .webp files .stamps.;"):
        check_output(out, Limits(preset=PRESETS["stamp"]))
    with pytest.raises(UnusableInput, match=r"unknown suffix '.inky'; did you mean '.ink"):
        check_output(tmp_path / "out.inky")


@pytest.mark.usefixtures("made_up")
def test_a_made_up_vector_format_is_written_as_its_row_says(tmp_path: Path) -> None:
    out = tmp_path / "two moons.xy"
    assert check_output(out, Limits(max_bytes=10)) is TABLE
    written = write_output(out, _particles(5))
    assert (written.frames, written.bytes) == (5, out.stat().st_size)
    assert out.read_text().splitlines()[:2] == ["two moons", "0.0,1.0 2.0,3.0"]
    before = out.read_bytes()
    with pytest.raises(CheckFailed, match="more than 10 bytes; allow more, or show fewer --points"):
        write_output(out, _particles(5), Limits(max_bytes=10))
    assert out.read_bytes() == before
    check_rate(TABLE, 120)


@pytest.mark.usefixtures("made_up")
def test_made_up_formats_are_written_by_the_command(
    moons: Path, tmp_path: Path, run_here: Callable[..., Finished]
) -> None:
    options = ("--frames", 4, "--points", 50, "--size", 40, "--fps", 5, "-q")
    done = run_here("animate", moons, "-o", "a.inks", "-o", "a.xy", *options, cwd=tmp_path)
    assert done.code == 0, done.err
    assert done.out == "a.inks\na.xy\n"
    assert len((tmp_path / "a.inks").read_text().splitlines()) == 1 + 4
    assert (tmp_path / "a.xy").read_text().splitlines()[0] == "a"
    whole = (tmp_path / "a.inks").stat().st_size
    done = run_here("animate", moons, "-o", "b.inks", "--max-size", whole - 1, *options, cwd=tmp_path)
    assert done.code == 0, done.err
    assert (tmp_path / "b.inks").stat().st_size < whole
    done = run_here("animate", moons, "-o", "c.inks", "--frames", 4, cwd=tmp_path)
    assert (done.code, "an INK list plays 0.1 to 5" in done.err) == (2, True)


@pytest.mark.usefixtures("made_up")
def test_a_suffix_is_taken_once() -> None:
    with pytest.raises(ValueError, match=r"suffix '.ink' is taken"):
        register_format(RasterFormat(name="other", suffixes=(".other", ".ink"), write=_write_inks, fastest=5))
    assert ".other" not in FORMATS
    with pytest.raises(ValueError, match=r"like '.gif'"):
        RasterFormat(name="other", suffixes=("other",), write=_write_inks, fastest=5)


def test_rows_are_rows() -> None:
    """A row that is neither raster nor vector does not say how it is written."""
    with pytest.raises(TypeError, match="abstract"):
        Format(name="none", suffixes=(".none",), write=_write_inks, fastest=1)  # type: ignore[abstract]
