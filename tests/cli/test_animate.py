"""``flowgif animate`` through its real entry point: what its options write, and what they refuse."""

from __future__ import annotations

import dataclasses
import inspect
import itertools
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import Finished
from films import decode, decode_video
from PIL import Image
from typer import Context
from typer.main import get_command

import flowgif
from flowgif import names
from flowgif.animation.animate import animate
from flowgif.animation.config import AnimationConfig
from flowgif.animation.options import read_options
from flowgif.cli.main import app
from flowgif.drawing.colours import make_look
from flowgif.timeline import Pace

SMALL = ("--size", 96, "--points", 300)
FEW = ("--frames", 4, *SMALL)


@pytest.fixture(scope="module")
def place(workplace: Path, moons: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a picture's run and a layered one."""
    folder = tmp_path_factory.mktemp("animations")
    shutil.copytree(workplace / "runs" / "cat", folder / "runs" / "cat")
    shutil.copytree(moons, folder / "runs" / "moons")
    return folder


def _frames(path: Path) -> list[np.ndarray]:
    with Image.open(path) as image:
        found = []
        for index in range(getattr(image, "n_frames", 1)):
            image.seek(index)
            found.append(np.asarray(image.convert("RGB")))
        return found


def test_several_outputs_come_from_one_rendering(place: Path, run_here: Callable[..., Finished]) -> None:
    outs = ["a.gif", "a.apng", "a.webp", "a.mp4", "a.html", "frames", "still-%02d.png"]
    options = [word for out in outs for word in ("-o", out)]
    done = run_here("animate", "runs/cat", *options, "--poster", "poster.png", *FEW, "--json", cwd=place)
    assert done.code == 0, done.err
    answer = json.loads(done.out)
    assert [file["path"] for file in answer["files"]] == [*outs, "poster.png"]
    assert all(file["bytes"] > 0 for file in answer["files"])
    assert answer["frames"] == 4
    last = _frames(place / "a.gif")[-1]
    assert sorted(path.name for path in (place / "frames").iterdir()) == [f"frame-000{i}.png" for i in range(4)]
    for same in ("poster.png", "frames/frame-0003.png", "still-03.png"):
        np.testing.assert_array_equal(_frames(place / same)[0], last)
    for same in ("a.apng", "a.webp"):
        np.testing.assert_array_equal(_frames(place / same)[-1], last)


@pytest.mark.parametrize("style", ["points", "density", "trails", "field", "panels"])
@pytest.mark.parametrize("run", ["cat", "moons"])
def test_every_style_shows_every_model(place: Path, run_here: Callable[..., Finished], run: str, style: str) -> None:
    few = ("--frames", 4, "--size", 200, "--points", 50) if style == "panels" else FEW
    done = run_here(
        "animate", f"runs/{run}", "--style", style, "--caption", "--theme", "dark", "-o", f"{run}-{style}.gif", *few,
        "-o", f"{run}-{style}.html", "-q", cwd=place,
    )  # fmt: skip
    assert (done.code, done.err) == (0, "")
    frames = _frames(place / f"{run}-{style}.gif")
    assert len(frames) == 4
    assert frames[0][0, 0].tolist() == [13, 17, 23]
    assert all((before != after).any() for before, after in itertools.pairwise(frames))


def test_a_morph_mixes_models_and_comes_back(place: Path, run_here: Callable[..., Finished]) -> None:
    done = run_here("animate", "runs/cat", "runs/moons", "--loop-back", "-o", "m.gif", *FEW, cwd=place)
    assert done.code == 0, done.err
    frames = _frames(place / "m.gif")
    assert len(frames) == 4 * 3  # from either picture three frames to the cloud, and three to the other
    # The pictures stand where the frames of each alone end, in the frame of the larger one.
    for run, at in (("cat", 0), ("moons", 6)):
        assert run_here("animate", f"runs/{run}", "-o", f"{run}.gif", *FEW, cwd=place).code == 0
        alone = _frames(place / f"{run}.gif")[-1]
        top = (96 - alone.shape[0]) // 2
        there = (255.0 - frames[at])[top : top + alone.shape[0]]
        assert np.corrcoef(there.ravel(), (255.0 - alone).ravel())[0, 1] > 0.7


def test_stills_are_a_row_of_frames_at_any_time(place: Path, run_here: Callable[..., Finished]) -> None:
    done = run_here("animate", "runs/cat", "--stills", "row.png", "--times", "0,.5,1", *SMALL, cwd=place)
    assert (done.code, done.out) == (0, "row.png\n"), done.err
    (row,) = _frames(place / "row.png")
    assert row.shape[0] == 96
    assert row.shape[1] == 3 * 96 + 2 * 2
    assert run_here("animate", "runs/cat", "--poster", "p.png", "-o", "x.gif", *FEW, cwd=place).code == 0
    np.testing.assert_array_equal(row[:, -96:], _frames(place / "p.png")[0])
    done = run_here("animate", "runs/moons", "--stills", "l.png", "--times", "layers", "--caption", *SMALL, cwd=place)
    assert done.code == 0, done.err
    assert _frames(place / "l.png")[0].shape[1] > 5 * 90  # four layers, and the cloud
    layer = ("--stills", "half.png", "--times", 0.375, "--caption", "--json")  # layer 1.5 of 4
    done = run_here("animate", "runs/moons", *layer, *SMALL, cwd=place)
    assert done.code == 0, done.err
    assert json.loads(done.out)["files"] == [
        {"path": "half.png", "bytes": (place / "half.png").stat().st_size, "frames": 1}
    ]


def test_a_size_is_kept_and_what_was_given_up_is_told(place: Path, run_here: Callable[..., Finished]) -> None:
    options = ("--max-size", "30KB", "-o", "small.gif", "--frames", 30, "--size", 200)
    done = run_here("animate", "runs/cat", *options, cwd=place)
    assert done.code == 0, done.err
    assert (place / "small.gif").stat().st_size <= 30 * 1024
    assert "levels" in done.err
    assert "->" in done.err


@pytest.mark.parametrize(
    ("preset", "size", "most_bytes", "most_frames"),
    [
        ("slack", (128, 128), 128 * 1024, 50),
        ("discord", (128, 128), 256 * 1024, 10**9),
        ("square", (512, 512), None, None),
    ],
)
def test_presets_keep_their_limits(
    place: Path,
    run_here: Callable[..., Finished],
    preset: str,
    size: tuple[int, int],
    most_bytes: int | None,
    most_frames: int | None,
) -> None:
    done = run_here("animate", "runs/moons", "--preset", preset, "-o", f"{preset}.gif", "-q", cwd=place)
    assert (done.code, done.err) == (0, "")
    with Image.open(place / f"{preset}.gif") as image:
        assert image.size == size
        assert most_frames is None or getattr(image, "n_frames", 1) <= most_frames
    assert most_bytes is None or (place / f"{preset}.gif").stat().st_size <= most_bytes


def test_a_limit_that_cannot_be_met_exits_with_one_and_leaves_nothing(
    place: Path, run_here: Callable[..., Finished]
) -> None:
    done = run_here("animate", "runs/cat", "--preset", "slack", "--max-size", "1KB", "-o", "no.gif", "-q", cwd=place)
    assert (done.code, done.out) == (1, "")
    assert len(done.err.splitlines()) == 1
    assert not (place / "no.gif").exists()


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        ("--preset square --size 128 -o old.gif", 2, "leave --size out"),
        ("--preset slack -o old.mp4", 2, "--preset slack is for .gif"),
        ("--preset slack -o old.html", 2, "emoji in Slack"),
        ("--preset slack -o frames", 2, "folder of frames"),
        ("--fps 60 -o old.mp4 -o old.gif", 2, "a GIF plays 0.1 to 50 frames a second"),
        ("--max-size 1MB -o frames", 2, "folder of frames"),
        ("--max-size 99 -o old.gif", 1, "more than 99 bytes"),
        ("--max-size 1KB -o old.html", 1, "more than 1 KB"),
    ],
)
def test_what_cannot_be_kept_leaves_the_old_file(
    place: Path, run_here: Callable[..., Finished], options: str, code: int, message: str
) -> None:
    (place / "frames").mkdir(exist_ok=True)
    for name in ("old.gif", "old.mp4", "old.html"):
        (place / name).write_text("precious")
    done = run_here("animate", "runs/cat", *options.split(), "--frames", 4, "-q", cwd=place)
    assert (done.code, done.out) == (code, "")
    assert message in done.err
    for name in ("old.gif", "old.mp4", "old.html"):
        assert (place / name).read_text() == "precious"


