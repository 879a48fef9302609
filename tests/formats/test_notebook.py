"""How written files show themselves in a notebook."""

from __future__ import annotations

import base64
import html
from pathlib import Path

import pytest

from flowgif.formats.notebook import mime_bundle
from flowgif.formats.table import FORMATS


@pytest.mark.parametrize("suffix", FORMATS)
def test_every_format_shows_its_content(suffix: str, tmp_path: Path) -> None:
    content = b"<svg>&amp;\xc3\xa9</svg>" if suffix in {".svg", ".html"} else bytes(range(256))
    path = tmp_path / f"logo{suffix}"
    path.write_bytes(content)
    bundle = mime_bundle(path)
    assert bundle.pop("text/plain") == str(path)
    ((media_type, shown),) = bundle.items()
    if media_type == "image/svg+xml":
        assert shown.encode() == content
    elif media_type.startswith("image/"):
        assert base64.b64decode(shown) == content
    elif suffix == ".html":
        assert f'srcdoc="{html.escape(content.decode())}"' in shown
    else:
        assert f"data:video/{suffix[1:]};base64,{base64.b64encode(content).decode()}" in shown


def test_what_cannot_be_shown_is_named(tmp_path: Path) -> None:
    for path in (tmp_path / "gone.gif", tmp_path / "frames", tmp_path / "frame-%04d.png"):
        assert mime_bundle(path) == {"text/plain": str(path)}
