"""The animated SVG: its bytes, decoded as SMIL says; and what a browser makes of it, at set times."""

from __future__ import annotations

import gzip
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from devtools import Chromium, Tab
from pages import correlation, drawn_discs, page_of

from flowgif.errors import CheckFailed
from flowgif.formats.presets import Limits
from flowgif.formats.table import FORMATS, write_output
from flowgif.formats.vector.particles import ParticleFilm, ThemeColours
from flowgif.formats.vector.svg import STEPS, TOLERANCE, write_svg
from flowgif.timeline import Paint

FRAMES = 30
NAMESPACE = "{http://www.w3.org/2000/svg}"
NEAR = TOLERANCE * 480  # pixels of a film of 480
EPSILON = 0.02  # pixels; times are stored to 1/100000 of the whole, and browsers compute in single precision
LIGHT, DARK = ThemeColours("#102030", "#ffffff"), ThemeColours("#e0f0ff", "#0d1117")


@pytest.fixture(scope="module")
def cats(trajectories: np.ndarray) -> ParticleFilm:
    return page_of(trajectories[1::2, :1500])


def _read(path: Path) -> ET.Element:
    return ET.fromstring(path.read_text("utf-8"))


def _group(svg: ET.Element, name: str) -> ET.Element:
    (found,) = (group for group in svg.iter(f"{NAMESPACE}g") if group.get("class") == name)
    return found


def _points(data: str) -> np.ndarray:
    """Points of a path's data in pixels of a film of 480, (n, 2)."""
    assert re.fullmatch(r"(m-?\d+[ -]\d+h0)+", data)
    steps = [tuple(map(int, re.findall(r"-?\d+", move)[:2])) for move in data.split("h0")[:-1]]
    return np.cumsum(steps, 0) * 480 / STEPS - 0.5


def _animation(path: ET.Element, attribute: str) -> ET.Element:
    (found,) = (each for each in path.iter(f"{NAMESPACE}animate") if each.get("attributeName") == attribute)
    return found


def _positions_at(path: ET.Element, seconds: float) -> np.ndarray:
    """Where the points of an animated path are, by the rules of SMIL for splines."""
    animation = _animation(path, "d")
    values = [_points(value) for value in animation.attrib["values"].split(";")]
    times = [float(time) for time in animation.attrib["keyTimes"].split(";")]
    splines = [tuple(map(float, spline.split())) for spline in animation.attrib["keySplines"].split(";")]
    assert len(values) == len(times) == len(splines) + 1
    assert (times[0], times[-1]) == (0, 1)
    assert times == sorted(times)
    share = seconds / float(animation.attrib["dur"].removesuffix("s")) % 1
    at = max(i for i, time in enumerate(times[:-1]) if time <= share + 1e-5)
    progress = min(1.0, max(0.0, (share - times[at]) / max(times[at + 1] - times[at], 1e-9)))
    x1, y1, x2, y2 = splines[at]
    u = np.linspace(0, 1, 2001)
    x, y = (3 * (1 - u) ** 2 * u * low + 3 * (1 - u) * u**2 * high + u**3 for low, high in ((x1, x2), (y1, y2)))
    way = np.interp(progress, x, y)
    return values[at] + way * (values[at + 1] - values[at])


def _starts(film: ParticleFilm) -> np.ndarray:
    return np.cumsum([0, *film.delays[:-1]]) / film.ticks


def _sorted(positions: np.ndarray) -> np.ndarray:
    """Particles in an order that does not depend on that of the file."""
    return positions[np.lexsort(positions.T)]


def _distance(found: np.ndarray, expected: np.ndarray) -> float:
    """The largest distance of a particle of one set from the nearest one of the other set."""
    apart = np.hypot(*(found[:, None] - expected[None]).transpose(2, 0, 1))
    return float(max(apart.min(0).max(), apart.min(1).max()))


# The file.


def _spirals(n: int = 40, frames: int = 12) -> np.ndarray:
    """Particles that turn by half a circle on their way, unevenly."""
    rng = np.random.default_rng(0)
    angle, radius = rng.uniform(0, 6.28, n), rng.uniform(20, 200, n)
    turned = angle + np.pi * np.linspace(0, 1, frames)[:, None] ** 2
    return 240 + radius[None, :, None] * np.stack([np.cos(turned), np.sin(turned)], -1)


