"""Films that are hard on a file format, and what their files must show again."""

from __future__ import annotations

import gc
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import imageio.v2
import numpy as np
from PIL import Image

from flowgif.formats.film import Film


def ramp(levels: int) -> np.ndarray:
    places = np.linspace(0, 1, levels)[:, None]
    return np.rint((1 - places) * (255, 250, 240) + places * (20, 30, 60)).astype(np.uint8)


def see_through(levels: int) -> np.ndarray:
    """The ramp on a transparent background, (levels, 4)."""
    places = np.linspace(0, 255, levels)[:, None]
    inks = np.tile([[20, 30, 60]], (levels, 1))
    inks[0] = ramp(levels)[0]
    return np.hstack((inks, np.rint(places))).astype(np.uint8)


def discs(
    number: int = 6, width: int = 40, height: int = 30, levels: int = 6, background: int = 0, seed: int = 0
) -> list[np.ndarray]:
    """A soft disc that crosses the frame, with some speckles."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:height, :width]
    frames = []
    for i in range(number):
        x, y = width * (0.2 + 0.6 * i / max(1, number - 1)), height * 0.5
        ink = np.clip(6.5 - np.hypot(columns - x, rows - y), 0, 1)
        ink = np.maximum(ink, rng.random(ink.shape) > 0.99)
        frames.append((np.rint(ink * (levels - 1)).astype(np.int64) + background) % levels)
    return [frame.astype(np.uint8) for frame in frames]


def noise(number: int, width: int, height: int, levels: int, seed: int = 0) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [rng.integers(0, levels, (height, width), np.uint8) for _ in range(number)]


def film_of(frames: Sequence[np.ndarray], colours: np.ndarray, delays: Sequence[int] | None = None, **more) -> Film:
    return Film.record(frames, colours, [4] * len(frames) if delays is None else delays, **more)


def seen(film: Film, suffix: str = ".png") -> list[np.ndarray]:
    """Its frames as they must look, (height, width, 4); what is wholly see-through has no colour."""
    table = np.full((len(film.colours), 4), 255, np.uint8)
    table[:, : film.colours.shape[1]] = film.colours
    if suffix == ".gif":
        table[:, 3] = np.where(table[:, 3] < 127.5, 0, 255)
    table[table[:, 3] == 0] = 0
    return [table[frame] for frame in film.frames()]


def decode(path: Path) -> tuple[list[np.ndarray], list[int], Image.Image]:
    """Frames as ``seen`` has them, delays in hundredths of a second, and the picture for its metadata."""
    frames, delays = [], []
    image = Image.open(path)
    with image:
        for index in range(getattr(image, "n_frames", 1)):
            image.seek(index)
            rgba = np.array(image.convert("RGBA"))
            rgba[rgba[..., 3] == 0] = 0
            frames.append(rgba)
            delays.append(round(image.info.get("duration", 0) / 10))
    return frames, delays, image


@contextmanager
def leaks_of_imageio() -> Iterator[None]:
    """It leaves pipes to the garbage collector after reading, and when ffmpeg breaks off."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        yield
        gc.collect()


def decode_video(path: Path) -> tuple[list[np.ndarray], dict]:
    """Frames, (height, width, 3), and what ffmpeg says of them."""
    with leaks_of_imageio(), closing(imageio.v2.get_reader(path, "FFMPEG")) as reader:
        return [np.asarray(frame) for frame in reader], reader.get_meta_data()


def _twice_alike() -> Film:
    frames = discs(3)
    return film_of([frames[0], frames[1], frames[1], frames[1], frames[2]], ramp(6), [5, 7, 11, 13, 17])


def _returning() -> Film:
    """Pixels come and go, one at a time: nearly all of a frame is as before."""
    frames = [np.zeros((25, 37), np.uint8) for _ in range(8)]
    for i, frame in enumerate(frames):
        frame[3 * i, 36 - 5 * i] = frame[24, 36] = 1 + i % 5
    return film_of(frames, ramp(6))


def _blinking() -> Film:
    """Wholly see-through in the middle."""
    frames = discs(5)
    frames[2][:] = 0
    return film_of(frames, see_through(6))


FILMS: dict[str, Callable[[], Film]] = {
    "usual": lambda: film_of(discs(8), ramp(6), [4] * 7 + [120]),
    "one frame": lambda: film_of(discs(1), ramp(6), [50]),
    "one pixel": lambda: film_of([np.zeros((1, 1), np.uint8)] * 2, ramp(2)),
    "one colour": lambda: film_of([np.zeros((5, 7), np.uint8)] * 2, ramp(6)[:1]),
    "2 levels": lambda: film_of(discs(levels=2), ramp(2)),
    "4 levels": lambda: film_of(discs(levels=4), ramp(4)),
    "16 levels": lambda: film_of(discs(levels=16), ramp(16)),
    "255 levels": lambda: film_of(noise(3, 40, 30, 255), ramp(255)),
    "256 levels": lambda: film_of(noise(3, 40, 30, 256), ramp(256)),
    "256 levels, most at rest": lambda: film_of([f // 16 * 16 for f in discs(5, levels=256)], ramp(256)),
    "odd sides": lambda: film_of(discs(5, 41, 31), ramp(6)),
    "a line": lambda: film_of(discs(4, 97, 1), ramp(6)),
    "all alike": lambda: film_of([discs(1)[0]] * 4, ramp(6), [3, 5, 7, 9]),
    "twice alike": _twice_alike,
    "returning": _returning,
    "blinking": _blinking,
    "see-through background": lambda: film_of(discs(6, 41, 31), see_through(6)),
    "see-through in 16 levels": lambda: film_of(discs(6, levels=16), see_through(16)),
    "see-through noise": lambda: film_of(noise(3, 40, 30, 256), see_through(256)),
    "see-through, once": lambda: film_of(discs(6, levels=5), see_through(5), loops=1),
    "loops": lambda: film_of(discs(3), ramp(6), loops=3),
    "long": lambda: film_of(discs(2), ramp(6), [1, 65535]),
}
