"""The page: its bytes, decoded as documented; and what a browser makes of it."""

from __future__ import annotations

import base64
import json
import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from devtools import Chromium, Tab
from pages import correlation, drawn_discs, page_of

from flowgif.drawing.styles.points import turns
from flowgif.errors import CheckFailed, NumericalError, UnusableInput
from flowgif.formats.presets import Limits
from flowgif.formats.table import write_output
from flowgif.formats.vector.html import write_page
from flowgif.formats.vector.particles import ParticleFilm, ThemeColours
from flowgif.timeline import Paint

FRAMES = 30


def _payload(html: str) -> dict[str, Any]:
    found = re.findall(r'<script type="application/json">(.*?)</script>', html, re.S)
    assert len(found) == 1
    return json.loads(found[0])


def _decode(payload: dict[str, Any]) -> tuple[np.ndarray, list[str] | None]:
    """The positions, (frames, n, 2), and each particle's colour, by the module's description of the format."""
    data = np.frombuffer(zlib.decompress(base64.b64decode(payload["data"]), wbits=-15), np.uint8)
    size = 2 * payload["points"] * payload["frames"]
    code = (data[:size] + 256 * data[size : 2 * size].astype(int)).reshape(2, payload["points"], payload["frames"])
    second = np.where(code % 2, -(code + 1) // 2, code // 2)
    speed = second[..., 1:].cumsum(-1)
    steps = np.concatenate([second[..., :1], second[..., :1] + speed.cumsum(-1)], -1)
    steps = (steps + 2**15) % 2**16 - 2**15
    middle = ((payload["width"] - 1) / 2, (payload["height"] - 1) / 2)
    palette = payload["palette"]
    colours = None if palette is None else [palette[index] for index in data[2 * size :]]
    return steps.transpose(2, 1, 0) * payload["step"] + middle, colours


@pytest.fixture(scope="module")
def cats(trajectories: np.ndarray) -> ParticleFilm:
    return page_of(trajectories[1::2])


# The file.


def test_a_page_of_3000_particles_and_60_frames_is_small(trajectories: np.ndarray, tmp_path: Path) -> None:
    write_page(tmp_path / "a.html", page_of(trajectories), "A cat")
    assert (tmp_path / "a.html").stat().st_size < 250_000


@pytest.mark.parametrize("spread", [5.0, 100.0, 900.0])
def test_positions_are_kept_to_half_a_step(tmp_path: Path, spread: float) -> None:
    """Of particles that jump at random, inside the frame and up to four sides away."""
    rng = np.random.default_rng(0)
    positions = np.clip(spread * rng.standard_normal((7, 50, 2)), -1500, 1500) + np.array([200, 50])
    write_page(tmp_path / "a.html", replace(page_of(positions), width=400, height=100), "A cat")
    payload = _payload((tmp_path / "a.html").read_text("utf-8"))
    assert payload["step"] <= 400 / 4096
    assert np.abs(_decode(payload)[0] - positions).max() <= payload["step"] / 2 + 1e-9


def test_what_is_further_away_stays_away(tmp_path: Path) -> None:
    positions = np.full((3, 1, 2), 240.0)
    positions[1] = (1e9, -1e9)
    write_page(tmp_path / "a.html", page_of(positions), "A cat")
    decoded, _ = _decode(_payload((tmp_path / "a.html").read_text("utf-8")))
    assert decoded[1, 0, 0] > 4 * 480
    assert decoded[1, 0, 1] < -3 * 480
    np.testing.assert_allclose(decoded[[0, 2]], positions[[0, 2]], atol=0.03)


def test_few_colours_are_exact_and_many_are_near(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    positions = np.zeros((1, 3000, 2))
    few = rng.integers(0, 256, (100, 3), np.uint8)[rng.integers(0, 100, 3000)]
    ramp = np.linspace(0, 255, 3000).astype(np.uint8)
    many = np.stack([ramp, 255 - ramp, np.arange(3000).astype(np.uint8)], 1)
    for colours, largest in ((few, 0), (many, 40)):
        write_page(tmp_path / "a.html", page_of(positions, colours=colours[None]), "A cat")
        _, names = _decode(_payload((tmp_path / "a.html").read_text("utf-8")))
        assert names is not None
        decoded = np.array([list(bytes.fromhex(name[1:])) for name in names])
        assert np.abs(decoded - colours).max() <= largest


def test_the_same_page_gives_the_same_bytes(cats: ParticleFilm, tmp_path: Path) -> None:
    for name, page in (("a", cats), ("b", cats), ("c", replace(cats, positions=cats.positions + 1))):
        write_page(tmp_path / name, page, "A cat")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes() != (tmp_path / "c").read_bytes()


def test_the_file_refers_to_nothing_outside_itself(cats: ParticleFilm, tmp_path: Path) -> None:
    write_page(tmp_path / "a.html", cats, "A cat")
    html = re.sub(r'"data":"[^"]*"', "", (tmp_path / "a.html").read_text("utf-8"))
    assert not re.search(r"http|//\w+\.|\bsrc\b|href|url\(|\bimport\b|fetch\(", html)


def test_a_comment_is_in_the_file(cats: ParticleFilm, tmp_path: Path) -> None:
    write_page(tmp_path / "a.html", replace(cats, comment="flowgif 1.2, seed 0"), "A cat")
    assert '"comment":"flowgif 1.2, seed 0"' in (tmp_path / "a.html").read_text("utf-8")


def test_a_place_that_cannot_be_written_is_refused(cats: ParticleFilm, tmp_path: Path) -> None:
    with pytest.raises(UnusableInput, match="cannot write"):
        write_output(tmp_path / "none" / "a.html", cats)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"order": ()}, "order"),
        ({"order": (0, 2)}, "order"),
        ({"delays": (5,)}, "delays"),
        ({"delays": (5, 0)}, "delays"),
        ({"radii": (2.5,)}, "radii"),
        ({"radii": (2.5, 0.0)}, "radii"),
        ({"ticks": 0}, "delays"),
        ({"captions": ("one",)}, "captions"),
        ({"colours": np.zeros((1, 3, 3), np.uint8)}, "colours"),
        ({"colours": np.zeros((4, 3), np.uint8)}, "colours"),
        ({"paints": (Paint(0, 0, 0, 0),)}, "paints"),
        ({"paints": (Paint(0, 1, 0, 0),) * 2, "colours": np.zeros((1, 4, 3), np.uint8)}, "paints"),
        ({"moves": (True,)}, "moves"),
        ({"still": 2}, "still"),
        ({"positions": np.zeros((2, 4, 3))}, "positions"),
    ],
)
def test_a_page_that_contradicts_itself_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        page_of(**{"positions": np.zeros((2, 4, 2)), "order": (0, 1), "delays": (5, 5)} | changes)