FILMS: dict[str, Callable[[], ParticleFilm]] = {
    "once": lambda: page_of(_spirals()),
    "bounce": lambda: page_of(_spirals(frames=4), order=(0, 1, 2, 3, 2, 1), delays=(5, 5, 5, 60, 5, 5)),
    "a hold at the start": lambda: page_of(_spirals(), delays=(100, *(4,) * 10, 80)),
    "the picture first": lambda: page_of(
        _spirals(frames=3), order=(2, 0, 1), delays=(80, 5, 5), moves=(False, True, True)
    ),
    "slow": lambda: page_of(_spirals(frames=4), delays=(200, 200, 200, 200)),
    "sixty frames a second": lambda: page_of(_spirals(), delays=(1,) * 11 + (72,), ticks=60),
    "two frames": lambda: page_of(_spirals(frames=2)),
    "one frame": lambda: page_of(_spirals(frames=1), moves=(True,)),
    "jumps at random": lambda: page_of(np.random.default_rng(1).uniform(-900, 900, (7, 20, 2))),
}


@pytest.mark.parametrize("name", FILMS)
def test_every_particle_is_near_its_position_in_every_frame(name: str, tmp_path: Path) -> None:
    film = FILMS[name]()
    write_svg(tmp_path / "a.svg", film, "")
    (path,) = _group(_read(tmp_path / "a.svg"), "moving")
    for start, row in zip(_starts(film), film.order, strict=True):
        assert _distance(_positions_at(path, start), film.positions[row]) <= NEAR + EPSILON


def test_a_held_frame_stays_and_a_cut_is_a_cut(tmp_path: Path) -> None:
    film = page_of(_spirals(), delays=(*(5,) * 11, 60))
    write_svg(tmp_path / "a.svg", film, "")
    (path,) = _group(_read(tmp_path / "a.svg"), "moving")
    for seconds in (0.55, 0.8, 1.149):
        assert _distance(_positions_at(path, seconds), film.positions[-1]) <= NEAR + EPSILON
    assert _distance(_positions_at(path, 1.1501), film.positions[0]) <= NEAR + EPSILON


def test_slow_paths_need_few_moments_and_curved_ones_more(tmp_path: Path) -> None:
    straight = np.linspace(0, 1, 60)[:, None, None] ** 2 * np.array([[100.0, 50], [-80, 200]]) + 200
    counts = []
    for positions in (straight, _spirals(frames=60)):
        write_svg(tmp_path / "a.svg", page_of(positions), "")
        (path,) = _group(_read(tmp_path / "a.svg"), "moving")
        counts.append(len(_animation(path, "d").attrib["values"].split(";")))
    assert counts[0] == 3  # the start, the end, and the end of its hold: the easing does the rest
    assert 5 < counts[1] < 30


def test_an_svg_of_1500_particles_and_60_frames_is_small(trajectories: np.ndarray, tmp_path: Path) -> None:
    write_svg(tmp_path / "a.svg", page_of(trajectories[:, :1500]), "A cat")
    content = (tmp_path / "a.svg").read_bytes()
    assert len(content) < 250_000
    assert len(gzip.compress(content, 9)) < 70_000


def test_more_particles_than_an_svg_has_are_left_out(trajectories: np.ndarray, tmp_path: Path) -> None:
    film = page_of(trajectories[::10, :2000])
    written = write_output(tmp_path / "a.svg", film)
    assert written.given_up == "2000 -> 1500 particles"
    svg = _read(written.path)
    (path,) = _group(svg, "still")
    assert len(_points(path.attrib["d"])) == 1500
    # Fewer of them are larger, so that the ink stays.
    assert float(_group(svg, "still").attrib["stroke-width"]) == pytest.approx(2 * 2.5 * 4 * (2000 / 1500) ** 0.5, 1e-3)


