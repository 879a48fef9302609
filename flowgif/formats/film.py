"""Records frames as a film, which can be written any number of times."""

from __future__ import annotations

import itertools
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import numpy.typing as npt

from flowgif.errors import UnusableInput
from flowgif.files.temporary import Spool, spool
from flowgif.formats.raster.palette import blended, merge_colours, nearest_colours
from flowgif.formats.thin import thin
from flowgif.machine.parallel import ordered_map

__all__ = ["LONGEST", "Film"]

Frame = npt.NDArray[np.uint8]

# The longest delay that a GIF can store, hundredths of a second: eleven minutes. It is the longest of an APNG too, in
# ticks.
LONGEST = 65535
EFFORT = 1  # effort of zlib: frames are soon read again, and frames of few levels become small anyway


@dataclass(frozen=True, eq=False)
class Film:
    """Frames of palette indices, which are kept compressed in a temporary file until the film is closed.

    Attributes:
        width, height: size of every frame, pixels.
        colours: (levels, 3) uint8, sRGB, at most 256; the first is the background. Or (levels, 4), sRGB and opacity, of
            a film whose background is transparent. The first then has no opacity, but red, green and blue of the
            background for which the film was drawn.
        delays: the time for which each frame is shown, ticks.
        loops: number of times that the film is shown; 0 for ever.
        comment: text for the file's metadata, if its format has a place for it.
        ticks: ticks per second. If this is the number of frames per second, any rate is exact.
        counts: number of pixels of each colour over all recorded frames, (levels,).
    """

    width: int
    height: int
    colours: npt.NDArray[np.uint8]
    delays: tuple[int, ...]
    loops: int
    comment: str
    ticks: int
    counts: npt.NDArray[np.int64]
    _store: Spool
    _places: tuple[tuple[int, int], ...]  # the start of each frame in the store, and its bytes

    @classmethod
    def record(
        cls,
        frames: Iterable[Frame],
        colours: npt.NDArray[np.uint8],
        delays: Sequence[int],
        *,
        loops: int = 0,
        comment: str = "",
        ticks: int = 100,
    ) -> Self:
        """Records frames one at a time; none of them stays in memory.

        Args:
            frames: palette indices, each (height, width), all of one size; as many frames as delays.
            colours: (levels, 3) or (levels, 4) uint8.
            delays: the time for which each frame is shown, ticks; at least 1, and at most LONGEST ticks or hundredths
                of a second.
            loops: number of times that the film is shown; 0 for ever.
            comment: text for the file's metadata.
            ticks: ticks per second.

        Raises:
            UnusableInput: the temporary file cannot be written, or a delay is too long.
            ValueError: frames, colours and delays do not fit together.
        """
        delays = tuple(delays)
        _check(colours, delays, loops, ticks)
        counts, places, size = np.zeros(len(colours), np.int64), list[tuple[int, int]](), (0, 0)
        store = spool("frames")
        try:
            for frame, used, packed in ordered_map(_count_and_pack, frames):
                size = size if places else frame.shape
                if frame.dtype != np.uint8 or frame.ndim != 2 or frame.shape != size or used[len(colours) :].any():
                    drawn = f"{frame.shape} {frame.dtype} with {np.flatnonzero(used)[-1] + 1} colours"
                    raise ValueError(f"frame {len(places)}, {drawn}, does not fit {size} and {len(colours)} colours")
                counts += used[: len(colours)]
                places.append((store.append(packed), len(packed)))
            if len(places) != len(delays):
                raise ValueError(f"{len(places)} frames do not fit {len(delays)} delays")
        except BaseException:
            store.close()
            raise
        height, width = size
        return cls(width, height, colours, delays, loops, comment, ticks, counts, store, tuple(places))

    def frame(self, index: int) -> Frame:
        """Returns the palette indices of a frame, (height, width), which the caller may change."""
        packed = self._store.read(*self._places[index])
        return np.frombuffer(bytearray(zlib.decompress(packed)), np.uint8).reshape(self.height, self.width)

    def frames(self) -> Iterator[Frame]:
        """Yields all frames in order; each call begins with the first."""
        for index in range(len(self._places)):
            yield self.frame(index)

    def __len__(self) -> int:
        return len(self._places)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Removes the temporary file; closing again does nothing."""
        self._store.close()

    def delays_in(self, ticks: int) -> tuple[int, ...]:
        """Returns the delays in units of 1/ticks s.

        Start times are rounded, not delays, so that each frame begins at its time to half a unit.
        """
        starts = [0, *itertools.accumulate(self.delays)]
        rounded = [(2 * start * ticks + self.ticks) // (2 * self.ticks) for start in starts]
        return tuple(after - before for before, after in itertools.pairwise(rounded))

    @property
    def is_opaque(self) -> bool:
        """Whether nothing shows through any of its colours."""
        return self.colours.shape[1] == 3

    def can_have(self, number: int) -> bool:
        """Returns whether all delays of ``with_frames(number)`` are short enough for every format."""
        return max(self._thinned(number)[1]) <= _longest(self.ticks)

    def with_levels(self, levels: int) -> Self:
        """Returns a film with at most ``levels`` colours; the first and the last one always stay."""
        if levels >= len(self.colours):
            return self.with_frames(len(self))
        colours, index = merge_colours(self.colours, self.counts, levels)
        return self._recorded((index[frame] for frame in self.frames()), colours)

    def with_frames(self, number: int) -> Self:
        """Returns a film of at most ``number`` frames with the same duration; see :func:`thin`."""
        kept, delays = self._thinned(number)
        _check(self.colours, delays, self.loops, self.ticks)
        store, places = spool("frames"), list[tuple[int, int]]()
        try:
            for index in kept:
                packed = self._store.read(*self._places[index])
                places.append((store.append(packed), len(packed)))
        except BaseException:
            store.close()
            raise
        return replace(self, delays=delays, _store=store, _places=tuple(places))

    def with_size(self, side: int) -> Self:
        """Returns a film whose longer side has at most ``side`` pixels.

        Each pixel has the colour of the palette that is nearest to the average over its area, in opacity too.
        """
        longer = max(self.width, self.height)
        if side >= longer:
            return self.with_frames(len(self))
        width, height = (max(1, round(length * side / longer)) for length in (self.width, self.height))
        return self._recorded((self._shrunk(frame, width, height) for frame in self.frames()), self.colours)

    def _thinned(self, number: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
        # Browsers play delays of up to a hundredth of a second as ten of them. A film that has such delays anyway is
        # not for browsers.
        return thin(self.delays, number, shortest=min(self.ticks // 100 + 1, *self.delays))

    def _recorded(self, frames: Iterable[Frame], colours: npt.NDArray[np.uint8]) -> Self:
        return self.record(frames, colours, self.delays, loops=self.loops, comment=self.comment, ticks=self.ticks)

    def _shrunk(self, frame: Frame, width: int, height: int) -> Frame:
        looks = blended(self.colours).astype(np.float32)
        averages = _average(_average(np.take(looks, frame, axis=0), height).swapaxes(0, 1), width).swapaxes(0, 1)
        return nearest_colours(averages.reshape(height * width, -1), looks).reshape(height, width)


def _average(x: npt.NDArray[np.floating], length: int) -> npt.NDArray[np.floating]:
    """Averages over ``length`` equal parts of the first axis; a pixel on an edge counts by its share in each part."""
    edges = np.linspace(0, len(x), length + 1)
    below = np.minimum(edges.astype(np.int64), len(x) - 1)
    beyond = (edges - below).astype(np.float32).reshape(-1, *[1] * (x.ndim - 1))
    sums = np.zeros_like(x, shape=(len(x) + 1, *x.shape[1:]))
    np.cumsum(x, axis=0, out=sums[1:])
    return np.diff(sums[below] + beyond * x[below], axis=0) * (length / len(x))


def _count_and_pack(frame: Frame) -> tuple[Frame, npt.NDArray[np.int64], bytes]:
    """Returns a frame, the number of its pixels of each colour, (256,), and its compressed bytes."""
    return frame, np.bincount(frame.ravel(), minlength=256), zlib.compress(frame.tobytes(), EFFORT)


def _check(colours: npt.NDArray[np.uint8], delays: tuple[int, ...], loops: int, ticks: int) -> None:
    if colours.ndim != 2 or colours.shape[1] not in {3, 4} or colours.dtype != np.uint8 or not 1 <= len(colours) <= 256:
        raise ValueError(f"colours must be (1 to 256, 3 or 4) uint8, not {colours.shape} {colours.dtype}")
    if colours[0, 3:].any():
        raise ValueError(f"the background of a see-through film has the opacity {colours[0, 3]}; it must be 0")
    if not delays or min(delays) < 1 or loops < 0:
        raise ValueError(f"{len(delays)} delays and {loops} loops make no film")
    if not 1 <= ticks <= LONGEST:
        raise ValueError(f"{ticks} ticks a second; give 1 to {LONGEST}")
    if max(delays) > (longest := _longest(ticks)):
        raise UnusableInput(
            f"a frame that stays {max(delays) / ticks:g} s: the most is {longest / ticks:g} s; show it shorter"
        )


def _longest(ticks: int) -> int:
    """Returns the longest delay that all formats can store, in units of 1/ticks s."""
    return min(LONGEST, LONGEST * ticks // 100)
