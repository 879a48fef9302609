"""Particles' trajectories into one HTML file that plays them, and needs nothing else.

The file is ``player.html`` with one JSON object in it. Its ``data`` is base64 of raw deflate (RFC 1951) of bytes. From
each trajectory's coordinate, in whole steps from the middle of the frame, are kept where it begins, its first
difference, and from there on the second differences: particles hardly turn between frames, so these are small. Each is
zigzag-coded (0, -1, 1, -2, ...) modulo 2^16, in the order (column and row, particles, frames); all low bytes come
first, then all high ones, which are nearly all 0. Where there are colours, a byte for each picture and each particle
follows: its colour's place in ``palette``.
"""

from __future__ import annotations

import base64
import json
import re
import zlib
from dataclasses import asdict, dataclass
from importlib.resources import files
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from flowgif.errors import CheckFailed, NumericalError
from flowgif.files import write_atomically
from flowgif.formats.fit import describe
from flowgif.timeline import Paint

__all__ = ["Page", "Theme", "write_html"]

# Steps along the longer side: an eighth of a pixel where the picture fills a screen.
STEPS = 8192
MOST_COLOURS = 256  # as many as a byte tells apart
PLACEHOLDER = "{{payload}}"


@dataclass(frozen=True)
class Theme:
    """Two colours, each '#rrggbb'."""

    foreground: str
    background: str

    def __post_init__(self) -> None:
        for colour in (self.foreground, self.background):
            if not re.fullmatch("#[0-9a-fA-F]{6}", colour):
                raise ValueError(f"'{colour}' is no colour; write #rrggbb")


@dataclass(frozen=True)
class Page:
    """What is shown, and when.

    Attributes:
        title: any text; '' for none.
        width, height: of the frame, pixels; on the screen it is as large as there is room, in this ratio.
        positions: (frames, n, 2), (column, row) in pixels of the frame, the first pixel's centre at (0, 0); also
            outside the frame.
        radius: of a particle, pixels of the frame.
        delays: how long each shown frame stays, hundredths of a second.
        order: the index into ``positions`` of each shown frame.
        moves: whether from each shown frame particles move to the next, the first coming after the last; otherwise the
            picture cuts.
        still: the shown frame that readers see who want no motion.
        colours: of each particle in each picture, (pictures, n, 3) uint8; None for the theme's foreground.
        paints: of each shown frame; None where there is one picture.
        captions: of each shown frame; None for none.
        loops: how often it plays; 0 for ever.
        light, dark: the colours, as the reader's system prefers them.
        comment: any text; it is in the file but not on the page.
    """

    title: str
    width: int
    height: int
    positions: npt.NDArray[np.floating]
    radius: float
    delays: tuple[int, ...]
    order: tuple[int, ...]
    moves: tuple[bool, ...]
    still: int
    colours: npt.NDArray[np.uint8] | None = None
    paints: tuple[Paint, ...] | None = None
    captions: tuple[str, ...] | None = None
    loops: int = 0
    light: Theme = Theme("#181c3e", "#ffffff")
    dark: Theme = Theme("#e4e7f5", "#13151f")
    comment: str = ""

    def __post_init__(self) -> None:
        frames, n, _ = self.positions.shape
        shown = len(self.order)
        if self.positions.shape != (frames, n, 2) or frames < 1:
            raise ValueError(f"positions are {self.positions.shape}; they must be (frames, n, 2)")
        if not np.isfinite(self.positions).all():
            raise NumericalError("particles are nowhere: their positions are not finite; train again with a lower --lr")
        if shown < 1 or not all(0 <= index < frames for index in self.order):
            raise ValueError(f"order must name at least one frame, each below {frames}")
        if len(self.delays) != shown or min(self.delays) < 1:
            raise ValueError(f"delays must be {shown}, each at least 1")
        if len(self.moves) != shown or not 0 <= self.still < shown:
            raise ValueError(f"moves must be {shown}, and still one of as many frames")
        if self.captions is not None and len(self.captions) != shown:
            raise ValueError(f"captions must be {shown}")
        pictures = 0 if self.colours is None else len(self.colours)
        if self.colours is not None and (self.colours.shape != (pictures, n, 3) or not pictures):
            raise ValueError(f"colours are {self.colours.shape}; they must be (pictures, {n}, 3)")
        if self.paints is not None and (
            len(self.paints) != shown or any(max(paint.own, paint.other) >= pictures for paint in self.paints)
        ):
            raise ValueError(f"paints must be {shown}, each of {pictures} pictures")


