"""A picture becomes ink, and ink a Gaussian mixture; the only home of pixel <-> data coordinates.

Pixel coordinates are (column, row) of the picture as it was given, the centre of the first pixel at (0, 0),
rows going down. Data coordinates have mean 0 and variance 1 per axis, y going up.
"""

from __future__ import annotations

import math
import struct
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor

from flowgif.errors import UnusableInput
from flowgif.targets.mixture import ColourSource, GaussianMixture

__all__ = ["ImageTarget", "Picture", "ink_of", "load_picture"]

# Decoded in colour this is 300 to 400 MB.
MOST_PIXELS = 100_000_000
# Ink below this share of the darkest is taken for the noise of compression and scanning.
FAINTEST = 0.02

ORIENTATION = 0x0112  # the EXIF tag

Ink = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Picture:
    """A picture as it is used.

    Attributes:
        image: RGBA, upright, its longer side at most the limit asked for.
        size_as_given: (width, height) in pixels before any shrinking.
        remarks: what was done to it, a sentence each.
    """

    image: Image.Image
    size_as_given: tuple[int, int]
    remarks: tuple[str, ...] = ()


def load_picture(path: Path, max_side: int = 1024) -> Picture:
    """Opens whatever Pillow opens: turned upright, its first frame, in colour, shrunk to max_side.

    Raises:
        UnusableInput: there is no such file, or it holds no readable picture, or too large a one.
    """
    if not path.exists():
        raise UnusableInput(f"no such picture: {path}; check the path (the current folder is {Path.cwd()})")
    if path.is_dir():
        raise UnusableInput(f"{path} is a folder; name one picture in it")
    if path.suffix.lower() in {".svg", ".svgz"}:
        raise UnusableInput(f"{path} is an SVG, which Pillow cannot read; export it as a PNG of about 1000 pixels")
    remarks: list[str] = []
    try:
        # Decoders warn of what they mend; the size is checked here, before anything is decoded.
        with warnings.catch_warnings(action="ignore"), Image.open(path) as image:
            width, height = image.size
            if width * height > MOST_PIXELS:
                raise UnusableInput(
                    f"{path} has {width}x{height} pixels, more than {MOST_PIXELS // 10**6} million; "
                    f"shrink it first (the fit uses {max_side} on the longer side)"
                )
            if getattr(image, "n_frames", 1) > 1:
                remarks.append("the picture is animated or has several pages; its first frame is taken")
            if image.getexif().get(ORIENTATION, 1) >= 5:  # a quarter turn
                width, height = height, width
            image.draft("RGB", (max_side, max_side))  # JPEG can be decoded at a fraction of its size
            ImageOps.exif_transpose(image, in_place=True)
            if image.mode in {"L", "RGB", "RGBA"}:  # the others cannot be averaged as they are
                _shrink(image, max_side)
            used = _rgba(image)
            _shrink(used, max_side)
    except UnidentifiedImageError:
        raise UnusableInput(
            f"{path} is not a picture that can be read; give a PNG, JPEG, WebP, GIF, BMP or TIFF"
        ) from None
    except Image.DecompressionBombError:
        raise UnusableInput(f"{path} has too many pixels; shrink it to under {MOST_PIXELS // 10**6} million") from None
    except (OSError, SyntaxError, ValueError, EOFError, TypeError, NotImplementedError, struct.error) as error:
        reason = str(error) or type(error).__name__
        raise UnusableInput(f"{path} cannot be decoded ({reason}); save the picture anew") from None
    if used.size != (width, height):
        remarks.append(f"shrunk from {width}x{height} to {used.width}x{used.height} (--max-side {max_side})")
    return Picture(used, (width, height), tuple(remarks))


def _shrink(image: Image.Image, max_side: int) -> None:
    if max(image.size) > max_side:
        image.thumbnail((max_side, max_side), Image.Resampling.LANCZOS, reducing_gap=3.0)


def _rgba(image: Image.Image) -> Image.Image:
    """Eight bits, in colour, alpha kept; 16-bit and floating-point greys are scaled instead of clipped."""
    if image.mode.startswith("I") or image.mode == "F":
        grey = np.nan_to_num(np.asarray(image, dtype=np.float64))
        # A 16-bit grey picture arrives as I;16, or as I from a decoder that has no 16-bit mode.
        full = 65535.0 if image.mode.startswith("I") and grey.max() > 255 else (1.0 if grey.max() <= 1 else 255.0)
        image = Image.fromarray(np.clip(grey / full * 255, 0, 255).round().astype(np.uint8))
    return image.convert("RGBA")


@dataclass(frozen=True)
class _Ink:
    """Attributes: ink (rows, columns) in [0, 1]; remark: how it was found."""

    ink: Ink
    remark: str