def test_positions_that_are_no_numbers_are_refused() -> None:
    with pytest.raises(NumericalError):
        page_of(np.full((2, 4, 2), np.nan))


@pytest.mark.parametrize("colour", ["red", "#fff", "#12345g", "#123456;}"])
def test_what_is_no_colour_is_refused(colour: str) -> None:
    with pytest.raises(ValueError, match="no colour"):
        ThemeColours("#000000", colour)


def test_the_title_is_the_files_name(cats: ParticleFilm, tmp_path: Path) -> None:
    written = write_output(tmp_path / "my cat.html", cats)
    assert (written.path, written.frames, written.given_up) == (tmp_path / "my cat.html", FRAMES, "")
    assert _payload(written.path.read_text("utf-8"))["title"] == "my cat"


def test_radii_are_a_number_where_all_are_the_same(tmp_path: Path) -> None:
    positions = np.zeros((3, 1, 2))
    for radii, stored in (((2.5, 2.5, 2.5), 2.5), ((2.5, 3.0, 2.5), [2.5, 3.0, 2.5])):
        write_page(tmp_path / "a.html", page_of(positions, radii=radii), "")
        assert _payload((tmp_path / "a.html").read_text("utf-8"))["radius"] == stored


@pytest.mark.parametrize(("ticks", "stored"), [(100, [6, 12]), (60, [10, 20]), (120, [5, 10])])
def test_delays_are_hundredths_of_a_second(ticks: int, stored: list[float], tmp_path: Path) -> None:
    write_page(tmp_path / "a.html", page_of(np.zeros((2, 1, 2)), delays=(6, 12), ticks=ticks), "")
    assert _payload((tmp_path / "a.html").read_text("utf-8"))["delays"] == pytest.approx(stored)


