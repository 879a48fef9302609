"""Texts as pictures: their size, their lines, their fonts, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from flowgif.errors import UnusableInput
from flowgif.targets.reading.fonts import bundled_font
from flowgif.targets.reading.text import MARGIN, draw_text

SIDE = 256


def drawn(text, **options):
    """The opacity of a text's picture, (rows, columns) in [0, 1]."""
    picture = draw_text(text, max_side=SIDE, **options)
    assert picture.size_as_given == picture.image.size
    return np.asarray(picture.image)[..., 3] / 255


@pytest.mark.parametrize("text", ["Hello", "j", ".", "|", "—", "gjpqy", "Größe\nÀÉ", "one two three four five six"])
def test_a_text_fills_its_frame(text):
    ink = drawn(text)
    assert max(ink.shape) in (SIDE - 1, SIDE)
    rows, columns = np.nonzero(ink)
    edges = [rows.min(), columns.min(), ink.shape[0] - 1 - rows.max(), ink.shape[1] - 1 - columns.max()]
    assert len(set(edges)) == 1
    # A size of a font moves edges by a pixel at most.
    assert edges[0] == pytest.approx(MARGIN * SIDE, abs=2)


def bands(ink):
    """The number of bands of ink, from above to below."""
    inked = np.concatenate([[False], ink.any(1)])
    return int((~inked[:-1] & inked[1:]).sum())


@pytest.mark.parametrize("text", ["one\ntwo\nthree", r"one\ntwo\nthree", "\n one \r\ntwo\nthree\n\n"])
def test_lines_stand_below_each_other_in_the_middle(text):
    ink = drawn(text)
    assert bands(ink) == 3
    assert np.array_equal(ink, drawn("one\ntwo\nthree"))
    first = ink[: ink.shape[0] // 3]
    columns = np.nonzero(first.any(0))[0]
    assert (columns.min() + columns.max()) / 2 == pytest.approx((ink.shape[1] - 1) / 2, abs=3)


def test_a_backslash_is_written_twice():
    assert bands(drawn(r"C:\\new")) == 1
    assert bands(drawn(r"C:\new")) == 2


def test_the_same_letters_written_in_two_ways_are_one_picture():
    assert np.array_equal(drawn("e\u0301te\u0301"), drawn("été"))
    assert np.array_equal(drawn("❤\ufe0f"), drawn("❤"))


def test_another_font():
    serif = bundled_font("DejaVuSerif.ttf")
    assert not np.array_equal(drawn("Hello", font=serif), drawn("Hello"))
    assert 0 < drawn("Hello", font=serif).mean() < drawn("Hello").mean()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the text is empty"),
        (" \n\t", "the text is empty"),
        ("\u200b", "nothing to draw"),
        ("日本 Hello", r"DejaVuSans-Bold\.ttf has no glyph for 日 U\+65E5, 本 U\+672C; .*--font FILE"),
        ("\a", r"no glyph for U\+0007;"),
        ("x" * 500, r"too long for 256 pixels: its letters would be \d pixels high; break it into lines"),
    ],
)
def test_what_cannot_be_drawn_is_refused(text, message):
    with pytest.raises(UnusableInput, match=message):
        drawn(text)


def test_what_is_no_font_is_refused(tmp_path):
    (tmp_path / "notes.ttf").write_text("no font")
    for path, message in (
        (tmp_path / "notes.ttf", "is no font that can be scaled"),
        (tmp_path, "is no file; give a font's file"),
        (Path("Arial"), "no such font: Arial"),
        (Path("https://example.com/a.ttf"), "is an address.*download it first"),
    ):
        with pytest.raises(UnusableInput, match=message):
            drawn("Hello", font=path)
