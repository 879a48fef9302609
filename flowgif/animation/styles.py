"""How particles become frames of palette indices: points, density, trails, field, panels."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterator, Sequence
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from flowgif.animation.caption import draw_caption
from flowgif.animation.colours import Look, Palette, PictureColours, picture_colours, ramp, shades
from flowgif.animation.draw import arrows, discs, means_around, owners, smooth_mass, streaks
from flowgif.animation.mesh import Mesh
from flowgif.animation.scene import Actor, Motion, base_draws, make_view
from flowgif.animation.timeline import Moment
from flowgif.errors import UnusableInput
from flowgif.targets.image import ImageTarget

__all__ = ["STYLES", "Style"]

Frame = npt.NDArray[np.uint8]
Kinds = npt.NDArray[np.int64]
Field = npt.NDArray[np.float64]

COVERAGE = 0.8  # of the ink by discs that did not overlap, from which their radius follows
SMALLEST, LARGEST = 0.75 / 480, 2.8 / 480  # radius, as a share of the frame's longer side
LEAST_RADIUS = 0.7  # pixels
# Between two pictures, particles exchange their colours while the time is below that.
EXCHANGE = 0.5
GOLDEN = (5**0.5 - 1) / 2  # its multiples, modulo 1, are as evenly spread as can be
CUT = 0.5  # a step of time that no path is drawn along: from a picture that is shown first to the cloud
# Standard deviation of a density's smoothing in the cloud, which has no edges to lose, and in the picture, likewise;
# and the least of both, pixels.
SMOOTHING, LEAST_SMOOTHING = (2.0 / 480, 0.25 / 480), (1.6, 0.25)
SWARM = 0.5  # or as a multiple of the distance of its particles, if that is more
# A density's full colour is reached where it is as high as below it FULL of the mass is; found by BINS steps.
FULL, BINS = 0.8, 1024
FINENESS = 1.05  # parts of a density's mesh along its side, as a multiple of the frame's pixels


class Style(ABC):
    """A way of drawing.

    Args:
        actors: the runs that are shown.
        look: the colours.

    Attributes:
        palette: of all frames.
        shape: (height, width) of a frame.
    """

    palette: Palette
    shape: tuple[int, int]

    def __init__(self, actors: Sequence[Actor], look: Look) -> None:
        self.actors, self.look = actors, look
        self.shape = (actors[0].view.height, actors[0].view.width)

    @abstractmethod
    def draws(self, n: int | None, seed: int) -> Tensor:
        """Base points, (m, 2), of about the n particles that were asked for, or of as many as suit the style."""

    @abstractmethod
    def draw(self, motion: Motion, moments: Sequence[Moment]) -> Iterator[Frame]:
        """Yields a frame of palette indices for each moment, in the order in which they are shown."""


class Points(Style):
    """Crisp particles; their number fits the picture's lines, and their size its ink."""

    fewest, most = 5000, 7000  # particles: what lies between is for lines ACROSS of them wide
    ACROSS = 8
    shades_alone = 5  # edges need no more, and fewer make smaller files
    shades_of_many = 3

    def __init__(self, actors: Sequence[Actor], look: Look) -> None:
        super().__init__(actors, look)
        self._colours: list[PictureColours] = []
        if look.source:
            self._colours = [_colours_of(actor, 64 // len(actors)) for actor in actors]
            kinds = np.concatenate([each.colours for each in self._colours])
            self.palette = shades(look.background, kinds, self.shades_of_many)
        else:
            self.palette = shades(look.background, np.array([look.foreground], dtype=np.uint8), self.shades_alone)

    def draw(self, motion: Motion, moments: Sequence[Moment]) -> Iterator[Frame]:
        for moment, kinds in zip(moments, self._kinds(motion, moments), strict=True):
            places, radius = motion.at(moment), self.radius(len(motion.base), moment)
            yield self._inked(discs(self.shape, places, radius), places, radius, kinds)

    def _inked(self, ink: Field, places: Field, radius: float, kinds: Kinds | None) -> Frame:
        level = _levels(ink, self.palette.levels)
        if kinds is None:
            return level
        which = owners(self.shape, places, radius, kinds)
        return np.where(level > 0, which * self.palette.shades + level, 0).astype(np.uint8)

    def draws(self, n: int | None, seed: int) -> Tensor:
        return base_draws(n or self.particles, seed)

    @property
    def particles(self) -> int:
        """So many that the picture's lines are several of them wide, within what is drawn quickly."""
        fitting = max(actor.view.ink_area * (self.ACROSS / actor.view.stroke) ** 2 for actor in self.actors)
        # In a small frame they cannot be small enough: beyond that number they would only lie on each other.
        room = max(actor.view.ink_area for actor in self.actors) / LEAST_RADIUS**2
        return max(2, round(min(max(fitting, self.fewest), self.most, 0.5 * room)))

    def radius(self, n: int, moment: Moment) -> float:
        """Of one of n particles, pixels: each picture's own, and in the cloud that all share the mean of them."""
        side = max(self.shape)
        fitting = [math.sqrt(COVERAGE * actor.view.ink_area / (math.pi * n)) for actor in self.actors]
        own = [max(LEAST_RADIUS, min(max(each, SMALLEST * side), LARGEST * side)) for each in fitting]
        cloud = sum(own) / len(own)
        return cloud + (own[moment.run] - cloud) * moment.time

    def particle_colours(self, motion: Motion) -> npt.NDArray[np.uint8]:
        """The full colour of each particle in the last picture, (n, 3)."""
        if not self._colours:
            return np.broadcast_to(self.palette.colours[-1], (len(motion.base), 3))
        return self.palette.colours[(self._final_kinds(motion)[-1] + 1) * self.palette.shades]

    def _kinds(self, motion: Motion, moments: Sequence[Moment]) -> Iterator[Kinds | None]:
        """The colour of each particle at each moment; None where there is only one.

        It is that of the picture where the particle ends. Between two pictures they change it around the cloud, one
        after the other.
        """
        if not self._colours:
            yield from [None] * len(moments)
            return
        final = self._final_kinds(motion)
        turn = GOLDEN * np.arange(len(motion.base)) % 1
        for i, moment in enumerate(moments):
            after = moments[i + 1] if i + 1 < len(moments) else moment
            rising = after.run == moment.run and after.time > moment.time
            # Out of the cloud they have still to give away the picture's colours that was before.
            way = moments[i::-1] if rising else moments[i:]
            other = next((each.run for each in way if each.run != moment.run), moment.run)
            share = 0.5 * (1 - moment.time / EXCHANGE)
            yield np.where(turn >= 1 - share if rising else turn < share, final[other], final[moment.run])

    def _final_kinds(self, motion: Motion) -> list[Kinds]:
        """For each run the colour that its picture has where a particle ends."""
        out: list[Kinds] = []
        for run, (actor, colours) in enumerate(zip(self.actors, self._colours, strict=True)):
            assert isinstance(actor.target, ImageTarget)
            at = actor.target.to_pixels(actor.view.from_frame(motion.at(Moment(run, 1.0)))).numpy()
            used = np.array(actor.target.picture.image.size) / np.array(actor.target.picture.size_as_given)
            column, row = ((at + 0.5) * used - 0.5).round().astype(np.int64).T
            height, width = colours.kinds.shape
            before = sum(len(each.colours) for each in self._colours[:run])
            out.append(before + colours.kinds[row.clip(0, height - 1), column.clip(0, width - 1)])
        return out


class Trails(Points):
    """Particles with fading tails: where each was in the frames before, drawn fainter the longer ago."""

    LENGTH = 7  # frames
    FAINT = 1.0  # ink of the newest part of a tail, per pixel
    fewest, most = 3000, 4000  # tails need room
    shades_alone = 7  # and they fade

    def draw(self, motion: Motion, moments: Sequence[Moment]) -> Iterator[Frame]:
        strengths = [self.FAINT * (1 - age / (self.LENGTH + 1)) ** 1.5 for age in range(1, self.LENGTH + 1)]
        paths: deque[Field] = deque(maxlen=self.LENGTH)  # since the frame before, the latest first
        before, last = None, None
        for i, (moment, kinds) in enumerate(zip(moments, self._kinds(motion, moments), strict=True)):
            places, radius = motion.at(moment), 0.85 * self.radius(len(motion.base), moment)
            if last is not None and last.run == moment.run and abs(last.time - moment.time) > CUT:
                paths.clear()
            elif before is not None:
                paths.appendleft(streaks(self.shape, before, places, 1.0))
            before, last = places, moment
            # Tails shorten on the last frames before a picture, which is drawn without.
            ahead = [j for j in range(i, min(len(moments), i + self.LENGTH)) if moments[j].time == 1]
            length = ahead[0] - i if ahead else self.LENGTH
            tail = np.zeros(self.shape)
            for strength, path in zip(strengths[:length], paths, strict=False):
                tail += strength * path
            # Tails that cross add up to a grey at most, so that the particles stand out.
            ink = np.maximum(discs(self.shape, places, radius), 0.6 * (1 - np.exp(-tail / 0.6)))
            yield self._inked(ink, places, radius + 2, kinds)


class Density(Style):
    """The density, smooth: a mesh of particles that carry their mass."""

    particles: ClassVar[int] = 112 * 112  # of the mesh
    levels = 32

    def __init__(self, actors: Sequence[Actor], look: Look) -> None:
        super().__init__(actors, look)
        if look.source:
            raise UnusableInput("--color source colours particles; it goes with --style points or trails")
        self.palette = Palette(ramp(look.cmap, self.levels), 1, self.levels - 1)

    def draws(self, n: int | None, seed: int) -> Tensor:
        # A mesh is what it is, whatever the seed.
        return self._mesh(n or self.particles).nodes()

    def draw(self, motion: Motion, moments: Sequence[Moment]) -> Iterator[Frame]:
        for moment in moments:
            yield _toned(self.mass(motion, moment), self.levels)

    def mass(self, motion: Motion, moment: Moment) -> Field:
        """Mass per pixel."""
        mesh, mass = self._mesh(len(motion.base)), np.zeros(self.shape)
        for spacing, places, masses in mesh.swarms(motion.at(moment), self.smoothing(moment.time) / SWARM):
            mass += smooth_mass(self.shape, places, SWARM * spacing, masses)
        return mass

    def smoothing(self, time: float) -> float:
        """Standard deviation, pixels."""
        side = max(self.shape)
        cloud, picture = (max(share * side, least) for share, least in zip(SMOOTHING, LEAST_SMOOTHING, strict=True))
        return cloud + (picture - cloud) * time**3

    def _mesh(self, n: int) -> Mesh:
        """Of about n nodes, so finely divided that in the picture there is more than one part in a pixel."""
        side = max(2, round(math.sqrt(n)))
        return Mesh(side, max(4, math.ceil(FINENESS * max(self.shape) / side)))


class VelocityField(Density):
    """Arrows of the velocity over a faint density."""

    particles = 88 * 88  # what is faint has no edges
    EVERY = 26  # pixels between arrows, of 480
    LONGEST = 1.15  # times that
    FAINT = 0.45
    NEAR = 0.01  # of the full density: with less around it an arrow is left out

    def __init__(self, actors: Sequence[Actor], look: Look) -> None:
        super().__init__(actors, look)
        faint = ramp(look.cmap, 1000)[: int(1000 * self.FAINT)]
        under = faint[np.linspace(0, len(faint) - 1, self.levels).round().astype(np.int64)]
        over = ramp((look.background, look.foreground), 6)[2:]
        self.palette = Palette(np.concatenate((under, over)), 1, self.levels - 1)

    @torch.no_grad()
    def draw(self, motion: Motion, moments: Sequence[Moment]) -> Iterator[Frame]:
        step = max(10.0, self.EVERY / 480 * max(self.shape))
        rows, columns = ((np.arange(int(side / step)) + 0.5) * side / int(side / step) for side in self.shape)
        grid = np.stack(np.meshgrid(columns, rows), -1).reshape(-1, 2)
        fastest = self._fastest(motion, moments, grid)
        for i, moment in enumerate(moments):
            mass = self.mass(motion, moment)
            under = _toned(mass, self.levels)
            # Where nothing is, a velocity means nothing.
            there = means_around(mass, rows, columns, 0.6 * step).ravel() > self.NEAR * _full(mass)
            moves = self._velocity(moment, grid) * _direction(moments, i)
            speed = np.hypot(*moves.T)[:, None]
            # Speeds differ by a hundred times, so lengths follow their square root.
            length = self.LONGEST * step * np.sqrt(np.minimum(speed / fastest, 1))
            strokes = arrows(self.shape, *_centred(grid, moves / np.maximum(speed, 1e-9) * length, there), 1.4)
            over = _levels(strokes, len(self.palette.colours) - self.levels + 1)
            yield np.where(over > 0, over + self.levels - 1, under).astype(np.uint8)

    def _velocity(self, moment: Moment, grid: Field) -> Field:
        """Frame pixels per unit of time."""
        actor = self.actors[moment.run]
        x = actor.view.from_frame(grid, moment.time)
        # At the very end the velocity is that of the last moment before it.
        v = actor.flow.velocity(x, torch.tensor(min(moment.time, 1 - 1e-4)))
        return v.double().numpy() * actor.view.scale * (1, -1)

    def _fastest(self, motion: Motion, moments: Sequence[Moment], grid: Field) -> float:
        some = sorted(set(moments))[:: max(1, len(set(moments)) // 12)]
        return float(np.mean([np.quantile(np.hypot(*self._velocity(moment, grid).T), 0.9) for moment in some])) + 1e-9


def _centred(grid: Field, moves: Field, chosen: npt.NDArray[np.bool_]) -> tuple[Field, Field]:
    return (grid - 0.5 * moves)[chosen], moves[chosen]


def _direction(moments: Sequence[Moment], i: int) -> int:
    """-1 where the frames run back in time."""
    other = moments[i + 1] if i + 1 < len(moments) and moments[i + 1].run == moments[i].run else None
    if other is None:
        return 1
    return -1 if other.time < moments[i].time else 1


class Panels(Style):
    """Target, density, samples and vector field side by side, as in FFJORD's own animation."""

    particles = 100 * 100  # the panels are small
    GAP = 10 / 800
    NAMES = ("target", "density", "samples", "vector field")

    def __init__(self, actors: Sequence[Actor], look: Look) -> None:
        super().__init__(actors, look)
        if len(actors) > 1:
            raise UnusableInput("--style panels shows one run; give one")
        actor = actors[0]
        size = max(self.shape)
        columns = 4 if self.shape[1] <= 1.6 * self.shape[0] else 2
        gap = max(4, round(self.GAP * size))
        width = (size - gap * (columns + 1)) // columns
        longer = round(width * max(1.0, self.shape[0] / self.shape[1]))
        view = make_view(actor.target, max(16, longer))
        small = Actor(actor.flow, actor.target, view)
        self._small = small
        self._parts = (Density([small], look), Points([small], look), VelocityField([small], look))
        density, points, field = (part.palette.colours for part in self._parts)
        self.palette = Palette(np.concatenate((density, points, field)), 1, 15)
        self._offsets = (0, len(density), len(density) + len(points))
        caption = draw_caption("", view.width, 2, self.NAMES).shape[0]
        self._places = [
            (gap + (i // columns) * (view.height + caption + gap), gap + (i % columns) * (view.width + gap))
            for i in range(4)
        ]
        rows = 4 // columns
        self.shape = (gap + rows * (view.height + caption + gap), gap + columns * (view.width + gap))
        self._blank = np.zeros(self.shape, dtype=np.uint8)
        for name, (top, left) in zip(self.NAMES, self._places, strict=True):
            strip = draw_caption(name, view.width, 6, self.NAMES, moving=False)
            inked = np.where(strip > 0, strip + self._offsets[1], 0)
            self._blank[top + view.height : top + view.height + caption, left : left + view.width] = inked

    def draws(self, n: int | None, seed: int) -> Tensor:
        # Those of the density, then those of the samples.
        density, points, _ = self._parts
        nodes = density.draws(n, seed)
        return torch.cat((nodes, points.draws(min(len(nodes), points.particles), seed)))

    def draw(self, motion: Motion, moments: Sequence[Moment]) -> Iterator[Frame]:
        density, points, field = self._parts
        n = len(motion.base)
        # As draws has them: up to the samples' own number there are as many of both.
        samples = min(points.particles, n // 2)
        many = motion.seen_by([self._small], 0, n - samples)
        few = motion.seen_by([self._small], n - samples, samples)
        target = _toned(self._target(), density.levels)
        for frames in zip(
            density.draw(many, moments), points.draw(few, moments), field.draw(many, moments), strict=True
        ):
            out = self._blank.copy()
            for offset, (top, left), frame in zip((0, *self._offsets), self._places, (target, *frames), strict=True):
                height, width = frame.shape
                out[top : top + height, left : left + width] = np.where(frame > 0, frame + offset, 0)
            yield out

    def _target(self) -> Field:
        """The target's own density, mass per pixel."""
        view = self._small.view
        columns, rows = (
            np.stack(np.broadcast_arrays(*at), 1) for at in ((np.arange(view.width), 0), (0, np.arange(view.height)))
        )
        x, y = view.from_frame(columns)[:, 0], view.from_frame(rows)[:, 1]
        return self._small.target.density(x, y).numpy() / (view.scale[0] * view.scale[1])


STYLES: dict[str, type[Style]] = {
    "points": Points,
    "density": Density,
    "trails": Trails,
    "field": VelocityField,
    "panels": Panels,
}


def _full(mass: Field) -> float:
    """The density below which most of a frame's mass lies."""
    most = float(mass.max())
    bins = (mass * (BINS / max(most, 1e-300))).astype(np.int64).ravel()
    below = np.cumsum(np.bincount(bins, mass.ravel()))
    return most * (float(np.searchsorted(below, FULL * below[-1])) + 1) / BINS


def _toned(mass: Field, levels: int) -> Frame:
    """A density's levels, up to the full one, which they approach ever more slowly: there, nothing is seen of noise.

    Every frame has a scale of its own, since a cloud and a line drawing differ by a hundred times.
    """
    missing = 1 - np.minimum(mass / max(_full(mass), 1e-300), 1)
    return _levels(1 - missing * missing, levels)


def _levels(ink: Field, levels: int) -> Frame:
    return (np.clip(ink, 0, 1) * (levels - 1) + 0.5).astype(np.uint8)


def _colours_of(actor: Actor, most: int) -> PictureColours:
    if not isinstance(actor.target, ImageTarget):
        raise UnusableInput("--color source takes its colours from a picture; a data set has none")
    return picture_colours(actor.target.picture.image, actor.target.ink, most)
