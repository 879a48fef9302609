"""SVG files: what is drawn of them, and what is refused because it reaches outside the file or never ends."""

from __future__ import annotations

import base64
import gzip

import numpy as np
import pytest
from PIL import Image

from flowgif.errors import UnusableInput
from flowgif.targets.reading import svg
from flowgif.targets.reading.loading import load_picture

HEAD = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 12 8"'
BLOCK = '<rect x="2" y="1" width="3" height="3"/>'


def drawn(folder, text, name="logo.svg", side=12):
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return load_picture(path, max_side=side)


def opaque(picture):
    return np.argwhere(np.asarray(picture.image)[..., 3] > 127).tolist()


BLOCK_PIXELS = [[row, column] for row in (1, 2, 3) for column in (2, 3, 4)]
ENTITIES = '<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd" ['
WHOLE = f"{HEAD}>{BLOCK}</svg>"
READABLE = {
    "plain": WHOLE,
    "with a byte order mark": "\ufeff" + WHOLE,
    "packed": gzip.compress(WHOLE.encode()),
    "UTF-16": ('<?xml version="1.0" encoding="UTF-16"?>' + WHOLE).encode("utf-16"),
    "prefixes": '<s:svg xmlns:s="http://www.w3.org/2000/svg" viewBox="0 0 12 8"><s:rect x="2" y="1" width="3" '
    'height="3"/></s:svg>',
    "from an HTML page": f'<svg viewBox="0 0 12 8">{BLOCK}</svg>',
    "entities for names": f'{ENTITIES}<!ENTITY n "http://www.w3.org/2000/svg">]><svg xmlns="&n;" '
    f'viewBox="0 0 12 8">{BLOCK}</svg>',
    "a link, a script and a profile": f'{HEAD}><script href="a.js"/><color-profile xlink:href="a.icc"/>'
    f'<a xlink:href="https://example.com">{BLOCK}</a></svg>',
    "a font and a gradient": f"{HEAD}><style>/* url(a) */ @font-face{{src:url(a.woff)}}"
    " rect{fill:url( '#g' )}</style>"
    f'<linearGradient id="g"><stop stop-color="red"/></linearGradient>{BLOCK}</svg>',
}


@pytest.mark.parametrize("kind", READABLE)
def test_an_svg_is_drawn(tmp_path, kind):
    # A suffix that says something else does no harm.
    picture = drawn(tmp_path, READABLE[kind], name="logo.png" if kind == "packed" else "logo.svg")
    assert opaque(picture) == BLOCK_PIXELS
    assert picture.size_as_given == picture.image.size == (12, 8)
    assert picture.remarks == ("drawn at 12x8 pixels (--max-side 12)",)


@pytest.mark.parametrize(
    ("size", "drawn_at"),
    [
        ('viewBox="0 0 100 50"', (64, 32)),
        ('width="3cm" height="4cm"', (48, 64)),
        ('width="200" viewBox="0 0 100 50"', (64, 32)),
        ('width="100000" height="100000"', (64, 64)),
        ('viewBox="0 0 1000000 1"', (64, 1)),
        ("", (64, 48)),  # as far as the rectangle
    ],
)
def test_an_svg_has_its_own_proportions_and_the_fits_size(tmp_path, size, drawn_at):
    text = f'<svg xmlns="http://www.w3.org/2000/svg" {size}><rect x="10" y="20" width="30" height="10"/></svg>'
    assert drawn(tmp_path, text, side=64).image.size == drawn_at


def test_an_svg_in_a_pngs_place_and_a_png_in_its(tmp_path):
    Image.new("L", (9, 7), 99).save(tmp_path / "logo.svg", "PNG")
    assert load_picture(tmp_path / "logo.svg").image.size == (9, 7)
    assert opaque(drawn(tmp_path, WHOLE, "logo.png")) == BLOCK_PIXELS


def test_text_is_drawn_in_a_font_of_our_own(tmp_path):
    texts = [
        f'{HEAD}><text y="8" font-family="{family}">l</text></svg>' for family in ("Arial", "serif", "DejaVu Sans")
    ]
    pictures = [drawn(tmp_path, text) for text in texts]
    assert len({picture.image.tobytes() for picture in pictures}) == 1
    assert opaque(pictures[0])
    assert "its text is drawn in DejaVu Sans; make paths of it for another font" in pictures[0].remarks


def test_html_within_is_said_to_be_missing(tmp_path):
    picture = drawn(tmp_path, f"{HEAD}>{BLOCK}<foreignObject/></svg>")
    assert "the HTML in it (foreignObject) is not drawn" in picture.remarks