# The browser.

Show = Callable[..., Tab]


@pytest.fixture
def show(chromium: Chromium, tmp_path: Path) -> Iterator[Show]:
    """Opens a page from its file; at the end nothing must have gone wrong in it, nor been loaded from anywhere."""
    tabs: list[Tab] = []

    def show(page: ParticleFilm, fragment: str = "", title: str = "A cat", **options: Any) -> Tab:
        file = tmp_path / "page.html"
        write_page(file, page, title)
        tab = Tab(chromium, file.as_uri() + fragment, **options)
        tabs.append(tab)
        tab.wait("document.querySelector('canvas')?.dataset.frame !== undefined")
        return tab

    yield show
    for tab in tabs:
        events = tab.close()
        logged = [event["params"]["entry"] for event in events if event["method"] == "Log.entryAdded"]
        assert [entry for entry in logged if entry["level"] == "error"] == []
        assert "Runtime.exceptionThrown" not in {event["method"] for event in events}
        requests = [event["params"]["request"]["url"] for event in events if event["method"].endswith("BeSent")]
        assert all(url.startswith(("file:", "blob:")) for url in requests)


def _frame(tab: Tab) -> int:
    return int(tab.evaluate("document.querySelector('canvas').dataset.frame"))


def _playing(tab: Tab) -> bool:
    return tab.evaluate("document.querySelector('canvas').dataset.playing") == "true"


def _picture(tab: Tab) -> np.ndarray:
    """The canvas on a screenshot."""
    left, top, width, height = (round(number) for number in tab.box("canvas"))
    return tab.screenshot()[top : top + height, left : left + width]


