"""Draws the pictures of this folder: ``python imgs/draw.py`` (needs only Pillow).

Every picture is drawn four times too large and reduced, so its edges are smooth.
"""

from math import cos, pi, sin
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

HERE = Path(__file__).parent
SUPERSAMPLING = 4

Point = tuple[float, float]


def canvas(width: int, height: int, colour: object, mode: str = "L") -> Image.Image:
    return Image.new(mode, (width * SUPERSAMPLING, height * SUPERSAMPLING), colour)  # pyright: ignore[reportArgumentType]


def save(picture: Image.Image, name: str) -> None:
    size = (picture.width // SUPERSAMPLING, picture.height // SUPERSAMPLING)
    picture.resize(size, Image.Resampling.LANCZOS).save(HERE / name, optimize=True)


def up(*values: float) -> list[float]:
    """Picture coordinates to those of the enlarged canvas."""
    return [value * SUPERSAMPLING for value in values]


def bezier(a: Point, b: Point, c: Point, d: Point, steps: int = 40) -> list[Point]:
    """The cubic curve from a to d, pulled towards b and c."""
    out: list[Point] = []
    for i in range(steps + 1):
        s = i / steps
        k = ((1 - s) ** 3, 3 * s * (1 - s) ** 2, 3 * s * s * (1 - s), s**3)
        out.append(
            (
                k[0] * a[0] + k[1] * b[0] + k[2] * c[0] + k[3] * d[0],
                k[0] * a[1] + k[1] * b[1] + k[2] * c[1] + k[3] * d[1],
            )
        )
    return out


def closed(start: Point, *curves: tuple[Point, Point, Point]) -> list[Point]:
    """A closed outline of cubic curves, on the enlarged canvas."""
    outline: list[Point] = []
    here = start
    for b, c, d in curves:
        outline += bezier(here, b, c, d)
        here = d
    return [(x * SUPERSAMPLING, y * SUPERSAMPLING) for x, y in outline]


def cat() -> None:
    """A bold silhouette, 400x400: a sitting cat seen from behind."""
    picture = canvas(400, 400, 255)
    draw = ImageDraw.Draw(picture)
    body = closed(
        (200, 140),
        ((265, 150), (300, 240), (296, 300)),
        ((294, 340), (280, 366), (262, 372)),
        ((230, 380), (160, 380), (130, 372)),
        ((104, 362), (96, 320), (102, 280)),
        ((110, 220), (140, 150), (200, 140)),
    )
    draw.polygon(body, fill=0)
    draw.ellipse(up(132, 58, 262, 172), fill=0)
    draw.polygon(
        closed(
            (136, 108),
            ((128, 70), (132, 40), (140, 22)),
            ((160, 36), (176, 50), (186, 66)),
            ((168, 80), (150, 90), (136, 108)),
        ),
        fill=0,
    )
    draw.polygon(
        closed(
            (258, 108),
            ((266, 70), (262, 40), (254, 22)),
            ((234, 36), (218, 50), (208, 66)),
            ((226, 80), (244, 90), (258, 108)),
        ),
        fill=0,
    )
    tail = closed(
        (250, 372),
        ((320, 384), (372, 352), (366, 290)),
        ((362, 250), (340, 232), (344, 206)),
        ((346, 192), (364, 190), (366, 206)),
        ((362, 226), (392, 246), (392, 296)),
        ((392, 372), (330, 404), (240, 376)),
    )
    draw.polygon(tail, fill=0)
    save(picture, "cat.png")


def wordmark() -> None:
    """The word flowgif in heavy letters, 640x240."""
    picture = canvas(640, 240, 255)
    draw = ImageDraw.Draw(picture)
    font = ImageFont.load_default(160 * SUPERSAMPLING)
    draw.text(
        (320 * SUPERSAMPLING, 112 * SUPERSAMPLING),
        "flowgif",
        fill=0,
        font=font,
        anchor="mm",
        stroke_width=4 * SUPERSAMPLING,
        stroke_fill=0,
    )
    save(picture, "wordmark.png")


def bicycle() -> None:
    """Thin line art, 480x320: a bicycle in four-pixel strokes."""
    picture = canvas(480, 320, 255)
    draw = ImageDraw.Draw(picture)
    width = 4 * SUPERSAMPLING
    rear, front, crank = (115, 215), (365, 215), (215, 218)
    for x, y in (rear, front):
        draw.ellipse(up(x - 85, y - 85, x + 85, y + 85), outline=0, width=width)
        draw.ellipse(up(x - 9, y - 9, x + 9, y + 9), outline=0, width=width)
        for spoke in range(6):
            angle = spoke * pi / 6 + 0.2
            dx, dy = 82 * cos(angle), 82 * sin(angle)
            draw.line(up(x - dx, y - dy, x + dx, y + dy), fill=0, width=SUPERSAMPLING * 2)
    seat, head = (180, 108), (325, 100)
    for a, b in (
        (rear, crank),
        (rear, seat),
        (seat, crank),
        (seat, head),
        (head, crank),
        (head, front),
        (seat, (172, 84)),
        (head, (317, 66)),
    ):
        draw.line(up(*a, *b), fill=0, width=width)
    draw.line(up(146, 82, 198, 82), fill=0, width=width * 2)
    draw.arc(up(300, 40, 352, 92), 180, 60, fill=0, width=width)
    draw.ellipse(up(crank[0] - 20, crank[1] - 20, crank[0] + 20, crank[1] + 20), outline=0, width=width)
    save(picture, "bicycle.png")


def gears() -> None:
    """Holes and separate parts, 420x420: two meshing gears and five dots."""
    picture = canvas(420, 420, 255)
    draw = ImageDraw.Draw(picture)

    def gear(x: float, y: float, radius: float, teeth: int, turn: float) -> None:
        outline: list[Point] = []
        for tooth in range(teeth):
            for step, r in ((0.0, 0.82), (0.18, 1.0), (0.45, 1.0), (0.63, 0.82)):
                angle = 2 * pi * (tooth + step) / teeth + turn
                outline.append(
                    (
                        (x + radius * r * cos(angle)) * SUPERSAMPLING,
                        (y + radius * r * sin(angle)) * SUPERSAMPLING,
                    )
                )
        draw.polygon(outline, fill=0)
        hole = radius * 0.22
        draw.ellipse(up(x - hole, y - hole, x + hole, y + hole), fill=255)
        for i in range(5):
            angle = 2 * pi * i / 5 + turn
            cx, cy, r = x + 0.52 * radius * cos(angle), y + 0.52 * radius * sin(angle), 0.14 * radius
            draw.ellipse(up(cx - r, cy - r, cx + r, cy + r), fill=255)

    gear(150, 165, 125, 12, 0.1)
    gear(310, 315, 85, 8, 0.32)
    for i, (x, y) in enumerate(((330, 60), (372, 118), (368, 190), (60, 330), (118, 372))):
        r = 24 - 3 * i
        draw.ellipse(up(x - r, y - r, x + r, y + r), fill=0)
    save(picture, "gears.png")


def banner() -> None:
    """A 4:1 banner with transparency, 800x200: hills, a sun and birds, white ink on nothing."""
    picture = canvas(800, 200, (255, 255, 255, 0), "RGBA")
    draw = ImageDraw.Draw(picture)
    ink = (245, 245, 250, 255)
    hills: list[Point] = [(0, 200)]
    for i in range(201):
        x = i * 4
        y = 150 - 38 * sin(x / 95 + 0.4) - 14 * sin(x / 31)
        hills.append((x, y))
    hills.append((800, 200))
    draw.polygon([(x * SUPERSAMPLING, y * SUPERSAMPLING) for x, y in hills], fill=ink)
    draw.ellipse(up(560, 14, 640, 94), fill=ink)
    for x, y, s in ((140, 40, 26), (205, 62, 18), (90, 70, 16), (420, 34, 22), (720, 50, 20)):
        for side in (-1, 1):
            wing = bezier(
                (x, y),
                (x + side * s * 0.3, y - s * 0.7),
                (x + side * s * 0.8, y - s * 0.6),
                (x + side * s * 1.3, y - s * 0.2),
            )
            draw.line(
                [(px * SUPERSAMPLING, py * SUPERSAMPLING) for px, py in wing],
                fill=ink,
                width=5 * SUPERSAMPLING,
                joint="curve",
            )
    save(picture, "banner.png")


def balloon() -> None:
    """A coloured logo, 360x440: a striped hot-air balloon on white."""
    picture = canvas(360, 440, (255, 255, 255), "RGB")
    colours = [(214, 57, 57), (242, 153, 41), (247, 206, 70), (46, 160, 110), (44, 107, 190), (112, 70, 170)]
    mask = Image.new("L", picture.size, 0)
    envelope = closed(
        (180, 330),
        ((120, 290), (40, 240), (40, 160)),
        ((40, 80), (100, 24), (180, 24)),
        ((260, 24), (320, 80), (320, 160)),
        ((320, 240), (240, 290), (180, 330)),
    )
    ImageDraw.Draw(mask).polygon(envelope, fill=255)
    stripes = Image.new("RGB", picture.size, (255, 255, 255))
    draw = ImageDraw.Draw(stripes)
    for i, colour in enumerate(colours):
        left, right = -1 + 2 * i / 6, -1 + 2 * (i + 1) / 6
        top = [(180 + 140 * sin(left * pi / 2), 0), (180 + 140 * sin(right * pi / 2), 0)]
        edge = [
            (180 + 140 * sin(e * pi / 2) * cos((s / 40 - 0.35) * 1.25), s * 9)
            for e in (right, left)
            for s in (range(41) if e == right else range(40, -1, -1))
        ]
        draw.polygon([(x * SUPERSAMPLING, y * SUPERSAMPLING) for x, y in (*top, *edge)], fill=colour)
    picture.paste(stripes, (0, 0), mask)
    draw = ImageDraw.Draw(picture)
    draw.line(up(158, 318, 160, 366), fill=(90, 62, 40), width=4 * SUPERSAMPLING)
    draw.line(up(202, 318, 200, 366), fill=(90, 62, 40), width=4 * SUPERSAMPLING)
    draw.rounded_rectangle(up(146, 364, 214, 418), radius=12 * SUPERSAMPLING, fill=(140, 92, 52))
    save(picture, "balloon.png")


if __name__ == "__main__":
    for draw_picture in (cat, wordmark, bicycle, gears, banner, balloon):
        draw_picture()