def packed_in(text):
    return "data:image/svg+xml;base64," + base64.b64encode(text.encode()).decode()


def test_embedded_pictures_are_drawn_and_reach_nothing(tmp_path):
    Image.new("L", (1, 1)).save(tmp_path / "dot.png")
    inner = f'{HEAD}><image href="{tmp_path / "dot.png"}" width="12" height="8"/></svg>'
    for within, expected in ((WHOLE, BLOCK_PIXELS), (inner, [])):
        text = f'{HEAD}><image width="12" height="8" href="{packed_in(within)}"/></svg>'
        assert opaque(drawn(tmp_path, text)) == expected


OUTSIDE = [
    '<image href="dot.png" width="9" height="9"/>',
    '<image xlink:href="/etc/passwd" width="9" height="9"/>',
    '<image href=" file:///etc/passwd"/>',
    '<image href="https://example.com/a.png"/>',
    '<filter id="f"><feImage href="dot.png"/></filter>',
    '<use xlink:href="sprite.svg#logo"/>',
    '<i:include xmlns:i="http://www.w3.org/2001/XInclude" href="/etc/passwd" parse="text"/>',
    '<style>@import url("https://fonts.googleapis.com/css?family=Lobster");</style>',
    "<style>rect { fill: url(other.svg#g) }</style>",
    '<rect style="fill: url( other.svg#g )"/>',
    '<rect fill="url(other.svg#g)"/>',
]


@pytest.mark.parametrize("element", OUTSIDE)
def test_what_reaches_outside_is_refused(tmp_path, element):
    Image.new("L", (1, 1)).save(tmp_path / "dot.png")
    with pytest.raises(UnusableInput, match=r"logo\.svg refers to another file \(.+\), which is not read; embed"):
        drawn(tmp_path, f"{HEAD}>{BLOCK}{element}</svg>")


GROWING = "".join(f'<!ENTITY a{i} "{f"&a{i - 1};" * 10}">' for i in range(1, 9))
PATTERN = (
    '<pattern id="p" width="1e5" height="1e5" patternUnits="userSpaceOnUse"><rect width="1e6" height="1e6"/></pattern>'
)
UNUSABLE = {
    "another language": ("<!DOCTYPE html><html><body>404</body></html>", "is no SVG, but HTML"),
    "cut": (f"{HEAD}><rect", "is no valid SVG .*save it anew"),
    "entities that grow": (f'<!DOCTYPE svg [<!ENTITY a0 "lol">{GROWING}]>{HEAD}>&a8;</svg>', "is no valid SVG"),
    "an entity from a file": (f'<!DOCTYPE svg [<!ENTITY a SYSTEM "file:///etc/passwd">]>{HEAD}>&a;</svg>', "undefined"),
    "deep": (f"{HEAD}>{'<g>' * 20000}{BLOCK}{'</g>' * 20000}</svg>", "too deep; simplify it"),
    "no size": ('<svg xmlns="http://www.w3.org/2000/svg" width="0" height="0"/>', "cannot be drawn .*size"),
    "a pattern as large as the memory": (
        f'{HEAD}>{PATTERN}<rect width="12" height="8" fill="url(#p)"/></svg>',
        "too much memory",
    ),
    "packed and cut": (gzip.compress(WHOLE.encode())[:-12], "cannot be unpacked"),
    "unpacked, a hundred times as large": (gzip.compress(WHOLE.encode() + b" " * 2**24), "more than 16 MB"),
}


@pytest.mark.parametrize("kind", UNUSABLE)
def test_what_cannot_be_drawn_is_refused(tmp_path, kind):
    text, message = UNUSABLE[kind]
    with pytest.raises(UnusableInput, match=rf"logo\.svg .*{message}"):
        drawn(tmp_path, text, side=1024)


def test_a_drawing_that_does_not_end_is_stopped(tmp_path, monkeypatch):
    monkeypatch.setattr(svg, "SECONDS", 0.5)
    slow = '<filter id="f"><feMorphology operator="dilate" radius="1e3"/></filter>'
    with pytest.raises(UnusableInput, match=r"takes more than 0\.5 s to draw"):
        drawn(tmp_path, f'{HEAD}>{slow}<rect width="9" height="8" filter="url(#f)"/></svg>', side=1024)


def test_an_svg_has_one_frame(tmp_path):
    path = tmp_path / "logo.svg"
    path.write_text(WHOLE)
    with pytest.raises(UnusableInput, match="has 1 frame, no frame 2; leave --frame out"):
        load_picture(path, frame=2)
