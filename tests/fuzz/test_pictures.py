"""Whatever is done to a picture, reading it gives a picture or one line."""

from __future__ import annotations

import gzip
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import CAT, ROOT
from mutations import mutated
from PIL import Image, features

from flowgif.errors import UnusableInput
from flowgif.targets.reading.loading import load_picture

pytestmark = pytest.mark.slow
NUMBER = 200  # of damaged versions of each picture


def _saved(format: str, mode: str = "RGB", **options: Any) -> Callable[[], bytes]:
    def save() -> bytes:
        with Image.open(CAT) as image:
            small = image.convert("RGBA").resize((24, 20)).convert(mode)
        if options.pop("frames", False):
            options.update(save_all=True, append_images=[small.transpose(Image.Transpose.ROTATE_180)])
        file = io.BytesIO()
        small.save(file, format, **options)
        return file.getvalue()

    return save


def _deep() -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.arange(480, dtype=np.float32).reshape(20, 24)).save(file, "TIFF")
    return file.getvalue()


def _deep_png() -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.arange(480, dtype=np.uint16).reshape(20, 24) * 9).save(file, "PNG")
    return file.getvalue()


def _svg() -> bytes:
    return (
        b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><defs><path id="a" d="M1 1h7v7z"/></defs>'
        b'<use href="#a"/></svg>'
    )


PICTURES: dict[str, Callable[[], bytes]] = {
    "png": _saved("PNG", "RGBA"),
    "png of a palette": _saved("PNG", "P", transparency=3),
    "png of greys": _saved("PNG", "L", transparency=9),
    "png of 16 bits": _deep_png,
    "apng": _saved("PNG", "RGB", frames=True),
    "jpeg": _saved("JPEG"),
    "jpeg with exif": _saved("JPEG", exif=b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"),
    "gif": _saved("GIF", "P", frames=True),
    "webp": _saved("WEBP", frames=True),
    "bmp": _saved("BMP"),
    "tiff": _saved("TIFF", compression="tiff_lzw"),
    "tiff of floats": _deep,
    "ico": _saved("ICO", "RGBA"),
    "icns": _saved("ICNS", "RGBA"),
    "ppm": _saved("PPM"),
    "tga": _saved("TGA", compression="tga_rle"),
    "jpeg 2000": _saved("JPEG2000"),
    "svg": _svg,
    "svgz": lambda: gzip.compress(_svg()),
}
if features.check("avif"):
    PICTURES["avif"] = _saved("AVIF", frames=True)


@pytest.mark.parametrize("name", PICTURES)
def test_a_damaged_picture_is_a_picture_or_one_line(name: str, tmp_path: Path) -> None:
    path = tmp_path / "x"
    content = PICTURES[name]()
    path.write_bytes(content)
    load_picture(path)
    # A drawing starts a process of its own, which takes a tenth of a second.
    number = NUMBER // 10 if name.startswith("svg") else NUMBER
    good = 0
    for data in mutated(content, number):
        path.write_bytes(data)
        try:
            load_picture(path)
            good += 1
        except UnusableInput as error:
            assert "\n" not in str(error)  # noqa: PT017 (it need not be raised)
    assert good < number


def test_other_formats_are_not_opened(tmp_path: Path) -> None:
    (tmp_path / "x.eps").write_text("%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n")
    with Image.open(ROOT / "imgs" / "cat.png") as image:
        for suffix in ("pcx", "sgi", "pdf", "spider"):
            picture = image.convert("L").resize((24, 20))
            (picture.convert("F") if suffix == "spider" else picture).save(tmp_path / f"x.{suffix}", suffix)
    for path in tmp_path.iterdir():
        with pytest.raises(UnusableInput, match="is not a picture that can be read"):
            load_picture(path)
