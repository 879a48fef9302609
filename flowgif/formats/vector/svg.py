"""Writes trajectories of particles as one animated SVG that plays without a script, in an ``<img>`` too.

All particles of one colour are one path: a point for each, which the stroke's round ends draw as a disc. SMIL moves the
path's points from one chosen moment to the next. An element for each particle would take five times the bytes.

There are two groups of paths: the picture at the end, and the moving particles. The style sheet shows the moving ones
only where the reader has no objection to motion. So viewers without style sheets show the picture.
"""

from __future__ import annotations

import html
import math
import re
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from flowgif.formats.vector.keys import EASING_TIMES, Keys, choose_keys
from flowgif.formats.vector.particles import ParticleFilm, ThemeColours

__all__ = ["STEPS", "TOLERANCE", "write_svg"]

STEPS = 1920  # steps of the coordinates along the longer side: a quarter of a pixel of 480
TOLERANCE = 1 / 400  # largest distance of a particle from its position in a frame, as a share of the longer side
FONT_SIZE, BASELINE = 0.6, 0.65  # of captions, as shares of the height of their strip
TURNS = 8  # between two pictures the particles of each colour swap it in so many parts
GOLDEN = (5**0.5 - 1) / 2  # its multiples, modulo 1, are spread as evenly as possible
NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


class _Group(NamedTuple):
    """The particles that always have the same colour.

    Attributes:
        particles: their indices; neighbours follow each other, so that the steps between them are short.
        colours: '#rrggbb' in each shown frame; empty for the theme's foreground.
    """

    particles: npt.NDArray[np.int64]
    colours: Sequence[str]


def write_svg(path: Path, film: ParticleFilm, title: str) -> None:
    """Writes an animated SVG; the same particles give the same bytes.

    In every frame all particles are within TOLERANCE of the longer side of their positions.

    Args:
        path: a new file.
        film: the particles.
        title: any text, the picture's name for readers who cannot see it; '' for none.
    """
    scale = STEPS / max(film.width, film.height)
    exact = (film.positions.astype(np.float64) + 0.5) * scale  # a pixel's centre is half a pixel from its edge
    stored = np.rint(exact).astype(np.int64)
    keys = choose_keys(film, stored, exact, TOLERANCE * STEPS)
    groups = _group(film, stored[film.order[film.still]])
    still = "".join(_draw_still(film, group, stored) for group in groups)
    moving = "".join(_draw_moving(film, group, stored, keys) for group in groups)
    width, height = (math.ceil(side * scale) for side in (film.width, film.height))
    strip = round(film.caption_height * scale)
    if film.captions is not None:
        place = f'x="{width // 2}" y="{height + round(BASELINE * strip)}"'
        still += _draw_text(film.captions[film.still], place)
        moving += "".join(_draw_captions(film, film.captions, place))
    diameters = [_number(2 * radius * scale) for radius in film.radii]
    if len(set(diameters)) > 1:
        moving = _animate_along("stroke-width", film, keys, [diameters[frame] for frame in keys.frames]) + moving
    # An SVG may be pasted into a page, where a style sheet holds for everything. This name limits it to this SVG.
    name = f"f{zlib.crc32(moving.encode('utf-8', 'replace')):08x}"
    paint = 'fill="none" stroke="currentColor" stroke-linecap="round"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="{name}" role="img" '
        f'width="{film.width}" height="{film.height + film.caption_height}" viewBox="0 0 {width} {height + strip}" '
        f'font-family="system-ui,sans-serif" font-size="{round(FONT_SIZE * strip)}" text-anchor="middle">',
        f"<title>{_escape(title)}</title>",
        f"<desc>{film.positions.shape[1]} dots flow from a cloud into a picture.</desc>",
        f"<metadata>{_escape(film.comment)}</metadata>",
        f"<style>{_style(film, name)}</style>",
        '<rect width="100%" height="100%"/>' if _has_ground(film) else "",
        f'<g class="still" {paint} stroke-width="{diameters[film.still]}">{still}</g>',
        f'<g class="moving" {paint} stroke-width="{diameters[keys.frames[0]]}">{moving}</g>',
        "</svg>",
    ]
    path.write_bytes("\n".join(part for part in parts if part).encode("utf-8", "replace") + b"\n")


def _style(film: ParticleFilm, name: str) -> str:
    def colours(theme: ThemeColours) -> str:
        ground = f".{name} rect{{fill:{theme.background}}}" if _has_ground(film) else ""
        return f".{name}{{color:{theme.foreground}}}{ground}"

    dark = "" if film.dark == film.light else f"@media(prefers-color-scheme:dark){{{colours(film.dark)}}}"
    motion = f".{name} .moving{{display:inline}}.{name} .still{{display:none}}"
    return (
        f"{colours(film.light)}{dark}.{name} .moving{{display:none}}"
        f"@media(prefers-reduced-motion:no-preference){{{motion}}}"
    )


def _has_ground(film: ParticleFilm) -> bool:
    return "transparent" not in {film.light.background, film.dark.background}


