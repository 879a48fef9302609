"""Decides how much ink each pixel of a picture holds."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from PIL import Image

from flowgif import names
from flowgif.errors import UnusableInput
from flowgif.targets.inks.background import Background, find_background, ring_of
from flowgif.targets.inks.card import find_card, inner_card, without_frame
from flowgif.targets.inks.masks import Mask
from flowgif.targets.inks.perceived import Colours, difference_from, perceived
from flowgif.targets.inks.photograph import is_photograph, tone

__all__ = ["Ink", "InkArray", "ink_of"]

# Ink below this share of the strongest ink is treated as noise of compression and scanning.
MIN_INK = 0.02
# Where the background is noisy, ink below so many times its mean distance from its own colour is noise too.
NOISE = 3.5
LOOK = 160  # longer side of the copy on which the background is found, pixels
LEAST_SHARE = 0.05  # of the ink that is darker (lighter) than the background, for it to be what one asks for
SEEN = 0.05  # least range of alpha that is transparency, and least alpha that can be seen

InkArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Ink:
    """The ink of a picture.

    Attributes:
        ink: the amount of ink per pixel, (rows, columns) in [0, 1].
        remark: a sentence that says how the ink was found.
    """

    ink: InkArray
    remark: str


@dataclass(frozen=True)
class _Marks:
    """What differs from a background.

    Attributes:
        away: how far each pixel looks from the background, (rows, columns); 0 outside the region.
        lighter: how much lighter each pixel is than the background, negative if darker.
        noise: the mean of ``away`` where there is only background.
    """

    away: InkArray
    lighter: InkArray
    noise: float

    @property
    def full(self) -> float:
        """The distance that counts as full ink: the largest, but for a hundredth of the strong pixels."""
        strong = self.away[self.away > 0.5 * self.away.max()]
        return float(np.quantile(strong, 0.99, method="higher")) if strong.size else 0.0

    @property
    def is_blank(self) -> bool:
        return self.full < MIN_INK or self.full < 2 * self.noise


def ink_of(image: Image.Image, kind: str = "auto", threshold: float | None = None) -> Ink:
    """Finds how much ink each pixel holds.

    The background is what the picture's border shows, or its transparency. Ink is what looks different from it, in
    proportion to the distance (:func:`flowgif.targets.inks.perceived.perceived`). If only a margin is transparent, the
    opaque part is a card, and the ink is the mark on it. The ink of a photograph is its tone.

    Args:
        image: the picture, RGBA.
        kind: a name of :data:`flowgif.names.INKS`. ``alpha``: what is opaque; ``dark``, ``light``: only what is darker
            (lighter) than the background, or than the opposite of the background if nothing is; ``difference``: what
            differs from the background, also in a photograph; ``auto``: the picture decides.
        threshold: ink of at least this value becomes 1, all other ink 0.

    Raises:
        UnusableInput: the picture is blank, or ``alpha`` is asked of a picture without transparency.
    """
    rgba = np.asarray(image)
    colours, alpha = rgba[..., :3], rgba[..., 3] / 255.0
    if alpha.max() < SEEN:
        raise UnusableInput("the picture is blank: all of it is transparent; give one with a shape in it")
    found = _decide(colours, alpha, names.INKS.check(kind))
    if float(np.ptp(found.ink)) < MIN_INK:
        raise UnusableInput(
            "the picture is blank: all its pixels are alike; give one with a shape on a plain background"
        )
    ink = np.minimum(found.ink, 1)
    ink[ink < MIN_INK] = 0
    if threshold is not None:
        ink = ((ink >= threshold) & (ink > 0)).astype(np.float64)
    return replace(found, ink=ink)


def _decide(colours: Colours, alpha: InkArray, kind: str) -> Ink:
    """Returns the ink (not yet cut off at 0 and 1) of a picture of which something can be seen."""
    varies = float(np.ptp(alpha)) > SEEN
    if kind == "alpha":
        if not varies:
            raise UnusableInput("--ink alpha: the picture has no transparency; leave --ink out")
        return _opaque(alpha)
    if varies:
        card = find_card(colours, alpha)
        if card is None and kind == "auto":
            return _opaque(alpha)
        if card is not None:
            found = _on(colours, card, kind, "on the card")
            return _opaque(alpha) if found is None else found
        colours = _on_paper(colours, alpha)
    region, has_frame = without_frame(colours)
    found = _on(colours, region, kind, "", "; its frame is left out" if has_frame else "")
    if found is None and has_frame:
        found = _on(colours, np.ones_like(region), kind, "")
    return found or Ink(np.zeros_like(alpha), "")


def _opaque(alpha: InkArray) -> Ink:
    return Ink(alpha / alpha.max(), "ink: where the picture is opaque")


def _on_paper(colours: Colours, alpha: InkArray) -> Colours:
    """Lays a picture on white paper, or on black paper if its opaque part is light."""
    mean = np.rint(np.average(colours.reshape(-1, 3), axis=0, weights=alpha.reshape(-1))).astype(np.uint8)
    paper = 255.0 if perceived(mean[None])[0, 0] < 0.5 else 0.0
    share = alpha[..., None]
    return np.rint(colours * share + paper * (1 - share)).astype(np.uint8)


def _on(colours: Colours, region: Mask, kind: str, where: str, besides: str = "") -> Ink | None:
    """Finds the ink in a region; None if it is blank.

    Args:
        colours: sRGB, (rows, columns, 3).
        region: the pixels of the picture that count, (rows, columns).
        kind: how ink is found.
        where, besides: words for the remark.
    """
    small = _SmallCopy.of(colours, region)
    background = find_background(small.colours, small.region)
    ring = region & small.enlarged(ring_of(small.region))
    if kind != "difference" and is_photograph(small.colours, small.region, background):
        return _photograph(colours, region, ring, kind)
    marks = _marks(background.evened(colours), region, ring, background)
    if marks.is_blank:
        return None
    if kind == "auto":
        inner = inner_card(small.reduced(marks.away > 0.5 * marks.full), small.region)
        found = None if inner is None else _on(colours, region & small.enlarged(inner), kind, "on the card", besides)
        if found is not None:
            return found
    # Marks are never noise: half of the strongest difference is ink, however faint it is.
    least = max(MIN_INK * marks.full, min(NOISE * marks.noise, marks.full / 2))
    strength = np.where(marks.away < least, 0, marks.away)
    dark, light = (float(strength[sign * marks.lighter > 0].sum()) for sign in (-1, 1))
    if kind in {"dark", "light"}:
        sign, share = (-1, dark / (dark + light)) if kind == "dark" else (1, light / (dark + light))
        if share < LEAST_SHARE:
            # Nothing is, so the user wants the background itself. Ink is what differs from the marks.
            strong = region & (marks.away >= 0.9 * marks.full)
            mark = np.rint(np.median(colours[strong], axis=0)).astype(np.uint8)
            marks = _marks(colours, region, ring, Background(mark[None], 1.0))
            strength = marks.away
        wanted = replace(marks, away=np.where(sign * marks.lighter > 0, strength, 0))
        remark = f"ink: what is {kind}er than the background"
        return None if wanted.is_blank else Ink(wanted.away / wanted.full, remark)
    said = _relation(dark, light)
    opposite = {"darker than": "light", "lighter than": "dark"}.get(said)
    hint = f" (--ink {opposite} for the opposite)" if opposite and kind == "auto" and not where else ""
    what = f"what {'is ' if opposite else ''}{said} the background"
    return Ink(strength / marks.full, f"ink: {what}{' ' if where else ''}{where}{besides}{hint}")


def _relation(dark: float, light: float) -> str:
    """Says how ink looks beside its background, by how much of it is darker and lighter."""
    if dark > 4 * light:
        return "darker than"
    return "lighter than" if light > 4 * dark else "differs from"


def _photograph(colours: Colours, region: Mask, ring: Mask, kind: str) -> Ink:
    found = tone(colours, region, ring, None if kind == "auto" else kind == "light")
    said = "lightness" if found.is_light else "darkness"
    hint = "; --theme dark shows it best" if found.is_light else ""
    return Ink(found.ink, f"ink: the {said} of a photograph{hint} (--ink difference for what differs from its border)")


def _marks(evened: Colours, region: Mask, ring: Mask, background: Background) -> _Marks:
    away, lighter = difference_from(perceived(background.colours), evened)
    away = np.where(region, away, 0)
    border = away[ring]
    near = border[border < 0.15]
    return _Marks(away, lighter, float(near.mean()) if near.size else 0.0)


@dataclass(frozen=True, eq=False)
class _SmallCopy:
    """A picture and a region, averaged so that the longer side is about LOOK pixels.

    Attributes:
        colours, region: the copies, (rows, columns, 3) and (rows, columns).
        factor: pixels of the picture per pixel of the copy, along each side.
        shape: the picture's rows and columns.
    """

    colours: Colours
    region: Mask
    factor: int
    shape: tuple[int, int]

    @classmethod
    def of(cls, colours: Colours, region: Mask) -> _SmallCopy:
        factor = math.ceil(max(region.shape) / LOOK)
        small = colours if factor == 1 else np.asarray(Image.fromarray(colours).reduce(factor))
        copy = cls(small, region, factor, (region.shape[0], region.shape[1]))
        return replace(copy, region=copy.reduced(region, 255))

    def reduced(self, mask: Mask, least: int = 128) -> Mask:
        """Returns a small copy of a mask: the pixels of which at least so many of 255 parts are in it."""
        if self.factor == 1:
            return mask
        return np.asarray(Image.fromarray((255 * mask).astype(np.uint8)).reduce(self.factor)) >= least

    def enlarged(self, mask: Mask) -> Mask:
        """Returns a mask of the small copy in the picture's size."""
        rows, columns = self.shape
        return mask.repeat(self.factor, 0).repeat(self.factor, 1)[:rows, :columns]
