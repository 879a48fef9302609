"""Flows whose motion is known, targets and their frames, for tests of what is drawn."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Tensor

from flowgif.drawing.colours import Look
from flowgif.drawing.placing import place_runs
from flowgif.drawing.styles.base import Style
from flowgif.drawing.styles.table import STYLES
from flowgif.drawing.trajectories import Trajectories
from flowgif.flows.base import Flow, Mapped
from flowgif.targets.image import ImageTarget
from flowgif.targets.mixture import GaussianMixture
from flowgif.targets.reading.picture import Picture
from flowgif.targets.toy import ToyTarget
from flowgif.timeline import Moment

SIZE = 160
RED, BLUE = (200, 30, 40), (30, 60, 190)
MOONS, CIRCLES, BLOBS = (ToyTarget(name) for name in ("moons", "circles", "8gaussians"))
TIMES = [Moment(0, time) for time in (0.0, 0.4, 1.0)]


class Shift(Flow):
    """Everything moves by (1, 0.5) data units, at an even speed."""

    def __init__(self) -> None:
        super().__init__()
        self.way = torch.nn.Parameter(torch.tensor([1.0, 0.5]))

    def to_base(self, x: Tensor, time: float = 1.0) -> Mapped:
        return Mapped(x - time * self.way, x.new_zeros(len(x)))

    def path(self, z: Tensor, times: Tensor) -> Mapped:
        return Mapped(z + times.to(z)[:, None, None] * self.way, z.new_zeros(len(times), len(z)))


class ShiftInLayers(Shift):
    """The same motion, called a flow of four layers."""

    default_easing = "linear"

    def layer_ends(self) -> tuple[float, ...]:
        return (0.25, 0.5, 0.75, 1.0)

    def time_name(self, time: float) -> str:
        return f"layer {4 * time:g}"


class Halves(Shift):
    """Each half goes to the middle of its own half of the picture: left and right of x = 0 to (-1, 0) and (1, 0)."""

    def path(self, z: Tensor, times: Tensor) -> Mapped:
        end = torch.stack((z[:, 0].sign(), torch.zeros_like(z[:, 0])), 1) + 0.2 * z
        return Mapped(torch.lerp(z, end, times.to(z)[:, None, None]), z.new_zeros(len(times), len(z)))


def two_coloured(left: tuple[int, int, int], right: tuple[int, int, int]) -> ImageTarget:
    image = Image.new("RGBA", (100, 60), "white")
    pen = ImageDraw.Draw(image)
    pen.rectangle((10, 10, 49, 49), fill=left)
    pen.rectangle((50, 10, 89, 49), fill=right)
    return ImageTarget(Picture(image, image.size))


def frames_of(
    name: str,
    given: Sequence[tuple[Flow, GaussianMixture]],
    moments: Sequence[Moment],
    look: Look,
    n: int | None = None,
) -> tuple[Style, list[np.ndarray]]:
    """The style of a name, and its frames in sRGB."""
    runs = place_runs(given, SIZE)
    style = STYLES[name](runs, look)
    with Trajectories.record(runs, moments, style.base_points(n, 0)) as motion:
        return style, [style.palette.colours[frame] for frame in style.frames(motion, moments)]
