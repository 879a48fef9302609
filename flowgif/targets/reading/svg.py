"""Draws SVG files with resvg, which is given nothing but the file and fonts of our own.

resvg runs in a process of its own (:mod:`flowgif.targets.reading.resvg`), because a file can be made so that its
drawing takes all memory, hours, or more stack than there is, which would end the process.
"""

from __future__ import annotations

import gzip
import io
import re
import subprocess
import sys
import zlib
from xml.etree import ElementTree

from PIL import Image

from flowgif.errors import UnusableInput
from flowgif.targets.reading.fonts import SVG_FAMILY, SVG_FONTS, bundled_font
from flowgif.targets.reading.picture import Picture, PictureFile

__all__ = ["is_svg", "read_svg"]

SVG, XINCLUDE = "{http://www.w3.org/2000/svg}", "{http://www.w3.org/2001/XInclude}"
HREFS = ("href", "{http://www.w3.org/1999/xlink}href")
GZIP = b"\x1f\x8b"
MOST_BYTES = 16 * 2**20  # of an SVG, unpacked
SECONDS = 60  # that a drawing may take
# They may name other files, of which the drawing shows nothing.
LINKS = {f"{SVG}{name}" for name in ("a", "script", "color-profile", "font-face-uri", "cursor")}
INSIDE = re.compile(r"\s*(#|data:|$)")
# Comments, and fonts, in whose place our own are used.
IGNORED_CSS = re.compile(r"/\*.*?\*/|@font-face\s*\{[^}]*\}", re.DOTALL)
OUTSIDE_CSS = re.compile(r"""@import[^;]*|url\(\s*+["']?+\s*+(?!#|data:)[^)]*""")
SIMPLIFY = "simplify it, or export it as a PNG of about 1000 pixels"


def is_svg(head: bytes, suffix: str) -> bool:
    """Whether a file is an SVG or other XML, also a packed one, by its first bytes in any encoding."""
    return head.startswith(GZIP) or head.replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n").startswith(b"<")


def read_svg(file: PictureFile) -> Picture:
    """Draws an SVG, packed or not, so that its longer side has ``drawn_side`` pixels.

    Raises:
        UnusableInput: the file is no SVG, refers to other files, or takes too much memory or time.
    """
    file.find_frame(1)
    tree = _Tree(file.name)
    image = _draw(file, tree.parsed(_unpacked(file)))
    remarks = [f"drawn at {image.width}x{image.height} pixels (--max-side {file.drawn_side})"]
    if f"{SVG}text" in tree.tags:
        remarks.append(f"its text is drawn in {SVG_FAMILY}; make paths of it for another font")
    if f"{SVG}foreignObject" in tree.tags:
        remarks.append("the HTML in it (foreignObject) is not drawn")
    return Picture(image, image.size, tuple(remarks))


def _unpacked(file: PictureFile) -> bytes:
    is_packed = file.stream.read(len(GZIP)) == GZIP
    file.stream.seek(0)
    try:
        content = (gzip.GzipFile(fileobj=file.stream) if is_packed else file.stream).read(MOST_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise UnusableInput(f"{file.name} cannot be unpacked ({error}); save the SVG anew") from None
    if len(content) > MOST_BYTES:
        raise UnusableInput(f"{file.name} holds more than {MOST_BYTES // 2**20} MB of SVG; {SIMPLIFY}")
    return content


class _Tree(ElementTree.TreeBuilder):
    """Builds the tree of an SVG, which must not refer to anything outside itself.

    Attributes:
        name: of the file, for messages.
        tags: of all elements.
    """

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name
        self.tags: set[str] = set()

    def parsed(self, content: bytes) -> bytes:
        """Reads a file's content; returns the SVG anew, without entities, in UTF-8.

        Raises:
            UnusableInput: the content is no SVG, or refers to something outside itself.
        """
        parser = ElementTree.XMLParser(target=self)  # noqa: S314 (it reads no other files, and expat bounds entities)
        try:
            parser.feed(content)
            return ElementTree.tostring(parser.close())
        except (ElementTree.ParseError, LookupError, ValueError) as error:
            raise UnusableInput(f"{self.name} is no valid SVG ({error}); save it anew") from None
        except RecursionError:
            raise UnusableInput(f"{self.name} nests its elements too deep; {SIMPLIFY}") from None

    def start(self, tag: str, attrs: dict[str, str], /) -> ElementTree.Element:
        if not tag.startswith("{"):  # as within an HTML page, from which people copy
            tag = SVG + tag
        if not self.tags and tag != f"{SVG}svg":
            raise UnusableInput(f"{self.name} is no SVG, but {tag.rpartition('}')[2].upper()}; give a picture")
        if (tag.startswith(SVG) and tag not in LINKS) or tag.startswith(XINCLUDE):
            for key in HREFS:
                if not INSIDE.match(attrs.get(key, "")):
                    raise self._outside(attrs[key])
        for value in attrs.values():
            self._check_style(value)
        self.tags.add(tag)
        return super().start(tag, attrs)

    def end(self, tag: str, /) -> ElementTree.Element:
        element = super().end(tag if tag.startswith("{") else SVG + tag)
        if element.tag == f"{SVG}style":
            self._check_style(element.text or "")
        return element

    def _check_style(self, style: str) -> None:
        if found := OUTSIDE_CSS.search(IGNORED_CSS.sub("", style)):
            raise self._outside(found[0])

    def _outside(self, reference: str) -> UnusableInput:
        shown = reference if len(reference) < 60 else f"{reference[:57]}..."
        return UnusableInput(
            f"{self.name} refers to another file ({shown}), which is not read; embed that file, or leave it out"
        )


def _draw(file: PictureFile, svg: bytes) -> Image.Image:
    fonts = [str(bundled_font(name)) for name in SVG_FONTS]
    # With -P, modules are never taken from the current folder.
    command = [sys.executable, "-P", "-m", "flowgif.targets.reading.resvg", str(file.drawn_side), SVG_FAMILY, *fonts]
    try:
        done = subprocess.run(command, input=svg, capture_output=True, check=False, timeout=SECONDS)  # noqa: S603
    except subprocess.TimeoutExpired:
        raise UnusableInput(f"{file.name} takes more than {SECONDS} s to draw; {SIMPLIFY}") from None
    if done.returncode:
        raise UnusableInput(f"{file.name} takes too much memory to draw, or nests too deep; {SIMPLIFY}")
    if not done.stdout:
        reason = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        raise UnusableInput(f"{file.name} cannot be drawn ({reason}); {SIMPLIFY}")
    return Image.open(io.BytesIO(done.stdout)).convert("RGBA")
