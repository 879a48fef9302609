"""Draws the SVG on stdin as a PNG on stdout: ``python -m flowgif.targets.reading.resvg SIDE FAMILY FONT...``

If resvg refuses the SVG, nothing is on stdout, and the last line on stderr says why. This is a program of its own, with
little memory, a large stack and nothing to lose; see :mod:`flowgif.targets.reading.svg`.
"""

from __future__ import annotations

import sys
import threading
from contextlib import suppress

MEMORY, STACK = 2 * 2**30, 2**29  # bytes


def draw(side: int, family: str, fonts: list[str]) -> None:
    """Draws the SVG into a square of ``side`` pixels, as large as its proportions allow; texts are in one family."""
    import resvg_py

    try:
        png = resvg_py.svg_to_bytes(
            svg_string=sys.stdin.buffer.read().decode(),
            width=side,
            height=side,
            dpi=96,
            skip_system_fonts=True,
            font_files=fonts,
            font_family=family,
            # resvg draws texts in unknown fonts in the serif one.
            serif_family=family,
            sans_serif_family=family,
            cursive_family=family,
            fantasy_family=family,
            monospace_family=family,
        )
    except ValueError as error:
        sys.stderr.write(f"{error}\n")
    else:
        sys.stdout.buffer.write(png)


if __name__ == "__main__":
    with suppress(ImportError, OSError, ValueError):  # Windows has no such limits, and macOS may refuse them
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    threading.stack_size(STACK)  # of new threads; elements may nest
    drawing = threading.Thread(target=draw, args=(int(sys.argv[1]), sys.argv[2], sys.argv[3:]))
    drawing.start()
    drawing.join()
