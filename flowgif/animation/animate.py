"""Trained flows into animation files, stills and pages."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image

from flowgif.animation.caption import draw_caption
from flowgif.animation.colours import THEMES, Look, make_look
from flowgif.animation.encode import check_encodable, encode
from flowgif.animation.film import Film
from flowgif.animation.fit import PRESETS, Floor, fit, verify
from flowgif.animation.html import Page, Theme, write_html
from flowgif.animation.scene import Actor, Motion, base_draws, make_actors
from flowgif.animation.styles import STYLES, Points, Style
from flowgif.animation.timeline import Moment, Pace, Timeline, make_timeline, moment_name
from flowgif.errors import UnusableInput, did_you_mean
from flowgif.files import check_writable, write_atomically
from flowgif.flows.base import Flow
from flowgif.targets.mixture import GaussianMixture

__all__ = ["Animated", "Shot", "animate", "draw_stills"]

PAGE = ".html"
PAGE_PARTICLES = 3000  # at most, which keeps a page under a megabyte


@dataclass(frozen=True)
class Shot:
    """What is drawn, and how.

    Attributes:
        style: a key of STYLES.
        look: the colours.
        pace: how time passes.
        size: of the frame's longer side, pixels.
        points: particles; None for the style's own number.
        seed: of the base draws; the same seed gives the same bytes.
        caption: whether the layer's number stands below the picture, or the time where there are no layers.
        loops: how many times it plays, 0 for ever.
        most_bytes: of each file; levels, frames and size are given up for it in this order.
        preset: a key of PRESETS, whose limits the files must keep.
        comment: goes into the files.

    Raises:
        UnusableInput: one is out of its range, or unknown.
    """

    style: str = "points"
    look: Look = field(default_factory=make_look)
    pace: Pace = field(default_factory=Pace)
    size: int = 480
    points: int | None = None
    seed: int = 0
    caption: bool = False
    loops: int = 0
    most_bytes: int | None = None
    preset: str | None = None
    comment: str = ""

    def __post_init__(self) -> None:
        if self.style not in STYLES:
            raise UnusableInput(f"unknown --style '{self.style}'; {did_you_mean(self.style, STYLES)}")
        if self.preset is not None and self.preset not in PRESETS:
            raise UnusableInput(f"unknown --preset '{self.preset}'; {did_you_mean(self.preset, PRESETS)}")
        if not 16 <= self.size <= 4096:
            raise UnusableInput(f"--size {self.size} is out of range; give 16 to 4096 pixels")
        if self.points is not None and not 1 <= self.points <= 1_000_000:
            raise UnusableInput(f"--points {self.points} is out of range; give 1 to 1000000")
        if not 0 <= self.loops <= 65535:
            raise UnusableInput(f"--loops {self.loops} is out of range; give 0 (for ever) to 65535")


@dataclass(frozen=True)
class Animated:
    """What was written.

    Attributes:
        files: each with its size in bytes.
        frames, seconds: of the animation as it was drawn.
        remarks: what was given up for --max-size, a sentence each.
    """

    files: tuple[tuple[Path, int], ...]
    frames: int
    seconds: float
    remarks: tuple[str, ...]


def animate(
    cast: Sequence[tuple[Flow, GaussianMixture]],
    outs: Sequence[Path],
    shot: Shot = Shot(),
    poster: Path | None = None,
    on_frame: Callable[[int, int], object] | None = None,
) -> Animated:
    """Carries base draws through one flow, or from picture to picture through several, and writes what becomes of them.

    Args:
        cast: flows, each with what it was fitted to; only the frame, the particles' size and, where asked for, their
            colours come from that.
        outs: files of any format, each replaced whole or left alone; all from one rendering.
        shot: what is drawn.
        poster: a PNG of the picture at the end.
        on_frame: hears the number of the frame that was drawn, and of how many.

    Raises:
        UnusableInput: a file cannot be written, or the style cannot show these runs.
        CheckFailed: a file cannot be made as small as was asked for.
    """
    for out in outs:
        check_writable(out) if out.suffix.lower() == PAGE else check_encodable(out)
    if poster is not None:
        _check_png(poster, "--poster")
    actors = make_actors(cast, shot.size)
    style = STYLES[shot.style](actors, shot.look)
    timeline = make_timeline(shot.pace, len(cast))
    pages = [out for out in outs if out.suffix.lower() == PAGE]
    z = style.draws(shot.points, shot.seed)
    # A page shows particles, whatever the style; where that has none, they come after its own points.
    own = 0 if isinstance(style, Points) else len(z)
    if pages and own:
        z = torch.cat((z, base_draws(PAGE_PARTICLES, shot.seed)))
    remarks: list[str] = []
    with Motion(actors, timeline.moments, z) as motion:
        for out in pages:
            particles = motion.seen_by(actors, own, min(len(z) - own, PAGE_PARTICLES))
            write_html(out, _page(out.stem, style, particles, timeline, shot))
        if len(pages) < len(outs) or poster is not None:
            shown = motion.seen_by(actors, 0, own or len(z))
            with _film(style, shown, timeline, shot, on_frame) as film:
                for out in outs:
                    if out not in pages:
                        remarks += _encode(out, film, shot)
                if poster is not None:
                    _save(poster, film.frame(_picture(timeline)), style)
    files = tuple((out, _bytes(out)) for out in (*outs, *([poster] if poster else [])))
    return Animated(files, len(timeline.moments), timeline.seconds, tuple(remarks))


def draw_stills(
    cast: Sequence[tuple[Flow, GaussianMixture]], out: Path, times: Sequence[float], shot: Shot = Shot()
) -> None:
    """Writes a PNG with a row of frames.

    Args:
        cast: one flow, with what it was fitted to.
        out: a PNG; replaced whole or left alone.
        times: of each frame, any within [0, 1].
        shot: what is drawn; its size is that of one frame.

    Raises:
        UnusableInput: several runs, a time outside [0, 1], or the file cannot be written.
    """
    if len(cast) > 1:
        raise UnusableInput("--stills shows one run; give one")
    if not times or not all(0 <= time <= 1 for time in times):
        raise UnusableInput("--times are numbers from 0 (the cloud) to 1 (the picture), with commas between, or layers")
    _check_png(out, "--stills")
    actors = make_actors(cast, shot.size)
    style = STYLES[shot.style](actors, shot.look)
    moments = [Moment(0, time) for time in times]
    z = style.draws(shot.points, shot.seed)
    with Motion(actors, moments, z) as motion:
        frames = list(_captioned(style.draw(motion, moments), moments, style, shot.caption))
    gap = np.zeros((frames[0].shape[0], max(2, shot.size // 60)), dtype=np.uint8)
    row = [part for frame in frames for part in (gap, frame)][1:]
    _save(out, np.hstack(row), style)


def _film(
    style: Style,
    motion: Motion,
    timeline: Timeline,
    shot: Shot,
    on_frame: Callable[[int, int], object] | None,
) -> Film:
    def heard() -> Iterator[npt.NDArray[np.uint8]]:
        frames = _captioned(style.draw(motion, timeline.moments), timeline.moments, style, shot.caption)
        for number, frame in enumerate(frames, 1):
            yield _squared(frame) if shot.preset and PRESETS[shot.preset].square else frame
            if on_frame is not None:
                on_frame(number, len(timeline.moments))

    return Film.record(
        heard(),
        style.palette.colours,
        timeline.delays,
        transparent=0 if shot.look.transparent else None,
        loops=shot.loops,
        comment=shot.comment,
    )


def _captioned(
    frames: Iterator[npt.NDArray[np.uint8]], moments: Sequence[Moment], style: Style, wanted: bool
) -> Iterator[npt.NDArray[np.uint8]]:
    if not wanted:
        yield from frames
        return
    names = [moment_name(moment.time, style.actors[moment.run].flow.layers) for moment in moments]
    widest = max(names, key=len)
    for name, frame in zip(names, frames, strict=True):
        strip = draw_caption(name, frame.shape[1], style.palette.shades + 1, (widest,))
        yield np.vstack((frame, strip))


def _squared(frame: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """With background above and below, or on either side."""
    side = max(frame.shape)
    out = np.zeros((side, side), dtype=np.uint8)
    top, left = (side - frame.shape[0]) // 2, (side - frame.shape[1]) // 2
    out[top : top + frame.shape[0], left : left + frame.shape[1]] = frame
    return out


def _encode(out: Path, film: Film, shot: Shot) -> list[str]:
    if shot.preset is None:
        given_up = "" if shot.most_bytes is None else fit(out, film, shot.most_bytes).given_up
        if shot.most_bytes is None:
            encode(out, film)
    else:
        preset = PRESETS[shot.preset]
        with film.with_size(preset.side) as sized:
            limit = shot.most_bytes or preset.most_bytes
            floor = Floor(side=preset.side) if preset.square else Floor()
            given_up = fit(out, sized, limit, most_frames=preset.most_frames, floor=floor).given_up
        verify(out, preset)
    return [f"{out}: {given_up}"] if given_up else []


def _page(title: str, style: Style, motion: Motion, timeline: Timeline, shot: Shot) -> Page:
    actors: Sequence[Actor] = motion.actors
    points = style if isinstance(style, Points) else Points(actors, shot.look)
    n = len(motion.base)
    distinct = list(dict.fromkeys(timeline.moments))
    places = np.stack([motion.at(moment) for moment in distinct])
    row = {moment: i for i, moment in enumerate(distinct)}
    light, dark = (Theme(_hex(theme.foreground), _hex(theme.background)) for theme in (THEMES["light"], THEMES["dark"]))
    asked = Theme(_hex(shot.look.foreground), _hex(shot.look.background))
    if shot.look.background not in {theme.background for theme in THEMES.values()}:
        light = dark = asked
    names = [moment_name(moment.time, actors[moment.run].flow.layers) for moment in timeline.moments]
    return Page(
        title=title,
        width=style.shape[1],
        height=style.shape[0],
        positions=places,
        radius=min(points.radius(n, Moment(run, 1.0)) for run in range(len(actors))),
        delays=timeline.delays,
        order=tuple(row[moment] for moment in timeline.moments),
        colours=points.particle_colours(motion) if shot.look.source else None,
        captions=tuple(names) if shot.caption else None,
        loops=shot.loops,
        light=light,
        dark=dark,
        comment=shot.comment,
    )


def _picture(timeline: Timeline) -> int:
    """The frame of the last picture."""
    return max(i for i, moment in enumerate(timeline.moments) if moment.time == 1)


def _save(out: Path, frame: npt.NDArray[np.uint8], style: Style) -> None:
    image = Image.fromarray(frame)
    image.putpalette(style.palette.colours.tobytes())
    extra = {"transparency": 0} if style.look.transparent else {}
    write_atomically(out, lambda path: image.save(path, format="PNG", optimize=True, **extra))


def _check_png(path: Path, option: str) -> None:
    if path.suffix.lower() != ".png":
        raise UnusableInput(f"{option} {path}: its suffix is not .png; name a .png file")
    check_writable(path)


def _bytes(path: Path) -> int:
    if path.is_file():
        return path.stat().st_size
    folder = path if path.is_dir() else path.parent
    return sum(file.stat().st_size for file in folder.glob("*.png"))


def _hex(colour: tuple[int, int, int]) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)
