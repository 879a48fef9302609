"""What is sent to a terminal is decoded again, and is the frame."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Iterator

import numpy as np
import pytest
from films import discs, film_of, noise, ramp
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from flowgif.cli.playing.pictures import CHUNK, PAINTERS, Box, fit
from flowgif.cli.playing.terminal import Abilities, Protocol
from flowgif.drawing.colours import Palette
from flowgif.formats.film import Film

SEE_THROUGH = Palette.ramp(((255, 255, 255), (24, 28, 62)), 6).see_through
FILMS = {
    "opaque": lambda: film_of(discs(3, 41, 31), ramp(6)),
    "see-through": lambda: film_of(discs(3, 41, 31), SEE_THROUGH),
    "noise": lambda: film_of(noise(3, 80, 60, 256), ramp(256)),
    "one pixel": lambda: film_of([np.zeros((1, 1), np.uint8)], ramp(2)),
}


@pytest.fixture(params=FILMS)
def film(request: pytest.FixtureRequest) -> Iterator[Film]:
    with FILMS[request.param]() as film:
        yield film


def _rgba(film: Film, index: int) -> np.ndarray:
    table = np.full((len(film.colours), 4), 255, np.uint8)
    table[:, : film.colours.shape[1]] = film.colours
    return table[film.frame(index)]


def _decoded(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(png, validate=True))).convert("RGBA"))


def test_kitty_gets_each_frame_and_forgets_the_one_before(film: Film) -> None:
    paint, kept, current = PAINTERS["kitty"](film, Box(41, 7, 5)), dict[int, bytes](), 0
    for index in range(len(film)):
        sent = paint(index, film.frame(index))
        commands = re.findall(rb"\x1b_G([^;\x1b]*)(?:;([^\x1b]*))?\x1b\\", sent)
        assert (
            b"".join(b"\x1b_G" + keys + (b";" + data if data else b"") + b"\x1b\\" for keys, data in commands) == sent
        )
        for keys, data in commands:
            named = dict(key.split(b"=") for key in keys.split(b","))
            if named.get(b"a") == b"d":
                kept.pop(int(named[b"i"]), None)
                continue
            assert len(data) <= CHUNK
            if b"a" in named:
                current = int(named[b"i"])
                assert (named[b"c"], named[b"r"], named[b"C"], named[b"q"]) == (b"7", b"5", b"1", b"2")
                assert current not in kept
            kept[current] = kept.get(current, b"") + data
        assert list(kept) == [current]
        np.testing.assert_array_equal(_decoded(kept[current]), _rgba(film, index))


def test_iterm2_gets_a_file(film: Film) -> None:
    sent = PAINTERS["iterm2"](film, Box(41, 7, 5))(0, film.frame(0))
    found = re.fullmatch(rb"\x1b7\x1b\]1337;File=inline=1;size=(\d+);width=7;height=5;[^:]*:([^\x07]*)\x07\x1b8", sent)
    assert found is not None
    assert int(found[1]) == len(base64.b64decode(found[2]))
    np.testing.assert_array_equal(_decoded(found[2]), _rgba(film, 0))


def _pixels_of_sixels(sent: bytes) -> np.ndarray:
    found = re.fullmatch(rb'\x1b7\x1bP0;1;0q"1;1;(\d+);(\d+)((?:#\d+;2;\d+;\d+;\d+)*)(.*)\x1b\\\x1b8', sent)
    assert found is not None
    width, height = int(found[1]), int(found[2])
    colours = {int(i): list(map(int, rgb.split(b";"))) for i, rgb in re.findall(rb"#(\d+);2;([\d;]+)", found[3])}
    out, top, left, colour = np.full((height + 5, width, 3), -1), 0, 0, 0
    for token in re.finditer(rb"#(\d+)|!(\d+)([?-~])|([?-~])|([$-])", found[4]):
        if token[1]:
            colour = int(token[1])
        elif token[5]:
            left, top = 0, top + 6 * (token[5] == b"-")
        else:
            count, bits = int(token[2] or 1), (token[3] or token[4])[0] - ord("?")
            rows = [top + bit for bit in range(6) if bits >> bit & 1]
            out[rows, left : left + count] = colours[colour]
            left += count
    assert (out[height:] == -1).all()
    return out[:height]


def test_sixels_are_the_frame_in_per_cent(film: Film) -> None:
    found = _pixels_of_sixels(PAINTERS["sixel"](film, Box(41, 7, 5))(0, film.frame(0)))
    rgba = _rgba(film, 0).astype(float)
    looks = film.colours[0, :3] + (rgba[..., :3] - film.colours[0, :3]) * (rgba[..., 3:] / 255)
    assert np.abs(found - looks / 2.55).max() <= 0.7


def _pixels_of_blocks(sent: bytes, width: int, height: int) -> np.ndarray:
    """The two colours of each cell; -1 is the terminal's own background."""
    out, row, column, ink, ground = np.full((height + height % 2, width, 3), -1), 0, 0, [-1] * 3, [-1] * 3
    for token in re.finditer(r"\x1b\[([\d;]*)([mA])|\r|\n|(.)", sent.decode()):
        if token[2] == "m":
            numbers = [int(number) for number in token[1].split(";")]
            assert numbers.pop(0) == 0
            ink = ground = [-1] * 3
            while numbers:
                kind, two, *colour = numbers[:5]
                assert two == 2
                ink, ground = (colour, ground) if kind == 38 else (ink, colour)
                numbers = numbers[5:]
        elif token[2] == "A":
            row -= int(token[1])
        elif token[0] == "\r":
            column = 0
        elif token[0] == "\n":
            row += 1
        else:
            upper, lower = {"▀": (ink, ground), "▄": (ground, ink), " ": (ground, ground)}[token[3]]
            out[2 * row, column], out[2 * row + 1, column] = upper, lower
            column += 1
    assert (row, column) == (0, 0)  # the cursor is where it was
    return out


def test_blocks_are_the_frame(film: Film) -> None:
    found = _pixels_of_blocks(PAINTERS["blocks"](film, Box(41, 41, 16))(0, film.frame(0)), film.width, film.height)
    rgba = _rgba(film, 0).astype(int)
    wanted = np.where(rgba[..., 3:] >= 128, rgba[..., :3], -1)
    np.testing.assert_array_equal(found[: film.height], wanted)
    assert (found[film.height :] == -1).all()


@given(
    st.integers(1, 4096), st.integers(1, 4096), st.tuples(st.integers(1, 400), st.integers(2, 200)),
    st.sampled_from(sorted(PAINTERS)), st.tuples(st.integers(4, 40), st.integers(8, 80)),
)  # fmt: skip
def test_pictures_fit_into_the_window(
    width: int, height: int, window: tuple[int, int], protocol: Protocol, cell: tuple[int, int]
) -> None:
    box = fit(width, height, window, Abilities(protocol, cell))
    longer = max(width, height)
    assert 1 <= box.side <= longer
    assert 1 <= box.columns <= window[0]
    assert 1 <= box.rows <= window[1] - 1
    across, down = (1, 2) if protocol == "blocks" else cell
    shown = [max(1.0, length * box.side / longer) for length in (width, height)]
    assert shown[0] <= max(1, box.columns * across) + 0.5
    assert shown[1] <= max(1, box.rows * down) + 0.5
    # The window is filled, or the picture is whole.
    assert box.side == longer or any(
        length * (box.side + 1) / longer > room
        for length, room in ((width, window[0] * across), (height, (window[1] - 1) * down))
    )
