"""Which colours stand in a file: palettes, colour maps, themes, and the colours of a picture.

A frame is made of palette indices, and one palette serves the whole file: index 0 is the background, and the other
indices are shades, from the faintest to the full, of one colour or of several.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageColor

from flowgif.errors import UnusableInput, did_you_mean
from flowgif.formats.raster.palette import from_oklab, oklab

__all__ = [
    "CMAPS",
    "THEMES",
    "Look",
    "Palette",
    "PictureColours",
    "Theme",
    "faint",
    "legible",
    "make_look",
    "picture_colours",
    "ramp",
    "shades",
]

RGB = tuple[int, int, int]
MOST_COLOURS = 64  # of a picture, chosen once
LEGIBLE = 0.35  # difference in lightness, of 1 between black and white
FAINT = 0.1  # difference in Oklab
EDGE = 5  # pixels that a softened edge is wide, at most


@dataclass(frozen=True)
class Theme:
    """Colours that go together.

    Attributes:
        background, foreground: sRGB.
        cmap: the name of the colour map of a density.
    """

    background: RGB
    foreground: RGB
    cmap: str


# Each runs from no density to the highest; between the anchors it is interpolated in a perceptually even space.
CMAPS: dict[str, str] = {
    "ink": "ffffff d6e4f5 8cbae0 4285be 1c4e94 0e1c54",
    "night": "0d1117 12263f 1b4b7a 2f86b5 7cc7d8 f2fbf4",
    "grey": "ffffff 000000",
    "viridis": "440154 482475 414487 355f8d 2a788e 21918c 22a884 44bf70 7ad151 bddf26 fde725",
    "magma": "000004 140e36 3b0f70 641a80 8c2981 b73779 de4968 f7705c fe9f6d fecf92 fcfdbf",
    "inferno": "000004 160b39 420a68 6a176e 932667 bc3754 dd513a f37819 fca50a f6d746 fcffa4",
    "plasma": "0d0887 41049d 6a00a8 8f0da4 b12a90 cc4778 e16462 f2844b fca636 fcce25 f0f921",
    "cividis": "00224e 083370 35456c 4f576c 666970 7d7c78 948e77 aea371 c8b866 e5cf52 fee838",
}
THEMES: dict[str, Theme] = {
    "light": Theme((255, 255, 255), (24, 28, 62), "ink"),
    "dark": Theme((13, 17, 23), (226, 236, 247), "night"),
}


@dataclass(frozen=True)
class Palette:
    """The colours of a file.

    Attributes:
        colours: (n, 3) uint8, sRGB: the background, then each kind's shades up to the full one.
        shades: of each kind.
    """

    colours: npt.NDArray[np.uint8]
    shades: int

    @property
    def levels(self) -> int:
        """From the background to the full colour, both included."""
        return self.shades + 1


@dataclass(frozen=True)
class PictureColours:
    """The colours of a picture's ink.

    Attributes:
        colours: (k, 3) uint8, sRGB.
        kinds: (rows, columns), which of them each pixel has; without ink, that of the nearest ink.
    """

    colours: npt.NDArray[np.uint8]
    kinds: npt.NDArray[np.int64]


@dataclass(frozen=True)
class Look:
    """The colours of an animation, as they were asked for.

    Attributes:
        background, foreground: sRGB.
        cmap: anchors of the colour map of a density, (m, 3) sRGB, the first of them its ground.
        transparent: whether the background is see-through, where the format can do that.
        source: whether every particle has the colour that the picture has where it ends.
    """

    background: RGB
    foreground: RGB
    cmap: tuple[RGB, ...]
    transparent: bool = False
    source: bool = False


def colour(text: str, option: str) -> RGB:
    """'#1a2b3c', '#abc' or a name such as 'navy'.

    Raises:
        UnusableInput: it is none of these; ``option`` is named.
    """
    try:
        rgb = ImageColor.getrgb(text)
    except ValueError:
        raise UnusableInput(f"{option} {text} is no colour; write '#1a2b3c' or a name such as navy") from None
    return (rgb[0], rgb[1], rgb[2])


def make_look(
    theme: str = "light",
    fg: str | None = None,
    bg: str | None = None,
    cmap: str | None = None,
    transparent: bool = False,
    color: str | None = None,
) -> Look:
    """What the options say; a theme is what they leave open.

    Raises:
        UnusableInput: an unknown theme, colour map or colour.
    """
    if theme not in THEMES:
        raise UnusableInput(f"unknown --theme '{theme}'; {did_you_mean(theme, THEMES)}")
    if cmap is not None and cmap not in CMAPS:
        raise UnusableInput(f"unknown --cmap '{cmap}'; {did_you_mean(cmap, CMAPS)}")
    if color not in {None, "source"}:
        raise UnusableInput(f"unknown --color '{color}'; give source, or one colour with --fg")
    chosen = THEMES[theme]
    background = colour(bg, "--bg") if bg is not None else chosen.background
    foreground = colour(fg, "--fg") if fg is not None else chosen.foreground
    if cmap is None and (fg is not None or bg is not None):
        anchors: tuple[RGB, ...] = (background, foreground)
    else:
        anchors = tuple(colour(f"#{anchor}", "--cmap") for anchor in CMAPS[cmap or chosen.cmap].split())
        # A map's own lowest colour is the background, unless one was asked for: then the map rises out of that.
        anchors = (background, *anchors[1:]) if bg is not None else anchors
    return Look(background, foreground, anchors, transparent, color == "source")


def ramp(anchors: tuple[RGB, ...] | npt.NDArray[np.uint8], levels: int) -> npt.NDArray[np.uint8]:
    """Colours at even steps along the anchors, (levels, 3), interpolated in Oklab (B. Ottosson, 2020)."""
    lab = oklab(np.asarray(anchors))
    places = np.linspace(0, len(lab) - 1, levels)
    mixed = np.stack([np.interp(places, range(len(lab)), lab[:, c]) for c in range(3)], 1)
    return from_oklab(mixed)


def shades(background: RGB, kinds: npt.NDArray[np.uint8], count: int, foreground: RGB) -> Palette:
    """A palette of ``count`` shades out of the background, of each colour of ``kinds`` (k, 3) and of the foreground."""
    full = [*((int(k[0]), int(k[1]), int(k[2])) for k in kinds), foreground]
    rows = [ramp((background, colour), count + 1)[1:] for colour in full]
    return Palette(np.concatenate([np.array([background], dtype=np.uint8), *rows]), count)


def legible(colour: RGB, ground: RGB) -> RGB:
    """The colour, or where it hardly differs from the ground in lightness black or white, whichever differs more."""
    black, white = (0, 0, 0), (255, 255, 255)
    lightness = oklab(np.array([ground, colour, black, white], dtype=np.uint8))[:, 0]
    away = np.abs(lightness[1:] - lightness[0])
    return colour if away[0] >= LEGIBLE else (black, white)[int(away[2] > away[1])]


def faint(colours: npt.NDArray[np.uint8], ground: RGB) -> bool:
    """Whether all of the colours (k, 3) hardly differ from the ground."""
    lab = oklab(np.concatenate((np.array([ground], dtype=np.uint8), colours)))
    return bool((np.linalg.norm(lab[1:] - lab[0], axis=1) < FAINT).all())


def picture_colours(image: Image.Image, ink: npt.NDArray[np.float64], most: int) -> PictureColours:
    """The colours of a picture's ink, and which of them every pixel has; without ink, that of the nearest ink.

    Args:
        image: RGBA, (columns, rows).
        ink: (rows, columns) in [0, 1].
        most: colours, at most MOST_COLOURS.
    """
    from scipy.ndimage import distance_transform_edt, maximum_filter

    rgb = np.asarray(image.convert("RGB"))
    # At an edge the colour is mixed with the background's: the fuller ink beside it says what it is. (A pale colour's
    # ink is faint everywhere, and so it is full where none beside it is fuller.)
    full = (ink > 0) & (ink >= 0.95 * maximum_filter(ink, EDGE))
    nearest = distance_transform_edt(~full, return_distances=False, return_indices=True)
    rows, columns = cast(npt.NDArray[np.int64], nearest)
    inked = rgb[full]
    strip = Image.fromarray(inked.reshape(1, -1, 3))
    chosen = strip.quantize(
        min(most, MOST_COLOURS), method=Image.Quantize.MEDIANCUT, kmeans=3, dither=Image.Dither.NONE
    )
    palette = np.array(chosen.getpalette(), dtype=np.uint8).reshape(-1, 3)
    used, index = np.unique(np.asarray(chosen), return_inverse=True)
    kinds = np.zeros(full.shape, dtype=np.int64)
    kinds[full] = index.reshape(-1)
    return PictureColours(palette[used], kinds[rows, columns])
