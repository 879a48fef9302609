"""Drawn pictures of which it is known what is ink: marks on backgrounds of every kind."""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

SUPERSAMPLING = 4
SIZE = (200, 160)  # columns and rows of most pictures

WHITE, BLACK, GREY = (255, 255, 255), (0, 0, 0), (128, 128, 128)
RED, BLUE, ORANGE, GREEN = (214, 40, 40), (29, 78, 216), (245, 130, 32), (34, 139, 84)
YELLOW, PURPLE, NAVY, SKY, CREAM = (255, 214, 0), (126, 58, 190), (12, 20, 60), (150, 205, 240), (250, 243, 224)


@dataclass(frozen=True)
class Drawn:
    """A picture and its ink.

    Attributes:
        name: says what is drawn.
        image: the picture, RGBA.
        ink: where its ink is, (rows, columns) bool.
        said: a word that the remark on the decision must contain.
    """

    name: str
    image: Image.Image
    ink: np.ndarray
    said: str


# ------------------------------------------------------------------ marks: shares of pixels, (rows, columns) in [0, 1]


def drawn(draw: Callable[[ImageDraw.ImageDraw, float, float], None], size=SIZE):
    """The coverage of what ``draw(canvas, width, height)`` fills, with smooth edges."""
    width, height = (side * SUPERSAMPLING for side in size)
    image = Image.new("L", (width, height), 0)
    draw(ImageDraw.Draw(image), width, height)
    return np.asarray(image.resize(size, Image.Resampling.BOX), dtype=float) / 255


def star(size=SIZE, middle=(0.5, 0.5), radius=0.36, points=5):
    def draw(canvas, width, height):
        x, y, reach = middle[0] * width, middle[1] * height, radius * min(width, height)
        turns = [math.pi * k / points - math.pi / 2 for k in range(2 * points)]
        reaches = [reach if k % 2 == 0 else 0.45 * reach for k in range(2 * points)]
        canvas.polygon(
            [(x + r * math.cos(turn), y + r * math.sin(turn)) for r, turn in zip(reaches, turns, strict=True)], fill=255
        )

    return drawn(draw, size)


def disc(size=SIZE, middle=(0.5, 0.5), radius=0.3):
    def draw(canvas, width, height):
        x, y, reach = middle[0] * width, middle[1] * height, radius * min(width, height)
        canvas.ellipse((x - reach, y - reach, x + reach, y + reach), fill=255)

    return drawn(draw, size)


def ring(size=SIZE, middle=(0.5, 0.5), radius=0.36, width=0.09):
    return disc(size, middle, radius) * (1 - disc(size, middle, radius - width))


def block(left, top, right, bottom, size=SIZE, corner=0.0):
    """A rectangle between shares of the sides, its corners rounded by a share of the shorter side."""

    def draw(canvas, width, height):
        box = (left * width, top * height, right * width - 1, bottom * height - 1)
        canvas.rounded_rectangle(box, corner * min(width, height), fill=255)

    return drawn(draw, size)