def test_python_draws_what_the_command_line_draws(place: Path, run_here: Callable[..., Finished]) -> None:
    """A preset's size, the panels' side and the easing and frames that suit layers are decided for both."""
    loaded = flowgif.load(place / "runs" / "moons")
    for options, config in (
        (("--preset", "slack"), AnimationConfig(preset="slack")),
        (("--style", "density", "--preset", "discord"), AnimationConfig(style="density", preset="discord")),
        (("--style", "panels", "--frames", 2), AnimationConfig(style="panels", pace=Pace(frames=2))),
    ):
        assert run_here("animate", "runs/moons", *options, "-o", "shell.gif", "-q", cwd=place).code == 0
        animate([(loaded.flow, loaded.target)], [place / "python.gif"], config)
        (shell, delays, _), (python, same_delays, _) = (decode(place / name) for name in ("shell.gif", "python.gif"))
        assert delays == same_delays
        np.testing.assert_array_equal(shell, python)


def test_a_looser_limit_does_not_lift_the_presets(place: Path, run_here: Callable[..., Finished]) -> None:
    options = ("--preset", "slack", "--max-size", "10MB", "--points", 20000, "-o", "l.gif", "--json", "-q")
    done = run_here("animate", "runs/moons", *options, cwd=place)
    assert done.code == 0, done.err
    (file,) = json.loads(done.out)["files"]
    assert file["bytes"] == (place / "l.gif").stat().st_size <= 128 * 1024
    assert file["frames"] == len(_frames(place / "l.gif")) <= 50