def ink_of(image: Image.Image, invert: bool | None = None, threshold: float | None = None) -> _Ink:
    """How much ink each pixel holds.

    Alpha is the ink where it varies, else the darkness, or the lightness where the picture's border is dark. Colours
    count by the channel that is furthest from the background's, so that yellow on white is ink as well as black is.
    The background becomes 0 and the strongest ink 1.

    Args:
        image: RGBA.
        invert: True: light (or transparent) is ink; False: dark (or opaque) is; None: decided by the border.
        threshold: ink of at least this much becomes 1, all other 0.

    Raises:
        UnusableInput: the picture is blank.
    """
    rgba = np.asarray(image, dtype=np.float64) / 255
    colour, alpha = rgba[..., :3], rgba[..., 3]
    if np.ptp(alpha) > 0.05:
        ink, remark = (1 - alpha, "transparent") if invert else (alpha, "opaque")
        remark = f"ink: where the picture is {remark}"
    elif alpha.max() < 0.05:
        raise UnusableInput("the picture is blank: all of it is transparent; give one with a shape in it")
    else:
        luma = colour @ (0.299, 0.587, 0.114)
        border = np.concatenate([colour[0], colour[-1], colour[:, 0], colour[:, -1]])
        background = np.median(border, axis=0)
        level = float(background @ (0.299, 0.587, 0.114))
        light = level < 0.5 if invert is None else invert
        if light != (level < 0.5):
            # The user wants the border itself as ink: the background is what is furthest from that.
            background = colour.reshape(-1, 3)[int(luma.argmin() if light else luma.argmax())]
            level = float(background @ (0.299, 0.587, 0.114))
        ink = np.abs(colour - background).max(-1)
        ink = np.where(luma > level if light else luma < level, ink, 0)
        remark = "ink: what is lighter than the background" if light else "ink: what is darker than the background"
        if invert is None and light:
            remark += " (its border is dark; --no-invert for the opposite)"
    if float(ink.max()) < FAINTEST or float(np.ptp(ink)) < FAINTEST:
        raise UnusableInput(
            "the picture is blank: all its pixels are alike; give one with a shape on a plain background"
        )
    ink = ink / ink.max()
    ink[ink < FAINTEST] = 0
    if threshold is not None:
        ink = ((ink >= threshold) & (ink > 0)).astype(np.float64)
    return _Ink(cast(Ink, ink), remark)


class ImageTarget(GaussianMixture):
    """One Gaussian per inked pixel: weight = ink, standard deviation = half a pixel per axis (FFJORD's image target).

    Args:
        picture: the picture as it is used.
        invert, threshold: see :func:`ink_of`.

    Attributes:
        picture: the same.
        ink: (rows, columns) in [0, 1], of the picture as it is used.
        remark: how the ink was found.
    """

    def __init__(self, picture: Picture, invert: bool | None = None, threshold: float | None = None) -> None:
        found = ink_of(picture.image, invert, threshold)
        rows, columns = np.nonzero(found.ink)
        centres = torch.from_numpy(np.stack([columns, -rows], 1)).double()
        super().__init__(centres, torch.from_numpy(found.ink[rows, columns]), (0.5, 0.5))
        self.picture, self.ink, self.remark = picture, found.ink, found.remark
        self.remarks = (*picture.remarks, found.remark)
        # Each axis is standardised by itself, so data units are of different lengths in pixels.
        self.drawn_aspect = float(self.scale[1] / self.scale[0])
        # Pixels of the picture as given per pixel of the picture as used.
        self._enlargement = torch.tensor(picture.size_as_given, dtype=torch.float64) / torch.tensor(
            picture.image.size, dtype=torch.float64
        )

    def to_pixels(self, x: Tensor) -> Tensor:
        """Data coordinates (..., 2) to (column, row) of the picture as it was given."""
        used = (x.double() * self.scale + self.shift) * x.new_tensor((1.0, -1.0), dtype=torch.float64)
        return ((used + 0.5) * self._enlargement - 0.5).to(x.dtype)

    @property
    def colour_source(self) -> ColourSource:
        return ColourSource(self.picture.image, self.ink, self._pixel_of)

    def bounds(self) -> tuple[Tensor, Tensor]:
        """The corners of the picture's own frame."""
        width, height = self.picture.size_as_given
        low, high = self.from_pixels(
            torch.tensor([[-0.5, height - 0.5], [width - 0.5, -0.5]], dtype=torch.float64)
        ).unbind(0)
        return low, high

    def stroke_width(self) -> float:
        """Twice the area of the ink over the length of its outline, pixels of the picture as it is used."""
        steps = sum(float(np.abs(np.diff(np.pad(self.ink, 1), axis=axis)).sum()) for axis in (0, 1))
        # Outlines of all directions are 4 / pi times as long along the axes.
        return 2 * float(self.ink.sum()) / (math.pi / 4 * steps)

    def _pixel_of(self, x: Tensor) -> npt.NDArray[np.int64]:
        used = np.array(self.picture.image.size) / np.array(self.picture.size_as_given)
        return ((self.to_pixels(x).numpy() + 0.5) * used - 0.5).round().astype(np.int64)

    def in_own_units(self, x: Tensor) -> Tensor:
        return self.to_pixels(x)

    def from_pixels(self, pixels: Tensor) -> Tensor:
        """The inverse of :meth:`to_pixels`."""
        used = (pixels.double() + 0.5) / self._enlargement - 0.5
        x = (used * used.new_tensor((1.0, -1.0)) - self.shift) / self.scale
        return x.to(pixels.dtype)
