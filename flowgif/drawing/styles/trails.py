"""The style 'trails': particles with fading tails."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence

import numpy as np

from flowgif.drawing.ink import discs, streaks
from flowgif.drawing.styles.base import Array, Frame
from flowgif.drawing.styles.points import PointsStyle
from flowgif.drawing.trajectories import Motion
from flowgif.timeline import Moment

__all__ = ["TrailsStyle"]

RADIUS = 0.85  # radius of a particle, as a share of its radius in 'points'
TAIL_INK = 1.0  # ink of the newest part of a tail, per pixel of its length
MAX_TAIL_INK = 0.6  # crossing tails add up to a grey at most, so that the particles stand out
REACH = 2.0  # ink within this distance of a particle's edge has the particle's colour, pixels


class TrailsStyle(PointsStyle):
    """Draws particles with tails. A tail is a particle's path over the last frames, and fades with its age."""

    memory = 7  # length of a tail, frames
    MIN_PARTICLES = 3000  # tails need room
    MAX_PARTICLES = 4000
    SHADES_OF_ONE = 7  # tails fade

    def frames(self, motion: Motion, moments: Sequence[Moment]) -> Iterator[Frame]:
        strengths = [TAIL_INK * (1 - age / (self.memory + 1)) ** 1.5 for age in range(1, self.memory + 1)]
        paths: deque[Array] = deque(maxlen=self.memory)  # ink of each step's path, the latest step first
        before = None
        for i, (moment, labels) in enumerate(zip(moments, self._labels(motion, moments), strict=True)):
            positions, radius = motion.at(moment), RADIUS * self.radius(len(motion.base), moment)
            if moment.after_cut:
                paths.clear()
            elif before is not None:
                paths.appendleft(streaks(self.shape, before, positions, 1.0))
            before = positions
            # Tails shorten on the last frames before a picture; the picture has none.
            ahead = [j for j in range(i, min(len(moments), i + self.memory)) if moments[j].time == 1]
            length = ahead[0] - i if ahead else self.memory
            tail = np.zeros(self.shape)
            for strength, path in zip(strengths[:length], paths, strict=False):
                tail += strength * path
            ink = np.maximum(discs(self.shape, positions, radius), MAX_TAIL_INK * (1 - np.exp(-tail / MAX_TAIL_INK)))
            yield self._coloured(ink, positions, radius + REACH, labels)