def test_square_panels_are_square(place: Path, run_here: Callable[..., Finished]) -> None:
    options = ("--style", "panels", "--preset", "square", "--frames", 3, "-o", "p.gif", "-q")
    assert run_here("animate", "runs/moons", *options, cwd=place).code == 0
    with Image.open(place / "p.gif") as image:
        assert image.size == (512, 512)


def _page(path: Path) -> dict[str, Any]:
    (found,) = re.findall(r'<script type="application/json">(.*?)</script>', path.read_text("utf-8"), re.S)
    return json.loads(found)


def test_a_page_has_the_colours_and_the_cuts_of_the_animation(place: Path, run_here: Callable[..., Finished]) -> None:
    options = ("--fg", "red", "--first-frame", "logo", "--points", 200, "--style", "density", "-o", "p.html")
    assert run_here("animate", "runs/cat", *options, "--frames", 6, "-q", cwd=place).code == 0
    page = _page(place / "p.html")
    assert page["points"] == 200
    assert page["light"] == page["dark"] == {"foreground": "#ff0000", "background": "#ffffff"}
    assert (page["moves"], page["still"]) == ([False, *[True] * 5], 0)
    assert run_here("animate", "runs/cat", "runs/moons", "--loop-back", "-o", "m.html", *FEW, cwd=place).code == 0
    page = _page(place / "m.html")
    assert all(page["moves"])
    assert page["order"][page["still"]] != 0  # the second picture


def test_a_still_is_a_frame_of_the_animation_tails_included(place: Path, run_here: Callable[..., Finished]) -> None:
    options = ("--style", "trails", "--size", 96, "--points", 300, "-q")
    stills = ("--stills", "row.png", "--times", "0,.5,.9")
    assert run_here("animate", "runs/cat", *options, *stills, cwd=place).code == 0
    film = ("--frames", 61, "--easing", "linear", "-o", "t.gif")
    assert run_here("animate", "runs/cat", *options, *film, cwd=place).code == 0
    row, frames = _frames(place / "row.png")[0], _frames(place / "t.gif")
    for i, frame in enumerate((0, 30, 54)):
        # The solver takes other steps where other moments are asked for.
        assert (row[:, 98 * i : 98 * i + 96] != frames[frame]).any(2).mean() < 0.01


