"""A trained flow into an animation file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from flowgif.animation.caption import draw_captions, moment_name
from flowgif.animation.encode import encode_gif
from flowgif.animation.render import STYLES, Style, base_draws, make_palette, make_view, render
from flowgif.animation.timeline import Timeline
from flowgif.errors import UnusableInput, did_you_mean
from flowgif.files import check_writable
from flowgif.flows.base import Flow
from flowgif.targets.mixture import GaussianMixture

__all__ = ["animate"]


def animate(
    flow: Flow,
    target: GaussianMixture,
    out: Path,
    timeline: Timeline,
    size: int = 480,
    points: int | None = None,
    style: Style = "points",
    seed: int = 0,
    caption: bool = False,
    on_frame: Callable[[int], object] | None = None,
) -> None:
    """Carries base draws through the flow and writes what becomes of them as a GIF.

    Args:
        flow: any.
        target: what it was fitted to; only the frame around it and the particles' size come from it.
        out: a .gif; replaced whole, or left alone.
        timeline: which moments, for how long.
        size: of the frame's longer side, pixels.
        points: particles; None for the style's own number.
        style: points or density.
        seed: of the base draws; the same seed gives the same bytes.
        caption: whether the layer's number stands below the picture, or the time where there are no layers.
        on_frame: hears the number of frames drawn.

    Raises:
        UnusableInput: an argument is out of its range, or the file cannot be written.
    """
    if style not in STYLES:
        raise UnusableInput(f"unknown --style '{style}'; {did_you_mean(style, STYLES)}")
    if out.suffix.lower() != ".gif":
        raise UnusableInput(f"cannot write {out}: its suffix is not .gif; name a .gif file")
    if not 16 <= size <= 4096:
        raise UnusableInput(f"--size {size} is out of range; give 16 to 4096 pixels")
    points = STYLES[style] if points is None else points
    if not 1 <= points <= 1_000_000:
        raise UnusableInput(f"--points {points} is out of range; give 1 to 1000000")
    check_writable(out)
    palette = make_palette(style)
    view = make_view(target, size)
    frames = render(flow, view, style, palette, timeline.times, base_draws(points, seed))
    if caption:
        texts = [moment_name(time, flow.layers) for time in timeline.times]
        frames = (np.vstack(both) for both in zip(frames, draw_captions(texts, view.width, palette), strict=True))

    def counted() -> Iterator[npt.NDArray[np.uint8]]:
        for number, frame in enumerate(frames, 1):
            yield frame
            if on_frame is not None:
                on_frame(number)

    encode_gif(out, counted(), palette.colours, timeline.delays)
