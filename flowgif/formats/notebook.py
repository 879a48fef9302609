"""Shows written files in notebooks, by the MIME bundles that these take (Jupyter's display protocol)."""

from __future__ import annotations

import base64
import html
from pathlib import Path

from flowgif.formats.table import find_format

__all__ = ["mime_bundle"]

PAGE_HEIGHT = 540  # pixels, enough for a page's picture and its controls


def mime_bundle(path: Path) -> dict[str, str]:
    """Returns a file's content by MIME type, as a notebook's output keeps it: pictures in base64, others as text.

    A page is put into a frame, so that its styles and scripts stay its own. A folder of frames, a file that is gone,
    and a format without a media type are shown by their names alone.
    """
    shown = {"text/plain": str(path)}
    media_type = find_format(path).media_type
    if not media_type or not path.is_file():
        return shown
    content = path.read_bytes()
    if media_type == "image/svg+xml":
        return {media_type: content.decode(), **shown}
    if media_type == "text/html":
        page = html.escape(content.decode(), quote=True)
        style = f"width: 100%; height: {PAGE_HEIGHT}px; border: 0"
        return {media_type: f'<iframe srcdoc="{page}" style="{style}"></iframe>', **shown}
    encoded = base64.b64encode(content).decode("ascii")
    if media_type.startswith("video/"):
        source = f"data:{media_type};base64,{encoded}"
        return {"text/html": f'<video src="{source}" autoplay loop muted controls></video>', **shown}
    return {media_type: encoded, **shown}