def test_first_frame_hold_bounce_and_loops(place: Path, run_here: Callable[..., Finished]) -> None:
    options = ("--first-frame", "logo", "--hold", "0.5,2", "--bounce", "--fps", 10, "--loops", 3, "-o", "t.gif")
    done = run_here("animate", "runs/cat", *options, *FEW, cwd=place)
    assert done.code == 0, done.err
    with Image.open(place / "t.gif") as image:
        assert image.info["loop"] == 2  # twice more
        delays = []
        for index in range(image.n_frames):  # type: ignore[attr-defined]
            image.seek(index)
            delays.append(image.info["duration"])
    assert delays == [2000, 100, 100, 500, 100, 100]
    run_here("animate", "runs/cat", "--poster", "p.png", "-o", "x.gif", *FEW, cwd=place)
    np.testing.assert_array_equal(_frames(place / "t.gif")[0], _frames(place / "p.png")[0])


def test_duration_and_frames_per_layer_say_how_many_frames(place: Path, run_here: Callable[..., Finished]) -> None:
    for options, frames in ((("--duration", 0.5, "--fps", 20), 10), (("--frames-per-layer", 3), 13)):
        done = run_here("animate", "runs/moons", *options, "--size", 64, "--json", "-o", "d.gif", cwd=place)
        assert done.code == 0, done.err
        assert abs(json.loads(done.out)["frames"] - frames) <= 1
        assert len(_frames(place / "d.gif")) == json.loads(done.out)["frames"]


def test_transparency_is_where_no_ink_is(place: Path, run_here: Callable[..., Finished]) -> None:
    done = run_here("animate", "runs/cat", "--transparent", "-o", "t.webp", "-o", "t.gif", *FEW, cwd=place)
    assert done.code == 0, done.err
    for name in ("t.webp", "t.gif"):
        with Image.open(place / name) as image:
            image.seek(3)
            alpha = np.asarray(image.convert("RGBA"))[..., 3]
        assert alpha[0, 0] == 0
        assert 0.01 < (alpha > 0).mean() < 0.6
        # The edges of dots are partly see-through, but not in a GIF.
        assert (len(np.unique(alpha)) > 3) == (name == "t.webp")
    done = run_here("animate", "runs/cat", "--transparent", "-o", "t.mp4", *FEW, cwd=place)
    assert done.code == 2
    assert "--transparent: an MP4 cannot be see-through; leave it out, or name a .gif" in done.err


def test_the_comment_has_the_command_and_the_version(place: Path, run_here: Callable[..., Finished]) -> None:
    done = run_here("animate", "runs/cat", "-o", "c.gif", "--theme", "dark", *FEW, cwd=place)
    assert done.code == 0, done.err
    with Image.open(place / "c.gif") as image:
        comment = image.info["comment"].decode()
    assert comment.startswith("flowgif animate RUN --size 96 --points 300 --theme dark --frames 4 (flowgif 0.")
    # What does not change the picture does not change the file, and every file has it.
    others = ("-o", "d.gif", "-o", "d.webp", "--poster", "d.png", "--quiet", "--json")
    assert run_here("animate", *others, "--theme", "dark", *FEW, "runs/cat", cwd=place).code == 0
    assert (place / "c.gif").read_bytes() == (place / "d.gif").read_bytes()
    with Image.open(place / "d.png") as image:
        assert image.info["Comment"] == comment


def test_a_fast_video_and_page_last_as_long_as_they_should(place: Path, run_here: Callable[..., Finished]) -> None:
    options = ("--fps", 60, "--duration", 0.5, "--hold", 0.5, *SMALL)
    done = run_here("animate", "runs/moons", *options, "-o", "f.mp4", "-o", "f.html", "--json", "-q", cwd=place)
    assert done.code == 0, done.err
    assert json.loads(done.out)["seconds"] == pytest.approx(29 / 60 + 0.5)
    frames, about = decode_video(place / "f.mp4")
    assert (about["fps"], len(frames)) == (60, 29 + 30)


def _options() -> dict[str, Any]:
    (command,) = (each for name, each in get_command(app).commands.items() if name == "animate")  # type: ignore[attr-defined]
    return {parameter.name: parameter for parameter in command.params}


