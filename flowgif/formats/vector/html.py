"""Writes trajectories of particles as one HTML file that plays them and needs no other file.

The file is ``player.html`` with one JSON object in it. Its ``delays`` are hundredths of a second. Its ``radius`` is one
number, or a list of numbers, one for each shown frame. Its ``data`` is base64 of raw deflate (RFC 1951) of bytes.
Coordinates are whole steps from the middle of the frame. Of each particle's coordinate, the data hold the first value,
the first difference, and from there on the second differences, which are small because particles hardly turn between
frames. Each is zigzag-coded (0, -1, 1, -2, ...) modulo 2^16, in the order (column and row, particles, frames). All low
bytes come first, then all high ones, which are nearly all 0. If there are colours, a byte for each picture and each
particle follows: the index of its colour in ``palette``.
"""

from __future__ import annotations

import base64
import json
import zlib
from dataclasses import asdict
from importlib.resources import files
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from flowgif.formats.vector.particles import ParticleFilm

__all__ = ["write_page"]

# Steps along the longer side: an eighth of a pixel if the picture fills a screen.
STEPS = 8192
MAX_COLOURS = 256  # a byte can number this many
PLACEHOLDER = "{{payload}}"


def write_page(path: Path, film: ParticleFilm, title: str) -> None:
    """Writes a page as one file that works offline; the same particles give the same bytes.

    Positions are accurate to half a step of 1/8192 of the longer side, within four sides of the middle. Up to 256
    colours are exact; more are replaced by the nearest of 256.

    Args:
        path: a new file.
        film: the particles.
        title: any text; '' for none.
    """
    step = max(film.width, film.height) / STEPS
    data = _pack(film, step)
    palette = None
    if film.colours is not None:
        palette, indices = _index(film.colours)
        data += indices.tobytes()
    deflate = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    radii = [float(radius) for radius in film.radii]
    payload = {
        "title": title,
        "comment": film.comment,
        "width": film.width,
        "height": film.height,
        "frames": film.positions.shape[0],
        "points": film.positions.shape[1],
        "step": step,
        # One number if all are the same.
        "radius": radii if len(set(radii)) > 1 else radii[0],
        "loops": film.loops,
        "light": asdict(film.light),
        "dark": asdict(film.dark),
        "delays": film.delays if film.ticks == 100 else [100 * delay / film.ticks for delay in film.delays],
        "order": film.order,
        "moves": film.moves,
        "still": film.still,
        "paints": film.paints,
        "captions": film.captions,
        "palette": palette,
        "data": base64.b64encode(deflate.compress(data) + deflate.flush()).decode(),
    }
    # Inside a script element only '<' can be taken for HTML's, and it occurs in strings alone.
    text = json.dumps(payload, separators=(",", ":")).replace("<", "\\u003c")
    before, after = files("flowgif.formats.vector").joinpath("player.html").read_text("utf-8").split(PLACEHOLDER)
    path.write_bytes(f"{before}{text}{after}".encode())


def _pack(film: ParticleFilm, step: float) -> bytes:
    """Returns the coded differences: (2, n, frames) low bytes, then as many high ones."""
    middle = ((film.width - 1) / 2, (film.height - 1) / 2)
    steps = np.clip(np.rint((film.positions - middle) / step), -(2**15), 2**15 - 1).astype(np.int64)
    first = np.diff(steps, axis=0)
    second = np.concatenate([steps[:1], first[:1], np.diff(first, axis=0)])
    # Modulo 2^16, so that differences of distant positions have codes too.
    wrapped = second.transpose(2, 1, 0).astype(np.int16).astype(np.int32)
    code = (wrapped << 1 ^ wrapped >> 31).astype(np.uint16)
    return (code & 255).astype(np.uint8).tobytes() + (code >> 8).astype(np.uint8).tobytes()


def _index(colours: npt.NDArray[np.uint8]) -> tuple[list[str], npt.NDArray[np.uint8]]:
    """Returns at most 256 colours as '#rrggbb', and the index of each of (pictures, n, 3) in them, (pictures * n,)."""
    colours = colours.reshape(-1, 3)
    distinct, indices = np.unique(colours, axis=0, return_inverse=True)
    if len(distinct) > MAX_COLOURS:
        image = Image.fromarray(colours[None]).quantize(MAX_COLOURS, dither=Image.Dither.NONE)
        used, indices = np.unique(np.asarray(image), return_inverse=True)
        distinct = np.asarray(image.getpalette(), np.uint8).reshape(-1, 3)[used]
    return ["#" + bytes(colour).hex() for colour in distinct], indices.reshape(-1).astype(np.uint8)
