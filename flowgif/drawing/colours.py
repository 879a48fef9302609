"""Makes the colours of a file: palettes, colour maps and themes.

A frame is made of palette indices, and one palette serves the whole file: index 0 is the background, and the other
indices are shades, from the faintest to the full, of one colour or of several.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from PIL import ImageColor

from flowgif import names
from flowgif.colour.oklab import from_oklab, oklab
from flowgif.colour.opacity import least_opacity, take_from
from flowgif.errors import UnusableInput, did_you_mean
from flowgif.names import Table

__all__ = [
    "CMAPS",
    "RGB",
    "THEMES",
    "Look",
    "Palette",
    "Theme",
    "find_cmap",
    "is_faint",
    "legible",
    "make_look",
    "shades",
]

RGB = tuple[int, int, int]
"""Red, green and blue, 0 to 255, sRGB."""

LEGIBLE = 0.35  # smallest difference in lightness between a text and its ground; black and white differ by 1
FAINT = 0.1  # colours that differ less in Oklab hardly stand out
SUITABLE = "a map such as viridis, magma or crest"
ANCHORS = 256  # number of anchors of a map of the library: the number of colours in most of its maps


@dataclass(frozen=True)
class Theme:
    """Colours that go together.

    Attributes:
        background, foreground: sRGB.
        cmap: the name of a density's colour map.
    """

    background: RGB
    foreground: RGB
    cmap: str


_LIGHT = Theme((255, 255, 255), (24, 28, 62), "ink")
_DARK = Theme((13, 17, 23), (226, 236, 247), "night")
# One theme, or the one for readers who prefer a light theme and the one for those who prefer a dark theme.
THEMES: Table[tuple[Theme, ...]] = Table(names.THEMES, {"light": (_LIGHT,), "dark": (_DARK,), "auto": (_LIGHT, _DARK)})
# flowgif's own colour maps, besides those of the cmap library. Each is a list of anchors, from no density to the
# highest.
CMAPS = Table(
    names.CMAPS,
    {
        "ink": "ffffff d6e4f5 8cbae0 4285be 1c4e94 0e1c54",
        "night": "0d1117 12263f 1b4b7a 2f86b5 7cc7d8 f2fbf4",
        "grey": "ffffff 000000",
    },
)


@dataclass(frozen=True, eq=False)
class Palette:
    """Colours, each on an opaque and on a transparent background.

    Attributes:
        colours: (n, 3) uint8, sRGB. In the palette of a file the first is the background, then come the shades of each
            colour up to the full one.
        see_through: (n, 4) uint8, sRGB and opacity: the same colours with the background taken out. Laid over it they
            look like ``colours``. The background itself has no opacity, and a full colour is opaque.
    """

    colours: npt.NDArray[np.uint8]
    see_through: npt.NDArray[np.uint8]

    @classmethod
    def ramp(cls, anchors: Sequence[RGB], levels: int) -> Palette:
        """Interpolates colours at even steps along the anchors in Oklab (B. Ottosson, 2020).

        The first anchor is the background. Opacity never falls on the way to the last anchor, which is opaque; apart
        from that it is in proportion to the least that gives the colour over the background.
        """
        lab = oklab(np.asarray(anchors, dtype=np.uint8))
        positions = np.linspace(0, len(lab) - 1, levels)
        colours = from_oklab(np.stack([np.interp(positions, range(len(lab)), lab[:, c]) for c in range(3)], 1))
        opacity = np.maximum.accumulate(least_opacity(colours, colours[0]))
        # A picture may have parts of the background's own colour, which are opaque nevertheless.
        opacity = opacity / opacity[-1] if opacity[-1] > 0 else np.linspace(0, 1, levels)
        return cls(colours, take_from(colours, colours[0], opacity))

    @classmethod
    def join(cls, parts: Sequence[Palette]) -> Palette:
        """Returns the colours of all parts, one after another."""
        return cls(
            np.concatenate([part.colours for part in parts]), np.concatenate([part.see_through for part in parts])
        )

    def __getitem__(self, index: slice | npt.NDArray[np.int64]) -> Palette:
        return Palette(self.colours[index], self.see_through[index])

    def __len__(self) -> int:
        return len(self.colours)


@dataclass(frozen=True)
class Look:
    """The requested colours of an animation.

    Attributes:
        background, foreground: sRGB.
        cmap: anchors of a density's colour map, (m, 3) sRGB; the first is the background of densities.
        transparent: whether the background is transparent, if the format can do that.
        source: whether every particle has the picture's colour at the particle's final position.
        dark: the look for readers who prefer a dark theme, in files that follow their reader; None if it is this one.
        paired: whether formats that cannot follow their reader are written twice, in this look and in the dark one.
    """

    background: RGB
    foreground: RGB
    cmap: tuple[RGB, ...]
    transparent: bool = False
    source: bool = False
    dark: Look | None = None
    paired: bool = False


def make_look(
    theme: str | None = None,
    fg: str | None = None,
    bg: str | None = None,
    cmap: str | None = None,
    transparent: bool = False,
    color: str | None = None,
) -> Look:
    """Makes a look from options. The theme decides everything that they leave open.

    Args:
        theme: a name in THEMES. None for the light theme, with the dark one as ``dark`` unless ``fg`` or ``bg`` is
            given.
        fg, bg: colours, as '#1a2b3c', '#abc' or 'navy'. If one of them is given, and no map, a density's colours go
            from the background to the foreground.
        cmap: a name in CMAPS, or of any map of the cmap library. Its first colour is the background of densities,
            unless ``bg`` is given, which then replaces that colour.
        transparent: whether the background is transparent.
        color: 'source' for the picture's colours.

    Raises:
        UnusableInput: a theme, colour map or colour is unknown, or a density in this map would not show.
    """
    if color not in {None, "source"}:
        raise UnusableInput(f"unknown --color '{color}'; give source, or one colour with --fg")
    own = theme is None and (fg is not None or bg is not None)
    themes = THEMES.find("light" if own else theme or "auto")
    light, *others = (_look_in(chosen, fg, bg, cmap, transparent, color == "source") for chosen in themes)
    return replace(light, dark=others[0], paired=theme == "auto") if others else light


def _look_in(chosen: Theme, fg: str | None, bg: str | None, cmap: str | None, transparent: bool, source: bool) -> Look:
    anchors = find_cmap(cmap if cmap is not None else chosen.cmap)
    background = _parse(bg, "--bg") if bg is not None else chosen.background
    foreground = _parse(fg, "--fg") if fg is not None else chosen.foreground
    if cmap is None and (fg is not None or bg is not None):
        anchors = (background, foreground)
    elif bg is not None:
        anchors = (background, *anchors[1:])
    elif is_faint(np.array(anchors[-1:], dtype=np.uint8), anchors[0]):
        # A cyclic map: the picture would have the background's colour.
        raise UnusableInput(
            f"--cmap {cmap} ends with nearly the colour that it begins with; give another --bg, or {SUITABLE}"
        )
    return Look(background, foreground, anchors, transparent, source)


def find_cmap(name: str) -> tuple[RGB, ...]:
    """Returns the anchors of a colour map, from no density to the highest.

    Args:
        name: a name in CMAPS, or of any map of the cmap library; also backwards, as 'magma_r'. Case does not matter.

    Raises:
        UnusableInput: there is no such map, or its colours have no order.
    """
    if name.lower() in CMAPS:
        return tuple(_parse(f"#{anchor}", "--cmap") for anchor in CMAPS[name.lower()].split())
    # The library takes a third of a second to load, so only a name that asks for it does.
    from cmap import Catalog, Colormap

    catalog = Catalog()
    forwards, backwards = name.lower().removesuffix("_r"), name.lower().endswith("_r")
    try:
        # A short name may stand for maps of several authors. The first one's full name avoids the library's warning.
        colour_map = Colormap(catalog.resolve(forwards))
    except KeyError:
        known = [*CMAPS, *(key.lower() for key in catalog.short_keys())]
        matches = difflib.get_close_matches(name.lower(), sorted(known), n=1)
        remedy = did_you_mean(name.lower(), matches) if matches else f"give {names.CMAPS}, or {SUITABLE}"
        raise UnusableInput(f"unknown --cmap '{name}'; {remedy}") from None
    if colour_map.category == "qualitative":
        raise UnusableInput(f"--cmap {name}: its colours have no order, as densities have; give {SUITABLE}")
    colours = np.rint(255 * np.asarray(colour_map(np.linspace(0, 1, ANCHORS), N=ANCHORS))[:, :3]).astype(int)
    return tuple((red, green, blue) for red, green, blue in (colours[::-1] if backwards else colours).tolist())


def _parse(text: str, option: str) -> RGB:
    """Parses '#1a2b3c', '#abc' or a name such as 'navy'.

    Raises:
        UnusableInput: it is none of these; ``option`` is named.
    """
    try:
        rgb = ImageColor.getrgb(text)
    except ValueError:
        raise UnusableInput(f"{option} {text} is no colour; write '#1a2b3c' or a name such as navy") from None
    return (rgb[0], rgb[1], rgb[2])


def shades(background: RGB, colours: npt.NDArray[np.uint8], count: int, foreground: RGB) -> Palette:
    """Makes a palette: the background, ``count`` shades of each of the colours (k, 3), and then of the foreground."""
    full = [*((int(red), int(green), int(blue)) for red, green, blue in colours), foreground]
    ramps = [Palette.ramp((background, colour), count + 1) for colour in full]
    return Palette.join([ramps[0][:1], *(ramp[1:] for ramp in ramps)])


def legible(colour: RGB, ground: RGB) -> RGB:
    """Returns the colour, or black or white if its lightness hardly differs from the ground's."""
    black, white = (0, 0, 0), (255, 255, 255)
    lightness = oklab(np.array([ground, colour, black, white], dtype=np.uint8))[:, 0]
    contrast = np.abs(lightness[1:] - lightness[0])
    return colour if contrast[0] >= LEGIBLE else (black, white)[int(contrast[2] > contrast[1])]


def is_faint(colours: npt.NDArray[np.uint8], ground: RGB) -> bool:
    """Tells whether all of the colours (k, 3) hardly differ from the ground."""
    lab = oklab(np.concatenate((np.array([ground], dtype=np.uint8), colours)))
    return bool((np.linalg.norm(lab[1:] - lab[0], axis=1) < FAINT).all())
