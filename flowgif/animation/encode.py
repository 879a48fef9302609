"""Frames of palette indices into a file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from flowgif.files import write_atomically

__all__ = ["encode_gif"]


def encode_gif(
    path: Path, frames: Iterable[npt.NDArray[np.uint8]], colours: npt.NDArray[np.uint8], delays: Iterable[int]
) -> None:
    """Writes a GIF that loops for ever, with one palette for the whole file and nothing dithered.

    Args:
        path: where; replaced whole, or left alone.
        frames: (height, width) palette indices each; taken one at a time.
        colours: (levels, 3).
        delays: of each frame, hundredths of a second.

    Raises:
        UnusableInput: the place cannot be written.
    """
    palette = colours.tobytes()

    def images() -> Iterator[Image.Image]:
        for frame in frames:
            image = Image.fromarray(frame)
            image.putpalette(palette)
            yield image

    def write(beside: Path) -> None:
        stream = images()
        with beside.open("wb") as file:
            next(stream).save(
                file,
                format="GIF",
                save_all=True,
                append_images=stream,
                duration=[10 * delay for delay in delays],  # Pillow's unit is the millisecond
                loop=0,
                palette=palette,
                optimize=False,
            )

    write_atomically(path, write)