def test_a_size_is_kept_by_fewer_particles(cats: ParticleFilm, tmp_path: Path) -> None:
    whole = write_output(tmp_path / "a.svg", cats)
    assert whole.given_up == ""
    half = write_output(tmp_path / "a.svg", cats, Limits(max_bytes=whole.bytes // 2))
    assert 0.9 * whole.bytes / 2 < half.bytes == half.path.stat().st_size <= whole.bytes // 2
    assert re.fullmatch(r"1500 -> \d+ particles", half.given_up)
    before = half.path.read_bytes()
    with pytest.raises(CheckFailed, match="more than 1000 bytes; allow more, or show fewer --points"):
        write_output(half.path, cats, Limits(max_bytes=1000))
    assert half.path.read_bytes() == before


def test_what_packs_badly_has_fewer_particles_too(tmp_path: Path) -> None:
    film = page_of(np.random.default_rng(0).uniform(0, 480, (40, 1500, 2)))
    written = write_output(tmp_path / "a.svg", film)
    assert "particles" in written.given_up
    assert len(gzip.compress(written.path.read_bytes(), 9)) <= 100 * 1024 + 20  # gzip's own header


def test_the_same_particles_give_the_same_bytes(cats: ParticleFilm, tmp_path: Path) -> None:
    for name, film in (("a", cats), ("b", cats), ("c", replace(cats, positions=cats.positions + 1))):
        write_svg(tmp_path / name, film, "A cat")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes() != (tmp_path / "c").read_bytes()


def test_the_file_has_no_script_and_refers_to_nothing(cats: ParticleFilm, tmp_path: Path) -> None:
    write_svg(tmp_path / "a.svg", cats, "A cat")
    text = (tmp_path / "a.svg").read_text("utf-8").replace("http://www.w3.org/2000/svg", "")
    assert not re.search(r"http|script|href|url\(|@import|on\w+=", text)


@pytest.mark.parametrize("title", ["</svg><script>", "\"<b>'&amp;&", "]]>", "猫", "a\x01b\x0bc", "\udce9"])
def test_any_title_and_comment_is_text(title: str, tmp_path: Path) -> None:
    film = replace(page_of(_spirals(frames=3)), comment=title, captions=(title,) * 3)
    write_svg(tmp_path / "a.svg", film, title)
    svg = _read(tmp_path / "a.svg")
    shown = re.sub("[\x01\x0b]", "", title).replace("\udce9", "?")
    for name in ("title", "metadata"):
        assert svg.find(f"{NAMESPACE}{name}").text == shown  # type: ignore[union-attr]
    assert {text.text for text in svg.iter(f"{NAMESPACE}text")} == {shown}
    assert "dots" in svg.find(f"{NAMESPACE}desc").text  # type: ignore[union-attr, operator]


def test_a_wide_film_is_wide(tmp_path: Path) -> None:
    film = replace(page_of(_spirals()), width=400, height=100)
    write_svg(tmp_path / "a.svg", film, "")
    svg = _read(tmp_path / "a.svg")
    assert (svg.get("width"), svg.get("height"), svg.get("viewBox")) == ("400", "100", f"0 0 {STEPS} {STEPS // 4}")


def test_a_see_through_background_is_no_rectangle(tmp_path: Path) -> None:
    film = page_of(_spirals())
    write_svg(tmp_path / "a.svg", film, "")
    assert _read(tmp_path / "a.svg").find(f"{NAMESPACE}rect") is not None
    clear = [ThemeColours(theme.foreground, "transparent") for theme in (LIGHT, DARK)]
    write_svg(tmp_path / "a.svg", replace(film, light=clear[0], dark=clear[1]), "")
    assert _read(tmp_path / "a.svg").find(f"{NAMESPACE}rect") is None
    assert "rect" not in (tmp_path / "a.svg").read_text()


def _coloured(pictures: int) -> ParticleFilm:
    """Particles in two groups of colours, which swap between two pictures."""
    colours = np.zeros((pictures, 40, 3), np.uint8)
    colours[0, :25], colours[0, 25:] = (200, 0, 0), (0, 0, 200)
    if pictures == 1:
        return page_of(_spirals(frames=4), colours=colours)
    colours[1] = (0, 150, 0)
    paints = (Paint(0, 1, 0, 0), Paint(0, 1, 0, 0.5), Paint(1, 0, 0.5, 1), Paint(1, 0, 1, 1))
    return page_of(_spirals(frames=4), colours=colours, paints=paints)


def test_particles_of_each_colour_are_a_path(tmp_path: Path) -> None:
    film = _coloured(1)
    write_svg(tmp_path / "a.svg", film, "")
    svg = _read(tmp_path / "a.svg")
    for group, last in (("still", film.positions[-1]), ("moving", None)):
        paths = {path.get("stroke"): path for path in _group(svg, group)}
        assert set(paths) == {"#c80000", "#0000c8"}
        for colour, part in (("#c80000", slice(25)), ("#0000c8", slice(25, None))):
            if last is not None:
                found = _points(paths[colour].attrib["d"])
                np.testing.assert_allclose(_sorted(np.rint(found)), _sorted(np.rint(last[part])), atol=1)
            else:
                for start, positions in zip(_starts(film), film.positions, strict=True):
                    assert _distance(_positions_at(paths[colour], start), positions[part]) <= NEAR + EPSILON


def test_between_two_pictures_groups_swap_their_colours(tmp_path: Path) -> None:
    film = _coloured(2)
    write_svg(tmp_path / "a.svg", film, "")
    swaps = []
    for path in _group(_read(tmp_path / "a.svg"), "moving"):
        animation = _animation(path, "stroke")
        colours = animation.attrib["values"].split(";")
        times = [float(time) * sum(film.delays) / 100 for time in animation.attrib["keyTimes"].split(";")]
        assert animation.get("calcMode") == "discrete"
        assert (path.get("stroke"), times[0]) == (colours[0], 0)
        assert colours[0] in {"#c80000", "#0000c8"}
        assert colours[1:] == ["#009600"]
        swaps.append(times[1])
    # Those whose turn is in the first half, and all others.
    assert sorted({round(swap, 3) for swap in swaps}) == [0.05, 0.15]
    assert 0.4 * len(swaps) <= sum(swap < 0.1 for swap in swaps) <= 0.6 * len(swaps)


# The browser.

Show = Callable[..., Tab]
READY = "document.readyState === 'complete'"
TWO_FRAMES = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"


@pytest.fixture
def show(chromium: Chromium, tmp_path: Path) -> Iterator[Show]:
    """Opens an SVG from its file, stopped at its start."""
    tabs: list[Tab] = []

    def show(film: ParticleFilm, **media: str) -> Tab:
        file = tmp_path / "film.svg"
        write_svg(file, replace(film, light=LIGHT, dark=DARK), "A cat")
        media = {"color_scheme": "light", "reduced_motion": "no-preference"} | media
        tabs.append(Tab(chromium, file.as_uri(), size=(480, 480), **media))
        tabs[-1].wait(READY)
        tabs[-1].evaluate("document.documentElement.pauseAnimations()")
        return tabs[-1]

    yield show
    for tab in tabs:
        tab.close()


def _seek(tab: Tab, seconds: float) -> None:
    tab.evaluate(f"document.documentElement.setCurrentTime({seconds})")
    tab.evaluate(TWO_FRAMES)


# Chromium shows an animated path as absolute moves and lines.
PLACES = """(() => {
  const paths = [...document.querySelectorAll(".moving path")].map((path) => getComputedStyle(path).d);
  return paths.map((d) => [...d.matchAll(/M (\\S+) (\\S+)/g)].map((move) => [+move[1], parseFloat(move[2])]));
})()"""


def _places(tab: Tab) -> np.ndarray:
    return np.concatenate([np.array(path) for path in tab.evaluate(PLACES)]) * 480 / STEPS - 0.5


def test_a_browser_moves_every_particle_as_the_film_does(show: Show, cats: ParticleFilm) -> None:
    tab = show(cats)
    for index, start in [*enumerate(_starts(cats))][:: (FRAMES - 1) // 4]:
        _seek(tab, start + 1e-4)
        if index % 2 == 0:
            ink = 1 - tab.screenshot().mean(2) / 255
            assert correlation(ink, drawn_discs(cats.positions[index], cats.radii[0], 480)) > 0.98
        assert _distance(_places(tab), cats.positions[index]) <= NEAR + 5 * EPSILON


def _ground(tab: Tab) -> str:
    return "#" + bytes(tab.screenshot()[2, 2]).hex()


def test_the_theme_is_the_readers(show: Show, cats: ParticleFilm) -> None:
    tab = show(cats)
    for scheme, theme in (("light", LIGHT), ("dark", DARK)):
        tab.prefer(color_scheme=scheme, reduced_motion="no-preference")
        assert _ground(tab) == theme.background
        assert theme.foreground in {"#" + bytes(colour).hex() for colour in tab.screenshot().reshape(-1, 3)[::7]}


def test_who_wants_no_motion_sees_the_picture(show: Show, cats: ParticleFilm) -> None:
    tab = show(cats, reduced_motion="reduce")
    tab.evaluate("document.documentElement.unpauseAnimations()")
    first = tab.screenshot()
    tab.evaluate("new Promise((done) => setTimeout(done, 150))")
    np.testing.assert_array_equal(tab.screenshot(), first)
    exact = drawn_discs(cats.positions[-1], cats.radii[0], 480)
    assert correlation(1 - first.mean(2) / 255, exact) > 0.98


def test_an_img_plays(chromium: Chromium, cats: ParticleFilm, tmp_path: Path) -> None:
    write_svg(tmp_path / "film.svg", replace(cats, light=LIGHT, dark=DARK), "A cat")
    (tmp_path / "page.html").write_text(
        '<!doctype html><meta name="color-scheme" content="light dark">'
        '<body style="margin: 0"><img src="film.svg" alt="A cat">'
    )
    tab = Tab(chromium, (tmp_path / "page.html").as_uri(), (480, 480), color_scheme="dark")
    tab.wait(READY)
    assert tab.box("img")[2:] == (480, 480)
    before = tab.screenshot()
    assert "#" + bytes(before[2, 2]).hex() == DARK.background
    for _ in range(40):
        tab.evaluate("new Promise((done) => setTimeout(done, 50))")
        if (tab.screenshot() != before).any():
            break
    else:
        pytest.fail("nothing moves")
    tab.close()


def test_a_film_that_ends_stays_at_its_last_frame(show: Show) -> None:
    film = page_of(_spirals(frames=4), loops=2)
    tab = show(film)
    for seconds, row in ((0.0001, 0), (0.3, 3), (0.7501, 0), (1.6, 3), (99, 3)):
        _seek(tab, seconds)
        assert _distance(_places(tab), film.positions[row]) <= NEAR + 5 * EPSILON


def test_particles_grow_where_pictures_differ(show: Show) -> None:
    film = page_of(np.full((3, 1, 2), 240.0) + np.arange(3)[:, None, None], radii=(20.0, 40.0, 60.0))
    tab = show(replace(film, delays=(50, 50, 50)))
    for seconds, radius in ((0, 20), (0.5, 40), (1, 60)):
        _seek(tab, seconds + 1e-4)
        ink = (1 - tab.screenshot().mean(2) / 255).sum() / (1 - 0x20 / 255)
        assert ink == pytest.approx(np.pi * radius**2, rel=0.03)


def _captioned(**changes: Any) -> ParticleFilm:
    return page_of(_spirals(frames=3), delays=(50, 50, 50), captions=("t = 0", "t = <1>", "t = 2"), **changes)


def test_captions_change_with_the_frames(show: Show) -> None:
    visible = """[...document.querySelectorAll(".moving text")]
      .filter((text) => getComputedStyle(text).visibility === "visible").map((text) => text.firstChild.data)"""
    tab = show(_captioned())
    for seconds, caption in ((0.1, "t = 0"), (0.6, "t = <1>"), (1.4, "t = 2")):
        _seek(tab, seconds)
        assert tab.evaluate(visible) == [caption]
    # It stands below the picture.
    assert tab.box("svg")[2:] == (480, 480 + 48)
    assert tab.evaluate("document.documentElement.viewBox.baseVal.height") > STEPS
    assert tab.screenshot()[:, :].min() < 255


def test_colours_are_those_of_the_picture(show: Show) -> None:
    film = replace(_coloured(2), radii=(8.0,) * 4)
    tab = show(film)
    for seconds, expected in ((0.01, {"#c80000", "#0000c8"}), (0.4, {"#009600"})):
        _seek(tab, seconds)
        drawn = {"#" + bytes(colour).hex() for colour in np.unique(tab.screenshot().reshape(-1, 3), axis=0)}
        assert expected <= drawn
        assert not drawn & ({"#c80000", "#0000c8", "#009600"} - expected)


def test_two_svgs_in_one_page_keep_their_own_colours(chromium: Chromium, tmp_path: Path) -> None:
    parts = []
    for name, colour in (("a", "#ff0000"), ("b", "#0000ff")):
        theme = ThemeColours(colour, "#ffffff")
        write_svg(tmp_path / name, page_of(_spirals(n=30 + len(parts)), light=theme, dark=theme), name)
        parts.append((tmp_path / name).read_text("utf-8"))
    (tmp_path / "page.html").write_text(f"<!doctype html><p>text</p>{''.join(parts)}", "utf-8")
    tab = Tab(chromium, (tmp_path / "page.html").as_uri(), (1000, 1100))
    tab.wait(READY)
    strokes = "[...document.querySelectorAll('.moving path')].map((path) => getComputedStyle(path).stroke)"
    assert tab.evaluate(strokes) == ["rgb(255, 0, 0)", "rgb(0, 0, 255)"]
    assert tab.evaluate("getComputedStyle(document.querySelector('p')).color") == "rgb(0, 0, 0)"
    tab.close()


def test_svg_is_a_row_of_the_table() -> None:
    row = FORMATS[".svg"]
    assert (row.made_of, row.media_type) == (ParticleFilm, "image/svg+xml")