def _group(film: ParticleFilm, positions: npt.NDArray[np.int64]) -> list[_Group]:
    """Groups the particles by colour; particles in a group follow each other in strips across ``positions`` (n, 2)."""
    column, row = positions.T
    strips = max(1, math.isqrt(len(positions)))
    strip = (row - row.min()) * strips // (int(np.ptp(row)) + 1)
    across = np.lexsort((np.where(strip % 2, -column, column), strip))
    if film.colours is None:
        return [_Group(across, ())]
    pictures = len(film.colours)
    part = (GOLDEN * np.arange(len(positions)) % 1 * TURNS).astype(np.uint8) * (pictures > 1)
    # A row for each particle: its colour in each picture, and the part in which it swaps them.
    combined = np.column_stack((film.colours.transpose(1, 0, 2).reshape(-1, 3 * pictures), part))
    distinct, labels = np.unique(combined, axis=0, return_inverse=True)
    groups: list[_Group] = []
    for label, (*channels, number) in enumerate(distinct.tolist()):
        names = ["#" + bytes(channels[3 * run : 3 * run + 3]).hex() for run in range(pictures)]
        turn = (number + 0.5) / TURNS
        paints = film.paints or [(0, 0, 0.0, 0.0)] * len(film)
        colours = [names[other if low <= turn < high else run] for run, other, low, high in paints]
        groups.append(_Group(across[labels.reshape(-1)[across] == label], colours))
    return groups


def _draw_still(film: ParticleFilm, group: _Group, stored: npt.NDArray[np.int64]) -> str:
    colour = f'stroke="{group.colours[film.still]}" ' if group.colours else ""
    return f'<path {colour}d="{_points(stored[film.order[film.still]][group.particles])}"/>'


def _draw_moving(film: ParticleFilm, group: _Group, stored: npt.NDArray[np.int64], keys: Keys) -> str:
    data = [_points(stored[film.order[frame]][group.particles]) for frame in keys.frames]
    motion = _animate_along("d", film, keys, data)
    if not group.colours:
        return f"<path>{motion}</path>"
    return f'<path stroke="{group.colours[0]}">{motion}{_animate_by_frames("stroke", film, group.colours)}</path>'


def _draw_captions(film: ParticleFilm, captions: Sequence[str], place: str) -> Iterator[str]:
    for caption in dict.fromkeys(captions):
        shown = ["visible" if other == caption else "hidden" for other in captions]
        yield _draw_text(caption, f'{place} visibility="{shown[0]}"', _animate_by_frames("visibility", film, shown))


def _draw_text(text: str, attributes: str, children: str = "") -> str:
    return f'<text {attributes} fill="currentColor" stroke="none">{_escape(text)}{children}</text>'


def _points(positions: npt.NDArray[np.int64]) -> str:
    """Returns path data of a point at each of the positions (n, 2), each relative to the one before."""
    steps = np.diff(positions, axis=0, prepend=np.zeros((1, 2), np.int64)).tolist()
    return "".join(f"m{x}{'' if y < 0 else ' '}{y}h0" for x, y in steps)


def _animate_along(attribute: str, film: ParticleFilm, keys: Keys, values: Sequence[str]) -> str:
    """Animates an attribute through a value at each key."""
    (first, second), seconds = EASING_TIMES, _seconds(film)
    splines = ";".join(f"{first:g} {low:g} {second:g} {high:g}" for low, high in keys.easings)
    times = ";".join(_number(time / seconds, 5) for time in keys.times)
    return _animate(attribute, film, f'calcMode="spline" keyTimes="{times}" keySplines="{splines}"', values)


def _animate_by_frames(attribute: str, film: ParticleFilm, values: Sequence[str]) -> str:
    """Sets an attribute to a value for each shown frame; '' if it never changes."""
    if len(set(values)) == 1:
        return ""
    starts = np.cumsum([0, *film.delays[:-1]]) / film.ticks / _seconds(film)
    changes = [i for i, value in enumerate(values) if i == 0 or value != values[i - 1]]
    times = ";".join(_number(float(starts[i]), 5) for i in changes)
    return _animate(attribute, film, f'calcMode="discrete" keyTimes="{times}"', [values[i] for i in changes])


def _animate(attribute: str, film: ParticleFilm, pace: str, values: Sequence[str]) -> str:
    # An animation that ends stays at its last frame.
    repeat = f'repeatCount="{film.loops}" fill="freeze"' if film.loops else 'repeatCount="indefinite"'
    clock = f'dur="{_number(_seconds(film))}s" {repeat}'
    return f'<animate attributeName="{attribute}" {clock} {pace} values="{";".join(values)}"/>'


def _seconds(film: ParticleFilm) -> float:
    return sum(film.delays) / film.ticks


def _number(value: float, decimals: int = 3) -> str:
    """Writes a number with at most so many decimals, and no zeros at the end."""
    return f"{value:.{decimals}f}".rstrip("0").rstrip(".")


def _escape(text: str) -> str:
    """Escapes text for XML, without the characters that XML cannot have."""
    return html.escape(NOT_IN_XML.sub("", text))