def test_every_setting_has_an_option_with_its_default() -> None:
    options = _options()
    derived = {"look", "pace", "picture_first", "max_bytes", "comment", "hold"}
    for config in (AnimationConfig(), Pace()):
        for field in dataclasses.fields(config):
            assert field.name in options or field.name in derived
            if field.name in options and field.name not in derived:
                assert options[field.name].default == getattr(config, field.name)
    assert read_options({"hold": options["hold"].default})["pace"] == Pace()
    assert set(inspect.signature(make_look).parameters) <= set(options)


@pytest.mark.parametrize("option", ["style", "preset", "theme", "easing", "cmap"])
def test_help_and_shells_know_the_names(option: str) -> None:
    known = getattr(names, {"easing": "EASINGS"}.get(option, f"{option.upper()}S"))
    parameter = _options()[option]
    assert str(known) in parameter.help
    context = Context(get_command(app))
    assert [item.value for item in parameter.shell_complete(context, "")] == [*known]
    first = next(iter(known))
    assert first in [item.value for item in parameter.shell_complete(context, first[:2])]


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("runs/cat --style dots", "--style 'dots'"),
        ("runs/cat --style pints", "did you mean 'points'"),
        ("runs/cat --theme lite", "did you mean 'light'"),
        ("runs/cat --cmap inkk", "unknown --cmap 'inkk'; did you mean 'ink'"),
        ("runs/cat --fg reddish", "--fg reddish"),
        ("runs/cat --easing bounce", "--easing 'bounce'"),
        ("runs/cat --first-frame cat", "--first-frame 'cat'"),
        ("runs/cat --hold long", "--hold long"),
        ("runs/cat --hold 1,2,3", "--hold 1,2,3"),
        ("runs/cat --max-size tiny", "'tiny' is no file size"),
        ("runs/cat --preset github", "--preset 'github'"),
        ("runs/cat --frames-per-layer 5", "--frames-per-layer"),
        ("runs/cat --loop-back", "--loop-back"),
        ("runs/cat runs/moons --bounce", "--bounce"),
        ("runs/cat runs/moons --style panels", "one run"),
        ("runs/cat runs/moons --stills s.png", "--stills"),
        ("runs/cat --stills s.gif", "--stills s.gif"),
        ("runs/cat --stills s.png --times 0,2", "--times"),
        (
            "runs/cat --stills s.png --times 0 -o b.gif --poster c.png --max-size 10 --preset slack",
            "leave out -o, --poster, --max-size and --preset",
        ),
        ("runs/cat --stills s.png --frames 4", "leave out --frames"),
        ("runs/cat --stills s.png --frames-per-layer 4 --duration 1", "leave out --frames-per-layer and --duration"),
        (
            "runs/cat --stills s.png --fps 10 --hold 1 --easing in --bounce --loop-back --loops 2 --first-frame logo",
            "leave out --fps, --hold, --easing, --bounce, --loop-back, --loops and --first-frame",
        ),
        ("runs/cat --times 0,1", "--times goes with --stills"),
        ("runs/cat --fps 60", "--fps 60 is out of range; a GIF plays"),
        ("runs/cat --fps 121 -o x.mp4", "--fps 121"),
        ("runs/cat --frames 5 --duration 2", "--frames and --duration contradict each other"),
        ("runs/cat --stills s.png --times layers", "--times layers"),
        ("runs/moons --color source", "data set"),
        ("runs/cat --color source --style density", "--color source"),
        ("runs/cat --poster p.gif", "--poster p.gif"),
        ("runs/cat --loops -1", "--loops -1"),
        ("runs/cat --size 5", "--size 5"),
        ("runs/cat -o x.tiff", "'.tiff'"),
        ("runs/cat -o none/x.gif", "no folder none"),
        ("runs/cat -o x.html -o y.jpg", "'.jpg'"),
    ],
)
def test_what_cannot_be_shown_gets_one_line_and_leaves_nothing(
    place: Path, run_here: Callable[..., Finished], command: str, message: str
) -> None:
    before = sorted(place.rglob("*"))
    done = run_here("animate", *command.split(), cwd=place)
    assert (done.code, done.out) == (2, "")
    assert len(done.err.splitlines()) == 1, done.err
    assert message in done.err
    assert sorted(place.rglob("*")) == before