def word(text, size=SIZE, share=0.8, tight=False):
    """A word across a share of the picture; if tight, stretched so that it touches every side."""
    font = ImageFont.load_default(200)
    left, top, right, bottom = font.getbbox(text, stroke_width=6)
    image = Image.new("L", (int(right - left), int(bottom - top)), 0)
    ImageDraw.Draw(image).text((-left, -top), text, 255, font=font, stroke_width=6)
    image = image.crop(image.getbbox())
    if tight:
        return np.asarray(image.resize(size, Image.Resampling.LANCZOS), dtype=float) / 255
    scale = share * min(size[0] / image.width, size[1] / image.height)
    small = image.resize((round(image.width * scale), round(image.height * scale)), Image.Resampling.LANCZOS)
    canvas = Image.new("L", size, 0)
    canvas.paste(small, ((size[0] - small.width) // 2, (size[1] - small.height) // 2))
    return np.asarray(canvas, dtype=float) / 255


def scribble(size=SIZE, stroke=0.018):
    """Line art: a spiral and two waves."""

    def draw(canvas, width, height):
        scale = min(width, height)
        line = round(stroke * scale)
        spiral = [
            (width * 0.5 + 0.03 * t * scale * math.cos(t), height * 0.42 + 0.03 * t * scale * math.sin(t))
            for t in np.linspace(0.5, 10, 400)
        ]
        canvas.line(spiral, fill=255, width=line, joint="curve")
        for k in (0.82, 0.9):
            wave = [(width * u, height * (k + 0.03 * math.sin(20 * u))) for u in np.linspace(0.1, 0.9, 200)]
            canvas.line(wave, fill=255, width=line, joint="curve")

    return drawn(draw, size)


# ------------------------------------------------------------------ backgrounds: colours, (rows, columns, 3)


def plain(colour, size=SIZE):
    return np.broadcast_to(np.array(colour, dtype=float), (size[1], size[0], 3)).copy()


def across(size=SIZE):
    """Columns and rows as shares of the sides."""
    columns, rows = np.meshgrid(np.linspace(0, 1, size[0]), np.linspace(0, 1, size[1]))
    return columns, rows


def blend(first, second, share):
    return np.array(first) * (1 - share[..., None]) + np.array(second) * share[..., None]


def slope(first, second, angle=0.6, size=SIZE):
    columns, rows = across(size)
    along = columns * math.cos(angle) + rows * math.sin(angle)
    return blend(first, second, (along - along.min()) / np.ptp(along))


def glow(inner, outer, size=SIZE):
    columns, rows = across(size)
    return blend(inner, outer, np.clip(np.hypot(columns - 0.5, rows - 0.5) / 0.71, 0, 1))


def lit(paper, darkest, corner=(0.0, 0.0), size=SIZE, power=1.0):
    """Paper under a lamp at a corner; the light falls to a share."""
    columns, rows = across(size)
    away = np.hypot(columns - corner[0], rows - corner[1]) / math.sqrt(2)
    return plain(paper, size) * (1 - (1 - darkest) * away**power)[..., None]


# ------------------------------------------------------------------ putting them together


def painted(background, *layers):
    """Paints marks on a background; a layer is coverage and colour."""
    colours = background.copy()
    for coverage, colour in layers:
        colours = colours * (1 - coverage[..., None]) + np.array(colour, dtype=float) * coverage[..., None]
    return Image.fromarray(np.clip(np.rint(colours), 0, 255).astype(np.uint8))


def cut(image, alpha):
    image = image.convert("RGB")
    image.putalpha(Image.fromarray(np.rint(255 * alpha).astype(np.uint8)))
    return image


def shadowed(image, strength=0.5, blur=4, shift=3):
    """Lays a cut picture over its own soft shadow."""
    shadow = np.asarray(image.getchannel("A").filter(ImageFilter.GaussianBlur(blur)), dtype=float) * strength
    shadow = np.roll(shadow, shift, axis=0)
    base = Image.new("RGBA", image.size, (0, 0, 0, 0))
    base.putalpha(Image.fromarray(shadow.astype(np.uint8)))
    return Image.alpha_composite(base, image)


def through_jpeg(image, quality):
    buffer = io.BytesIO()
    image.convert("RGB").save(buffer, "JPEG", quality=quality)
    return Image.open(buffer)


def noisy(image, seed, level=5):
    noise = np.random.default_rng(seed).normal(0, level, (*image.size[::-1], 3))
    return Image.fromarray(np.clip(np.asarray(image.convert("RGB")) + noise, 0, 255).astype(np.uint8))


def framed(image, colour, width=1):
    image = image.copy()
    ImageDraw.Draw(image).rectangle((0, 0, image.width - 1, image.height - 1), outline=colour, width=width)
    return image


def frame_of(width, size=SIZE):
    frame = np.ones((size[1], size[0]), dtype=bool)
    frame[width:-width, width:-width] = False
    return frame


def _flat() -> Iterator[tuple[str, Image.Image, np.ndarray, str]]:
    mark = star()
    yield "black on white", painted(plain(WHITE), (mark, BLACK)), mark, "darker"
    yield "white on black", painted(plain(BLACK), (mark, WHITE)), mark, "lighter"
    for name, colour in {"red": RED, "blue": BLUE, "orange": ORANGE, "mid grey": GREY}.items():
        yield f"black on {name}", painted(plain(colour), (mark, BLACK)), mark, "darker"
        yield f"white on {name}", painted(plain(colour), (mark, WHITE)), mark, "lighter"
    left, right = star(middle=(0.28, 0.5), radius=0.3), ring(middle=(0.72, 0.5), radius=0.3)
    both = np.maximum(left, right)
    yield "black and white on red", painted(plain(RED), (left, BLACK), (right, WHITE)), both, "differs"
    yield "black and white on grey", painted(plain(GREY), (left, BLACK), (right, WHITE)), both, "differs"
    yield "black and yellow on white", painted(plain(WHITE), (left, BLACK), (right, YELLOW)), both, "darker"
    yield "red and blue on cream", painted(plain(CREAM), (left, RED), (right, BLUE)), both, "darker"
    yield "yellow on white", painted(plain(WHITE), (mark, YELLOW)), mark, ""
    yield "pale grey on white", painted(plain(WHITE), (mark, (226, 226, 226))), mark, "darker"
    yield "navy on black", painted(plain(BLACK), (mark, (20, 30, 110))), mark, "lighter"
    # Both greys are 127: by luminance alone the picture is blank.
    yield "green on a red of its luminance", painted(plain((226, 84, 84)), (mark, (62, 168, 90))), mark, ""
    three = painted(plain((226, 84, 84)), (left, (62, 168, 90)), (right, (110, 118, 220)))
    yield "two colours on a red of their luminance", three, both, "differs"
    art = scribble()
    yield "line art", painted(plain(WHITE), (art, BLACK)), art, "darker"
    yield "line art on navy", painted(plain(NAVY), (art, CREAM)), art, "lighter"
    text = word("hello")
    yield "a word on purple", painted(plain(PURPLE), (text, YELLOW)), text, "lighter"


def _gradients() -> Iterator[tuple[str, Image.Image, np.ndarray, str]]:
    mark, text, art = star(), word("hello"), scribble()
    yield "white on blue to purple", painted(slope(BLUE, PURPLE), (mark, WHITE)), mark, "lighter"
    yield "white on purple to orange", painted(slope(PURPLE, ORANGE), (text, WHITE)), text, "lighter"
    yield "black on white to grey", painted(slope(WHITE, (150, 150, 150)), (mark, BLACK)), mark, "darker"
    yield "black on sky to cream", painted(slope(SKY, CREAM, 1.5), (art, BLACK)), art, "darker"
    yield "white on a glow", painted(glow(ORANGE, RED), (mark, WHITE)), mark, "lighter"
    yield "black on a glow", painted(glow(WHITE, (120, 170, 220)), (text, NAVY)), text, "darker"
    two = np.maximum(star(middle=(0.28, 0.5), radius=0.3), ring(middle=(0.72, 0.5), radius=0.3))
    image = painted(slope(RED, (200, 60, 140)), (star(middle=(0.28, 0.5), radius=0.3), BLACK))
    image = painted(np.asarray(image, dtype=float), (ring(middle=(0.72, 0.5), radius=0.3), WHITE))
    yield "black and white on red to pink", image, two, "differs"
    halves = plain(BLUE)
    halves[:, SIZE[0] // 2 :] = ORANGE
    yield "white on blue and orange halves", painted(halves, (mark, WHITE)), mark, ""
    bands = plain(CREAM)
    bands[SIZE[1] // 2 :] = SKY
    yield "black on two bands", painted(bands, (text, BLACK)), text, ""
    quarters = plain(RED)
    quarters[: SIZE[1] // 2, SIZE[0] // 2 :] = GREEN
    quarters[SIZE[1] // 2 :, : SIZE[0] // 2] = BLUE
    quarters[SIZE[1] // 2 :, SIZE[0] // 2 :] = PURPLE
    yield "white on four colours", painted(quarters, (mark, WHITE)), mark, ""


def _compressed() -> Iterator[tuple[str, Image.Image, np.ndarray, str]]:
    mark, text, art = star(), word("hello"), scribble(stroke=0.03)
    for quality in (30, 55, 80):
        yield f"black on white, JPEG {quality}", through_jpeg(painted(plain(WHITE), (mark, BLACK)), quality), mark, ""
        coloured = painted(plain(RED), (text, WHITE))
        yield f"a white word on red, JPEG {quality}", through_jpeg(coloured, quality), text, "lighter"
    yield "line art, JPEG 40", through_jpeg(painted(plain(WHITE), (art, BLACK)), 40), art, "darker"
    yield "white on a gradient, JPEG 50", through_jpeg(painted(slope(BLUE, PURPLE), (mark, WHITE)), 50), mark, "lighter"
    both = np.maximum(star(middle=(0.28, 0.5), radius=0.3), ring(middle=(0.72, 0.5), radius=0.3))
    image = painted(
        plain(RED), (star(middle=(0.28, 0.5), radius=0.3), BLACK), (ring(middle=(0.72, 0.5), radius=0.3), WHITE)
    )
    yield "black and white on red, JPEG 60", through_jpeg(image, 60), both, "differs"


def _edges() -> Iterator[tuple[str, Image.Image, np.ndarray, str]]:
    mark = star()
    on_white, on_blue = painted(plain(WHITE), (mark, BLACK)), painted(plain(BLUE), (mark, WHITE))
    yield "a one-pixel black frame", framed(on_white, BLACK), mark, "frame"
    yield "a one-pixel black frame on blue", framed(on_blue, BLACK), mark, "frame"
    yield "a three-pixel grey frame", framed(on_white, GREY, 3), mark, "frame"
    yield "a one-pixel black frame, JPEG 60", through_jpeg(framed(on_white, BLACK), 60), mark, "frame"
    yield "two frames", framed(framed(on_white, GREY, 3), BLACK, 2), mark, "frame"
    for text in "EHCORKA":
        tight = word(text, tight=True)
        yield f"a black {text} that touches every side", painted(plain(WHITE), (tight, BLACK)), tight, "darker"
    tight = word("logo", tight=True)
    yield "a black word that touches every side", painted(plain(WHITE), (tight, BLACK)), tight, "darker"
    yield "a white word that touches every side", painted(plain(BLUE), (tight, WHITE)), tight, "lighter"
    bust = np.maximum(disc(middle=(0.5, 0.4), radius=0.22), block(0.25, 0.66, 0.75, 1))
    yield "a black figure from below", painted(plain(WHITE), (bust, BLACK)), bust, "darker"
    yield "a white figure from below", painted(plain(NAVY), (bust, WHITE)), bust, "lighter"


def _transparent() -> Iterator[tuple[str, Image.Image, np.ndarray, str]]:
    mark, text = star(), word("hello", share=0.6)
    yield "black on nothing", cut(painted(plain(BLACK)), mark), mark, "opaque"
    yield "white on nothing", cut(painted(plain(WHITE)), mark), mark, "opaque"
    cat = np.maximum.reduce(
        [disc(middle=(0.5, 0.55)), star(middle=(0.35, 0.3), radius=0.2, points=3), block(0.4, 0.7, 0.6, 0.95)]
    )
    eyes = np.maximum(disc(middle=(0.44, 0.5), radius=0.05), disc(middle=(0.56, 0.5), radius=0.05))
    yield "a black figure with white eyes", cut(painted(plain(BLACK), (eyes, WHITE)), cat), cat, "opaque"
    yield "a coloured figure", cut(painted(slope(RED, YELLOW), (eyes, BLUE)), cat), cat, "opaque"
    yield "a mark with a shadow", shadowed(cut(painted(plain(RED)), mark)), mark, "opaque"
    yield "a plain disc", cut(painted(plain(BLUE)), disc()), disc(), "opaque"
    rounded = block(0, 0, 1, 1, corner=0.22)
    yield "an icon with rounded corners", cut(painted(plain(BLUE), (mark, WHITE)), rounded), mark, "card"
    yield "an icon with a gradient", cut(painted(slope(PURPLE, RED), (mark, WHITE)), rounded), mark, "card"
    both = np.maximum(star(middle=(0.3, 0.5), radius=0.25), ring(middle=(0.7, 0.5), radius=0.25))
    image = painted(
        plain(RED), (star(middle=(0.3, 0.5), radius=0.25), BLACK), (ring(middle=(0.7, 0.5), radius=0.25), WHITE)
    )
    yield "an icon with black and white on red", cut(image, rounded), both, "card"
    card = block(0.08, 0.1, 0.92, 0.9, corner=0.08)
    yield "a card in a see-through frame", cut(painted(plain(CREAM), (text, BLACK)), card), text, "card"
    yield "a card with a shadow", shadowed(cut(painted(plain(WHITE), (text, RED)), card)), text, "card"
    round_card = disc(radius=0.48)
    yield "a round badge", cut(painted(plain(GREEN), (star(radius=0.3), WHITE)), round_card), star(radius=0.3), "card"
    yield "a blank card", cut(painted(plain(ORANGE)), card), card, "opaque"
    figure = np.maximum(star(radius=0.34), disc(radius=0.2))
    edge = Image.fromarray(np.rint(255 * figure).astype(np.uint8)).filter(ImageFilter.MaxFilter(13))
    outline = np.asarray(edge.filter(ImageFilter.GaussianBlur(1)), dtype=float) / 255
    sticker = shadowed(cut(painted(plain(WHITE), (figure, PURPLE)), outline))
    yield "a sticker with a white edge and a shadow", sticker, figure, "card"
    window = block(0.1, 0.08, 0.9, 0.88, corner=0.04)
    bar = block(0.1, 0.08, 0.9, 0.18)
    buttons = np.maximum.reduce([disc(middle=(0.14 + 0.04 * k, 0.13), radius=0.022) for k in range(3)])
    content = np.maximum.reduce([buttons, star(middle=(0.5, 0.52), radius=0.26)])
    image = painted(plain((250, 250, 250)), (bar, (232, 232, 232)), (content, (30, 60, 120)))
    yield "a window with a shadow", shadowed(cut(image, window), blur=8), content, "card"


def _lit() -> Iterator[tuple[str, Image.Image, np.ndarray, str]]:
    mark, art, text = star(), scribble(stroke=0.03), word("hello")
    yield "a drawing lit from a corner", painted(lit(WHITE, 0.45), (art, BLACK)), art, "darker"
    lamp = painted(lit((240, 232, 215), 0.4, (1, 0.2)), (text, (35, 30, 40)))
    yield "a noisy drawing lit from the right", noisy(lamp, 1), text, "darker"
    shade = painted(lit((225, 225, 220), 0.5, (0.2, 0), power=2.5), (mark, (30, 30, 30)))
    yield "a drawing with a dark corner, JPEG 60", through_jpeg(noisy(shade, 2, 3), 60), mark, "darker"
    chalk = painted(lit((50, 70, 60), 0.4, (0, 1)), (art, (220, 220, 210)))
    yield "chalk on an unevenly lit board", noisy(chalk, 3, 3), art, "lighter"
    yield "noisy paper", noisy(painted(plain((236, 233, 225)), (text, (40, 40, 60))), 4, 6), text, "darker"


def _named(rows: Iterator[tuple[str, Image.Image, np.ndarray, str]]) -> list[Drawn]:
    return [Drawn(name, image.convert("RGBA"), coverage >= 0.5, said) for name, image, coverage, said in rows]


@cache
def drawn_pictures() -> list[Drawn]:
    """All pictures."""
    rows = (_flat(), _gradients(), _compressed(), _edges(), _transparent(), _lit())
    return [picture for part in rows for picture in _named(part)]


def _held_out() -> Iterator[tuple[str, Image.Image, np.ndarray, str]]:
    text, knot = word("Az9"), np.maximum(ring(middle=(0.4, 0.5), radius=0.3), ring(middle=(0.62, 0.5), radius=0.3))
    teal, pink, olive = (0, 128, 128), (244, 114, 182), (107, 114, 40)
    yield "pink on teal", painted(plain(teal), (knot, pink)), knot, ""
    yield (
        "black and cream on olive",
        painted(plain(olive), (text * (knot < 0.5), BLACK), (knot, CREAM)),
        np.maximum(text, knot),
        "",
    )
    sky = painted(slope(NAVY, pink, 1.4), (text, CREAM))
    yield "a word on an evening sky, JPEG 45", through_jpeg(sky, 45), text, "lighter"
    yield "a two-pixel red frame", framed(painted(plain(CREAM), (knot, teal)), RED, 2), knot, "frame"
    tight = word("F", tight=True)
    yield "an F that touches every side", painted(plain(WHITE), (tight, (20, 20, 20))), tight, "darker"
    round_card = disc(radius=0.49)
    small = star(radius=0.28, points=7)
    yield (
        "a round icon with a shadow",
        shadowed(cut(painted(glow(SKY, BLUE), (small, WHITE)), round_card)),
        small,
        "card",
    )
    wide = block(0.02, 0.2, 0.98, 0.8, corner=0.3)
    banner = word("banner", share=0.55)
    yield "a wide button", cut(painted(slope(RED, ORANGE, 0), (banner, WHITE)), wide), banner, "card"
    lamp = painted(lit((250, 240, 230), 0.35, (1, 1)), (scribble(stroke=0.03), NAVY))
    yield "ink on paper lit from below, JPEG 70", through_jpeg(noisy(lamp, 7, 4), 70), scribble(stroke=0.03), "darker"
    thirds = plain(teal)
    thirds[:, 67:134], thirds[:, 134:] = CREAM, pink
    yield "black on three stripes", painted(thirds, (text, BLACK)), text, ""
    page = painted(plain((235, 235, 240)), (block(0.08, 0.08, 0.92, 0.92), WHITE), (word("card", share=0.5), PURPLE))
    yield "a card on a pale page", page, word("card", share=0.5), ""


@cache
def held_out_pictures() -> list[Drawn]:
    """Pictures by which no constant of the package was chosen."""
    return _named(_held_out())


def overlap(found: np.ndarray, known: np.ndarray) -> float:
    """The intersection of two sets of pixels divided by their union."""
    return float((found & known).sum() / (found | known).sum())
