"""Draws texts as pictures."""

from __future__ import annotations

import io
import re
import unicodedata
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from flowgif.errors import UnusableInput
from flowgif.files.reading import missing
from flowgif.targets.reading.fonts import TEXT_FONT, bundled_font
from flowgif.targets.reading.picture import DRAWN_SIDE, Picture

__all__ = ["draw_text"]

MARGIN = 0.04  # on each side of the text, shares of the picture's longer side
TRIAL = 64.0  # size of a font, pixels, at which a text is measured
SMALLEST = 8.0  # size of a font, pixels, below which its letters cannot be told apart
TAB = 4  # spaces
NO_CHARACTER = "\U0010ffff"  # no font has a glyph for it
INVISIBLE = re.compile("[\ufe00-\ufe0f]")  # they choose between variants of the character before


def draw_text(text: str, font: Path | None = None, max_side: int = DRAWN_SIDE) -> Picture:
    r"""Draws a text in black on transparent paper. It fills a picture whose longer side has ``max_side`` pixels.

    Args:
        text: the text, its lines below each other and each in the middle. As in a shell, \n stands for a new line too,
            and \\ for a backslash.
        font: the font's file; None stands for DejaVu Sans Bold.
        max_side: the longer side, pixels.

    Raises:
        UnusableInput: there is nothing to draw, it does not fit, or the font cannot be read or lacks a character.
    """
    escaped = re.sub(r"\\(n|\\)", lambda found: "\n" if found[1] == "n" else "\\", text)
    shown = INVISIBLE.sub("", unicodedata.normalize("NFC", escaped)).expandtabs(TAB)
    lines = [line.strip() for line in shown.strip().splitlines()]
    if not lines:
        raise UnusableInput("the text is empty; give some letters (--text Hello)")
    path = font or bundled_font(TEXT_FONT)
    content = _read(path)
    trial = _load(path, content, TRIAL)
    _check_characters(path, trial, shown)
    left, top, right, bottom = _box(lines, trial)
    fitting = max_side * (1 - 2 * MARGIN)
    size = TRIAL * fitting / max(right - left, bottom - top, 1)
    # The first size follows from boxes that may be larger than the ink.
    ink = _draw(lines, _load(path, content, size))
    size *= fitting / max(ink.size)
    if size < SMALLEST:
        raise UnusableInput(
            f"the text is too long for {max_side} pixels: its letters would be {size:.0f} pixels high; "
            r"break it into lines (\n), or give a larger --max-side"
        )
    ink = _draw(lines, _load(path, content, size))
    margin = (max_side - max(ink.size)) // 2
    image = Image.new("RGBA", (ink.width + 2 * margin, ink.height + 2 * margin))
    image.paste((0, 0, 0, 255), (margin, margin), ink)
    return Picture(image, image.size)


def _read(path: Path) -> bytes:
    if not path.exists():
        raise missing("font", path)
    if not path.is_file():
        raise UnusableInput(f"{path} is no file; give a font's file, .ttf or .otf")
    try:
        return path.read_bytes()
    except OSError as error:
        raise UnusableInput(f"{path} cannot be read: {error.strerror or error}; check its permissions") from None


def _load(path: Path, content: bytes, size: float) -> ImageFont.FreeTypeFont:
    try:
        return ImageFont.truetype(io.BytesIO(content), size)
    except (OSError, ValueError) as error:
        raise UnusableInput(f"{path} is no font that can be scaled ({error}); give a .ttf or .otf file") from None


def _check_characters(path: Path, font: ImageFont.FreeTypeFont, text: str) -> None:
    """Checks that the font has a glyph for each character; it draws the same sign for all that it lacks.

    Raises:
        UnusableInput: the font lacks a character.
    """
    unknown = _look(font, NO_CHARACTER)
    # Spaces, and characters that only direct how others are joined, need no glyph.
    seen = (char for char in dict.fromkeys(text) if not char.isspace() and unicodedata.category(char) != "Cf")
    lacking = [char for char in seen if _look(font, char) == unknown]
    if lacking:
        shown = ", ".join(f"{char if char.isprintable() else ''} U+{ord(char):04X}".strip() for char in lacking[:5])
        raise UnusableInput(f"the font {path.name} has no glyph for {shown}; give a font that has one (--font FILE)")


def _look(font: ImageFont.FreeTypeFont, char: str) -> bytes:
    """Returns the pixels of a character's glyph in a field that is large enough for all of TRIAL pixels."""
    field = Image.new("L", (int(4 * TRIAL), int(3 * TRIAL)))
    ImageDraw.Draw(field).text((TRIAL, 2 * TRIAL), char, 255, font, anchor="ls")
    return field.tobytes()


def _box(lines: list[str], font: ImageFont.FreeTypeFont) -> tuple[float, float, float, float]:
    """Returns a box around lines of text: left and right of their middle, top and bottom from the first line's foot."""
    height = sum(font.getmetrics())
    boxes = [font.getbbox(line, anchor="ms") for line in lines]
    tops = [box[1] + i * height for i, box in enumerate(boxes)]
    bottoms = [box[3] + i * height for i, box in enumerate(boxes)]
    return min(box[0] for box in boxes), min(tops), max(box[2] for box in boxes), max(bottoms)


def _draw(lines: list[str], font: ImageFont.FreeTypeFont) -> Image.Image:
    """Draws lines of text; returns the ink, grey from 0 to 255, cut to its size."""
    left, top, right, bottom = _box(lines, font)
    ink = Image.new("L", (int(right - left) + 1, int(bottom - top) + 1))
    draw = ImageDraw.Draw(ink)
    for i, line in enumerate(lines):
        draw.text((-left, i * sum(font.getmetrics()) - top), line, 255, font, anchor="ms")
    inked = ink.getbbox()
    if inked is None:
        raise UnusableInput("the text has nothing to draw; give some letters (--text Hello)")
    return ink.crop(inked)