def test_each_frame_is_drawn_where_its_particles_are(show: Show, cats: ParticleFilm) -> None:
    tab = show(cats, f"#frame={FRAMES - 1}")
    for index in (FRAMES - 1, 0, FRAMES // 2):
        tab.evaluate(f"location.hash = 'frame={index}'")
        tab.wait(f"document.querySelector('canvas').dataset.frame == {index}")
        ink = 1 - _picture(tab).mean(2) / 255
        exact = drawn_discs(cats.positions[index], cats.radii[0], len(ink))
        right = correlation(ink, exact)
        assert right > 0.98
        if index == FRAMES - 1:
            for wrong in (np.fliplr(exact), np.flipud(exact), exact.T):
                assert correlation(ink, wrong) < right - 0.05


def test_it_plays_by_itself_and_stops_and_goes_on(show: Show, cats: ParticleFilm) -> None:
    tab = show(cats)
    assert _playing(tab)
    tab.wait("document.querySelector('canvas').dataset.frame > 2")
    tab.press(" ")
    assert not _playing(tab)
    stopped = _frame(tab)
    before = _picture(tab)
    tab.evaluate("new Promise((done) => setTimeout(done, 300))")
    assert _frame(tab) == stopped
    np.testing.assert_array_equal(_picture(tab), before)
    tab.press(" ")
    assert _playing(tab)
    tab.wait(f"document.querySelector('canvas').dataset.frame != {stopped}")


def test_keys_move_by_frames(show: Show, cats: ParticleFilm) -> None:
    tab = show(cats, "#frame=12")
    assert not _playing(tab)
    for key, frame in (
        *(("ArrowRight", 13), ("ArrowRight", 14), ("ArrowLeft", 13), ("End", FRAMES - 1)),
        *(("ArrowRight", FRAMES - 1), ("ArrowLeft", FRAMES - 2), ("Home", 0), ("ArrowLeft", 0)),
    ):
        tab.press(key)
        assert _frame(tab) == frame
        assert not _playing(tab)


def test_the_scrubber_moves_the_frame(show: Show, cats: ParticleFilm) -> None:
    tab = show(cats)
    left, top, width, height = tab.box("input")
    tab.drag((left + 10, top + height / 2), (left + width / 4, top + height / 2), (left + width / 2, top + height / 2))
    assert _frame(tab) in (FRAMES // 2 - 1, FRAMES // 2)
    assert not _playing(tab)
    tab.press("ArrowUp")  # which has the focus now
    assert _frame(tab) in (FRAMES // 2, FRAMES // 2 + 1)


def test_the_button_can_be_clicked_and_pressed(show: Show, cats: ParticleFilm) -> None:
    tab = show(cats, "#paused")
    assert (_frame(tab), _playing(tab)) == (0, False)
    label = "document.querySelector('button').getAttribute('aria-label')"
    for element, playing in (("BUTTON", True), ("INPUT", False)):
        tab.press("Tab")
        assert tab.evaluate("document.activeElement.tagName") == element
        assert tab.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
        tab.press(" ")  # once, not by the button and by the page
        assert _playing(tab) == playing
        assert tab.evaluate(label) == ("Pause" if playing else "Play")
    left, top, width, height = tab.box("button")
    tab.drag((left + width / 2, top + height / 2))
    assert _playing(tab)


def _crossing(**changes: Any) -> ParticleFilm:
    """One particle that goes from the left to the right in three equal moves, and is held there."""
    positions = np.array([[[90.0 + 100 * k, 240.0]] for k in range(4)])
    return page_of(positions, radius=20.0, **changes)


# Where the particle is, as a share of its way, and where the scrubber says that it is; in one task, so at one moment.
PLACE = """(() => {
  const canvas = document.querySelector("canvas"), slider = document.querySelector("input"), width = canvas.width;
  const row = canvas.getContext("2d").getImageData(0, canvas.height >> 1, width, 1).data;
  let mass = 0, moment = 0;
  for (let x = 0; x < width; x++) { const ink = 255 - row[4 * x]; mass += ink; moment += ink * (x + .5); }
  return [(moment / mass * 480 / width - 90.5) / 300, slider.value / 3];
})()"""


def test_particles_move_evenly_between_frames(show: Show) -> None:
    tab = show(_crossing(delays=(100, 100, 100, 100)))
    seen: list[float] = []
    while len(seen) < 10 or not 0.3 < seen[-1] < 0.9:
        there, said = tab.evaluate(PLACE)
        assert there == pytest.approx(said, abs=0.002)
        seen.append(said)
    inside = [3 * place % 1 for place in seen]
    assert sum(0.02 < part < 0.98 for part in inside) > 3


def test_by_hand_particles_stop_between_frames(show: Show) -> None:
    tab = show(_crossing(), "#paused")
    left, top, width, height = tab.box("input")
    tab.drag((left + 10, top + height / 2), (left + width / 2, top + height / 2))
    there, said = tab.evaluate(PLACE)
    assert there == pytest.approx(said, abs=0.002)
    assert said == pytest.approx(0.5, abs=0.02)
    assert _frame(tab) == 1
    tab.press("ArrowLeft")
    assert tab.evaluate(PLACE)[0] == pytest.approx(1 / 3, abs=0.002)


WATCH = """{
  const canvas = document.querySelector("canvas");
  window.seen = [];
  new MutationObserver(() => {
    const frame = Number(canvas.dataset.frame);
    if (seen.at(-1)?.[0] !== frame) seen.push([frame, performance.now()]);
  }).observe(canvas, {attributeFilter: ["data-frame"]});
}"""


# Longer than the quarter of a second that a busy machine may lose, so that no frame is left out.
LONG = 60


@pytest.mark.slow
def test_a_held_frame_stays_as_long_as_it_should(show: Show) -> None:
    tab = show(_crossing(delays=(LONG, LONG, LONG, 120)), "#paused")
    tab.evaluate(WATCH)
    tab.press(" ")
    tab.wait("seen.length > 4")
    frames, moments = zip(*tab.evaluate("seen"), strict=True)
    assert frames[:5] == (0, 1, 2, 3, 0)
    assert moments[4] - moments[3] > 1200 - 260  # milliseconds; it may have begun late


@pytest.mark.slow
def test_it_plays_as_often_as_it_should(show: Show) -> None:
    tab = show(_crossing(delays=(LONG,) * 4, loops=2), "#paused")
    tab.evaluate(WATCH)
    tab.press(" ")
    tab.wait("document.querySelector('canvas').dataset.playing === 'false'")
    assert [frame for frame, _ in tab.evaluate("seen")] == [0, 1, 2, 3, 0, 1, 2, 3]
    assert tab.evaluate(PLACE) == pytest.approx([1, 1], abs=0.002)
    tab.press(" ")  # once more, from the beginning
    tab.wait("seen.length > 8")
    assert tab.evaluate("seen[8][0]") == 0


def test_frames_that_are_shown_again_are_stored_once(show: Show, tmp_path: Path) -> None:
    page = _crossing(order=(0, 1, 2, 3, 3, 3, 2, 1), delays=(5,) * 8)
    tab = show(page, "#frame=6")
    assert _payload((tmp_path / "page.html").read_text("utf-8"))["frames"] == 4
    assert tab.evaluate(PLACE)[0] == pytest.approx(2 / 3, abs=0.002)


def test_with_reduced_motion_the_picture_stands_still(show: Show, cats: ParticleFilm) -> None:
    shown = 2 * FRAMES - 2
    order = (*range(FRAMES), *range(FRAMES - 2, 0, -1))
    page = replace(cats, order=order, radii=(2.5,) * shown, delays=(5,) * shown, moves=(True,) * shown)
    tab = show(page, reduced_motion="reduce")
    assert (_frame(tab), _playing(tab)) == (FRAMES - 1, False)
    tab.evaluate("new Promise((done) => setTimeout(done, 300))")
    assert (_frame(tab), _playing(tab)) == (FRAMES - 1, False)
    tab.press(" ")
    assert _playing(tab)
    tab.wait(f"document.querySelector('canvas').dataset.frame != {FRAMES - 1}")


@pytest.mark.slow
def test_light_and_dark(show: Show, cats: ParticleFilm) -> None:
    page = replace(cats, light=ThemeColours("#200000", "#fffff0"), dark=ThemeColours("#ddffdd", "#101820"))
    tab = show(page, f"#frame={FRAMES - 1}", color_scheme="light")
    for scheme, theme in (("light", page.light), ("dark", page.dark)):
        tab.prefer(color_scheme=scheme)
        whole, picture = tab.screenshot(), _picture(tab)
        ground, ink = (tuple(bytes.fromhex(name[1:])) for name in (theme.background, theme.foreground))
        assert tuple(whole[2, 2]) == tuple(picture[20, 20]) == ground
        colours, counts = np.unique(picture.reshape(-1, 3), axis=0, return_counts=True)
        common = {tuple(colours[index]) for index in np.argsort(counts)[-2:]}
        assert common == {ground, ink}


def test_particles_have_their_colours(show: Show) -> None:
    positions = np.array([[[120.0, 240.0], [360.0, 240.0]]])
    tab = show(page_of(positions, radius=30.0, colours=np.array([[[200, 30, 10], [10, 30, 200]]], np.uint8)))
    picture = _picture(tab)
    middle, side = picture.shape[0] // 2, picture.shape[1]
    assert tuple(picture[middle, side // 4]) == (200, 30, 10)
    assert tuple(picture[middle, 3 * side // 4]) == (10, 30, 200)
    assert tab.evaluate("document.querySelector('#controls').hidden")  # a single frame has nothing to play


def test_in_a_morph_particles_exchange_their_colours(show: Show) -> None:
    """Those whose turn is within the frame's bounds have the other picture's."""
    positions = np.stack([np.array([[[90.0 + 100 * i, 240.0] for i in range(4)]])] * 3, 1)[0]
    red, blue = [200, 30, 10], [10, 30, 200]
    colours = np.array([[red] * 4, [blue] * 4], np.uint8)
    paints = (Paint(0, 1, 0.0, 0.0), Paint(0, 1, 0.0, 0.5), Paint(1, 0, 0.5, 1.0))
    page = page_of(positions, radius=30.0, colours=colours, paints=paints)
    tab = show(page, "#frame=0")
    for index, paint in enumerate(paints):
        tab.evaluate(f"location.hash = 'frame={index}'")
        tab.wait(f"document.querySelector('canvas').dataset.frame == {index}")
        picture = _picture(tab)
        scale = picture.shape[1] / 480
        for turn, place in zip(turns(4), positions[index], strict=True):
            wanted = colours[paint.other if paint.low <= turn < paint.high else paint.run, 0]
            assert picture[int(place[1] * scale), int(place[0] * scale)].tolist() == wanted.tolist()


RADIUS = """(() => {
  const canvas = document.querySelector("canvas"), {width, height} = canvas;
  const row = canvas.getContext("2d").getImageData(0, height >> 1, width, 1).data;
  let ink = 0;
  for (let x = 0; x < width; x++) ink += (255 - row[4 * x]) / 255;
  return ink * 480 / width / 2;
})()"""


def test_particles_have_their_frames_radius(show: Show) -> None:
    """And between two frames one between theirs."""
    radii = (20.0, 40.0, 30.0)
    black = ThemeColours("#000000", "#ffffff")
    page = page_of(np.full((3, 1, 2), 240.0), radii=radii, light=black, dark=black)
    tab = show(page, "#frame=0")
    for index, radius in enumerate(radii):
        tab.evaluate(f"location.hash = 'frame={index}'")
        tab.wait(f"document.querySelector('canvas').dataset.frame == {index}")
        assert tab.evaluate(RADIUS) == pytest.approx(radius, abs=0.6)  # half a pixel of the screen, on either side
    tab.evaluate("seek(0.5)")
    assert tab.evaluate(RADIUS) == pytest.approx(30, abs=0.6)
    tab.evaluate("seek(1.5)")
    assert tab.evaluate(RADIUS) == pytest.approx(35, abs=0.6)


def test_the_picture_may_be_cut_to_the_cloud(show: Show) -> None:
    """Where the page says so particles stand until the next frame, however near that is in the file."""
    page = _crossing(moves=(False, True, True, False))
    tab = show(page, "#frame=0")
    assert tab.evaluate("moves").count(0) == 2


def test_a_page_can_have_a_limit(cats: ParticleFilm, tmp_path: Path) -> None:
    with pytest.raises(CheckFailed, match="more than 1 KB"):
        write_output(tmp_path / "a.html", cats, Limits(max_bytes=1024))
    assert list(tmp_path.iterdir()) == []
    written = write_output(tmp_path / "a.html", cats, Limits(max_bytes=1 << 20))
    assert (tmp_path / "a.html").stat().st_size == written.bytes <= 1 << 20


def test_captions_are_text(show: Show, cats: ParticleFilm) -> None:
    captions = (*(f"t = {index}" for index in range(FRAMES - 1)), "</script><i>&amp;")
    tab = show(replace(cats, captions=captions), "#frame=7")
    text = "document.querySelector('#caption').textContent"
    assert tab.evaluate(text) == "t = 7"
    assert tab.evaluate("document.querySelector('input').getAttribute('aria-valuetext')") == "t = 7"
    tab.press("End")
    assert tab.evaluate(text) == captions[-1]


@pytest.mark.parametrize(
    "title", ["</script><script>document.body.remove()</script>", "\"<b>'&amp;&", "<!--<script>", "猫"]
)
def test_any_title_is_shown_as_it_is(show: Show, cats: ParticleFilm, title: str) -> None:
    tab = show(replace(cats, comment=title), "#paused", title)
    for shown in (
        *("document.title", "document.querySelector('h1').textContent"),
        "document.querySelector('canvas').getAttribute('aria-label')",
    ):
        assert tab.evaluate(shown) == title


@pytest.mark.parametrize("size", [(320, 640), (320, 240), (1600, 500)])
@pytest.mark.parametrize("shape", [(480, 480), (480, 120), (120, 480)])
def test_it_fits_its_window(show: Show, cats: ParticleFilm, size: tuple[int, int], shape: tuple[int, int]) -> None:
    page = replace(cats, captions=("layer 1",) * FRAMES, width=shape[0], height=shape[1])
    tab = show(page, "#paused", size=size, ratio=3)
    assert tab.evaluate("document.documentElement.scrollWidth") <= size[0]
    for selector in ("canvas", "button", "input"):
        left, _, width, _ = tab.box(selector)
        assert left >= 0
        assert left + width <= size[0]
    _, top, width, height = tab.box("canvas")
    assert width / height == pytest.approx(shape[0] / shape[1], rel=0.01)
    assert top + height <= size[1] or size[1] < 400
    # Twice as fine as the window's own pixels, and no finer.
    assert tab.evaluate("document.querySelector('canvas').width") == pytest.approx(2 * width, abs=1)
    tab.evaluate("document.querySelector('h1').textContent = 'W'.repeat(80)")
    assert tab.evaluate("document.documentElement.scrollWidth") <= size[0]


def test_it_follows_its_window(show: Show, cats: ParticleFilm) -> None:
    tab = show(cats, f"#frame={FRAMES - 1}", size=(800, 800))
    tab.call("Emulation.setDeviceMetricsOverride", width=360, height=700, deviceScaleFactor=1, mobile=False)
    tab.wait("document.querySelector('canvas').width < 360")
    ink = 1 - _picture(tab).mean(2) / 255
    assert correlation(ink, drawn_discs(cats.positions[-1], cats.radii[0], len(ink))) > 0.98


def test_another_page_shows_through(show: Show, chromium: Chromium, cats: ParticleFilm, tmp_path: Path) -> None:
    show(replace(cats, light=ThemeColours("#200000", "transparent"), dark=ThemeColours("#ddffdd", "transparent")))
    outer = tmp_path / "outer.html"
    frame = f'<iframe src="page.html#frame={FRAMES - 1}" width="500" height="600" frameborder="0"></iframe>'
    style = "<style>html { color-scheme: light dark } body { margin: 0; background: #2080c0 }</style>"
    outer.write_text(f"<!doctype html>{style}<body>{frame}", "utf-8")
    for scheme, ink in (("light", (32, 0, 0)), ("dark", (221, 255, 221))):
        tab = Tab(chromium, outer.as_uri(), color_scheme=scheme)
        tab.wait("document.readyState === 'complete'")
        for _ in range(200):
            picture = tab.screenshot()[:600, :500]
            if ((picture == ink).all(2)).mean() > 0.005:
                break
        assert ((picture == ink).all(2)).mean() > 0.005
        assert ((picture == (32, 128, 192)).all(2)).mean() > 0.5  # around the particles, and around the picture
        assert tuple(picture[2, 2]) == (32, 128, 192)
        tab.close()


def test_it_plays_in_a_frame_of_another_page(
    show: Show, chromium: Chromium, cats: ParticleFilm, tmp_path: Path
) -> None:
    show(cats)
    outer = tmp_path / "outer.html"
    frame = f'<iframe sandbox="allow-scripts" src="page.html#frame={FRAMES - 1}" width="500" height="600"></iframe>'
    outer.write_text(f"<!doctype html><body style='margin: 0'>{frame}", "utf-8")
    tab = Tab(chromium, outer.as_uri(), color_scheme="light")
    tab.wait("document.readyState === 'complete'")
    for _ in range(200):
        ink = 1 - tab.screenshot()[:600, :500].mean(2) / 255
        if (ink > 0.5).mean() > 0.05:
            break
    assert (ink > 0.5).mean() > 0.05
    tab.close()