def write_html(path: Path, page: Page, most_bytes: int | None = None) -> None:
    """Writes the page as one file that works offline; the same page gives the same bytes.

    Args:
        path: where; replaced whole, or left alone.
        page: what. Positions are kept to half a step of 1/8192 of the longer side, within four sides from the middle;
            colours as they are where there are at most 256, otherwise the nearest of so many.
        most_bytes: of the file; None for any number.

    Raises:
        UnusableInput: the place cannot be written.
        CheckFailed: the page is larger than is allowed.
    """
    step = max(page.width, page.height) / STEPS
    data = _pack(page, step)
    palette = None
    if page.colours is not None:
        palette, indices = _index(page.colours)
        data += indices.tobytes()
    deflate = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    payload = {
        "title": page.title,
        "comment": page.comment,
        "width": page.width,
        "height": page.height,
        "frames": page.positions.shape[0],
        "points": page.positions.shape[1],
        "step": step,
        "radius": float(page.radius),
        "loops": page.loops,
        "light": asdict(page.light),
        "dark": asdict(page.dark),
        "delays": page.delays,
        "order": page.order,
        "moves": page.moves,
        "still": page.still,
        "paints": page.paints,
        "captions": page.captions,
        "palette": palette,
        "data": base64.b64encode(deflate.compress(data) + deflate.flush()).decode(),
    }
    # Inside a script element only '<' can be taken for HTML's, and it occurs in strings alone.
    text = json.dumps(payload, separators=(",", ":")).replace("<", "\\u003c")
    before, after = files("flowgif.formats.vector").joinpath("player.html").read_text("utf-8").split(PLACEHOLDER)
    content = f"{before}{text}{after}".encode()
    if most_bytes is not None and len(content) > most_bytes:
        raise CheckFailed(
            f"{path}: {describe(len(content))}, more than {describe(most_bytes)}; allow more, or show fewer --points"
        )
    write_atomically(path, lambda beside: beside.write_bytes(content))


def _pack(page: Page, step: float) -> bytes:
    """The coded differences: (2, n, frames) low bytes, then as many high ones."""
    middle = ((page.width - 1) / 2, (page.height - 1) / 2)
    steps = np.clip(np.rint((page.positions - middle) / step), -(2**15), 2**15 - 1).astype(np.int64)
    first = np.diff(steps, axis=0)
    second = np.concatenate([steps[:1], first[:1], np.diff(first, axis=0)])
    # Modulo 2^16, so that also the difference of far places has its code.
    wrapped = second.transpose(2, 1, 0).astype(np.int16).astype(np.int32)
    code = (wrapped << 1 ^ wrapped >> 31).astype(np.uint16)
    return (code & 255).astype(np.uint8).tobytes() + (code >> 8).astype(np.uint8).tobytes()


def _index(colours: npt.NDArray[np.uint8]) -> tuple[list[str], npt.NDArray[np.uint8]]:
    """At most 256 colours, '#rrggbb', and which of them each of (pictures, n, 3) is, (pictures * n,)."""
    colours = colours.reshape(-1, 3)
    distinct, indices = np.unique(colours, axis=0, return_inverse=True)
    if len(distinct) > MOST_COLOURS:
        image = Image.fromarray(colours[None]).quantize(MOST_COLOURS, dither=Image.Dither.NONE)
        used, indices = np.unique(np.asarray(image), return_inverse=True)
        distinct = np.asarray(image.getpalette(), np.uint8).reshape(-1, 3)[used]
    return ["#" + bytes(colour).hex() for colour in distinct], indices.reshape(-1).astype(np.uint8)
