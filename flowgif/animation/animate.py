"""Trained flows into animation files, stills and pages."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from flowgif.animation.shot import Shot
from flowgif.drawing.caption import draw_caption
from flowgif.drawing.colours import THEMES
from flowgif.drawing.styles.base import Style
from flowgif.drawing.styles.points import PointsStyle
from flowgif.drawing.styles.table import STYLES
from flowgif.drawing.trajectories import DrawnRun, Trajectories, base_draws, place_runs
from flowgif.errors import UnusableInput
from flowgif.files import check_writable, write_atomically
from flowgif.flows.base import Flow
from flowgif.formats.fit import PRESETS, Floor, fit, verify
from flowgif.formats.raster.film import Film
from flowgif.formats.raster.frames import is_stills, name_stills, save_png
from flowgif.formats.table import PAGE, check_encodable, encode
from flowgif.formats.vector.html import Page, Theme, write_html
from flowgif.targets.mixture import GaussianMixture
from flowgif.timeline import FRAMES, Moment, Timeline, flows_on, make_timeline, moment_name, paints

__all__ = ["Animated", "Written", "animate", "draw_stills"]

PRESET_SUFFIXES = (".gif", ".png", ".apng", ".webp")
PAGE_PARTICLES = 3000  # at most, which keeps a page under a megabyte


@dataclass(frozen=True)
class Written:
    """A file, or a folder of them.

    Attributes:
        path: where.
        bytes: of all of it.
        frames: that it has.
    """

    path: Path
    bytes: int
    frames: int


@dataclass(frozen=True)
class Animated:
    """What was written.

    Attributes:
        files: each output, in the order in which they were asked for, then the poster.
        frames, seconds: of the animation as it was drawn.
        remarks: what the style has to say, then what was given up for --max-size, a sentence each.
    """

    files: tuple[Written, ...]
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
        _check(out, shot)
    if poster is not None:
        _check_png(poster, "--poster")
    runs = place_runs(cast, shot.size)
    style = STYLES[shot.style](runs, shot.look)
    timeline = make_timeline(shot.pace, len(cast))
    pages = [out for out in outs if _is_page(out)]
    # A page shows particles, whatever the style.
    own = isinstance(style, PointsStyle)
    frames = len(pages) < len(outs) or poster is not None
    written: dict[Path, Written] = {}
    remarks = list(style.remarks)
    if pages and not own:
        particles = base_draws(min(shot.points or PAGE_PARTICLES, PAGE_PARTICLES), shot.seed)
        with Trajectories.record(runs, timeline.moments, particles) as motion:
            written |= {out: _write_page(out, style, motion, timeline, shot) for out in pages}
    if frames or own:
        with Trajectories.record(
            runs, timeline.moments, style.base_points(shot.points, shot.seed), style.refinements(shot.points)
        ) as motion:
            if pages and own:
                some = motion.subset(runs, 0, min(len(motion.base), PAGE_PARTICLES))
                written |= {out: _write_page(out, style, some, timeline, shot) for out in pages}
            if frames:
                with _film(style, motion, timeline, shot, on_frame) as film:
                    for out in outs:
                        if out not in pages:
                            written[out], given_up = _encode(out, film, shot)
                            remarks += [f"{out}: {given_up}"] if given_up else []
                    if poster is not None:
                        _save(poster, film.frame(_picture(timeline)), style, shot)
                        written[poster] = Written(poster, poster.stat().st_size, 1)
    files = (written[out] for out in (*outs, *([poster] if poster is not None else [])))
    return Animated(tuple(files), len(timeline.moments), timeline.seconds, tuple(remarks))


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
    runs = place_runs(cast, shot.size)
    style = STYLES[shot.style](runs, shot.look)
    moments = [Moment(0, time) for time in times]
    # What shows of the frames before is drawn as if they had been there, at the usual pace.
    before = [[Moment(0, max(0.0, time - i / FRAMES)) for i in range(style.memory, 0, -1)] for time in times]
    with Trajectories.record(
        runs,
        [*moments, *itertools.chain(*before)],
        style.base_points(shot.points, shot.seed),
        style.refinements(shot.points),
    ) as motion:
        if style.memory:
            histories = zip(before, moments, strict=True)
            drawn = ([*style.frames(motion, [*earlier, moment])][-1] for earlier, moment in histories)
        else:
            drawn = style.frames(motion, moments)
        frames = list(_captioned(drawn, moments, style, shot.caption))
    gap = np.zeros((frames[0].shape[0], max(2, shot.size // 60)), dtype=np.uint8)
    row = [part for frame in frames for part in (gap, frame)][1:]
    _save(out, np.hstack(row), style, shot)


def _check(out: Path, shot: Shot) -> None:
    """Finds out before the work whether an output can be written as it is asked for."""
    if _is_page(out):
        check_writable(out)
        return
    check_encodable(out)
    limit = "--preset" if shot.preset is not None else "--max-size" if shot.most_bytes is not None else None
    if limit is not None and is_stills(out):
        raise UnusableInput(f"{limit} is for a file, and {out} is a folder of frames; name a .gif, .png or .webp")
    if shot.preset is not None and out.suffix.lower() not in PRESET_SUFFIXES:
        raise UnusableInput(f"--preset {shot.preset} is for .gif, .png, .apng and .webp; {out} is none of them")


def _is_page(out: Path) -> bool:
    return out.suffix.lower() == PAGE


def _most_bytes(shot: Shot) -> int | None:
    """What was asked for, or what the preset allows, whichever is less."""
    limits = [shot.most_bytes, PRESETS[shot.preset].most_bytes if shot.preset else None]
    return min((limit for limit in limits if limit is not None), default=None)


def _film(
    style: Style,
    motion: Trajectories,
    timeline: Timeline,
    shot: Shot,
    on_frame: Callable[[int, int], object] | None,
) -> Film:
    def heard() -> Iterator[npt.NDArray[np.uint8]]:
        frames = _captioned(style.frames(motion, timeline.moments), timeline.moments, style, shot.caption)
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
    names = [moment_name(moment.time, style.runs[moment.run].flow.layers) for moment in moments]
    widest = max(names, key=len)
    for name, frame in zip(names, frames, strict=True):
        strip = draw_caption(name, frame.shape[1], len(style.text), (widest,))
        yield np.vstack((frame, style.text[strip]))


def _squared(frame: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """With background above and below, or on either side."""
    side = max(frame.shape)
    out = np.zeros((side, side), dtype=np.uint8)
    top, left = (side - frame.shape[0]) // 2, (side - frame.shape[1]) // 2
    out[top : top + frame.shape[0], left : left + frame.shape[1]] = frame
    return out


def _encode(out: Path, film: Film, shot: Shot) -> tuple[Written, str]:
    """What was written, and what was given up for it."""
    if shot.preset is None and shot.most_bytes is None:
        encode(out, film)
        files = name_stills(out, len(film)) if is_stills(out) else [out]
        return Written(out, sum(file.stat().st_size for file in files), len(film)), ""
    if shot.preset is None:
        fitted = fit(out, film, shot.most_bytes)
    else:
        preset = PRESETS[shot.preset]
        with film.with_size(preset.side) as sized:
            fitted = fit(
                out,
                sized,
                _most_bytes(shot),
                most_frames=preset.most_frames,
                floor=Floor(side=preset.side) if preset.square else Floor(),
                check=lambda file: verify(file, preset, out),
            )
    return Written(out, fitted.bytes, fitted.frames), fitted.given_up


def _write_page(out: Path, style: Style, motion: Trajectories, timeline: Timeline, shot: Shot) -> Written:
    write_html(out, _page(out.stem, style, motion, timeline, shot), _most_bytes(shot))
    return Written(out, out.stat().st_size, len(timeline.moments))


def _page(title: str, style: Style, motion: Trajectories, timeline: Timeline, shot: Shot) -> Page:
    runs: Sequence[DrawnRun] = motion.runs
    points = style if isinstance(style, PointsStyle) else PointsStyle(runs, shot.look)
    n, moments = len(motion.base), timeline.moments
    distinct = list(dict.fromkeys(moments))
    row = {moment: i for i, moment in enumerate(distinct)}
    themes = [(theme.foreground, theme.background) for theme in THEMES.values()]
    asked = (shot.look.foreground, shot.look.background)
    # Colours of one's own are those of both themes.
    light, dark = (Theme(*map(_hex, pair)) for pair in (themes if asked in themes else (asked, asked)))
    names = [moment_name(moment.time, runs[moment.run].flow.layers) for moment in moments]
    colours = points.particle_colours(motion)
    return Page(
        title=title,
        width=style.shape[1],
        height=style.shape[0],
        positions=np.stack([motion.at(moment).astype(np.float32) for moment in distinct]),
        radius=min(points.radius(n, Moment(run, 1.0)) for run in range(len(runs))),
        delays=timeline.delays,
        order=tuple(row[moment] for moment in moments),
        moves=tuple(itertools.starmap(flows_on, zip(moments, (*moments[1:], moments[0]), strict=True))),
        still=_picture(timeline),
        colours=colours,
        paints=tuple(paints(moments)) if colours is not None else None,
        captions=tuple(names) if shot.caption else None,
        loops=shot.loops,
        light=light,
        dark=dark,
        comment=shot.comment,
    )


def _picture(timeline: Timeline) -> int:
    """The frame of the last picture."""
    return max(i for i, moment in enumerate(timeline.moments) if moment.time == 1)


def _save(out: Path, frame: npt.NDArray[np.uint8], style: Style, shot: Shot) -> None:
    clear = 0 if shot.look.transparent else None
    write_atomically(out, lambda path: save_png(path, frame, style.palette.colours, clear, shot.comment))


def _check_png(path: Path, option: str) -> None:
    if path.suffix.lower() != ".png":
        raise UnusableInput(f"{option} {path}: its suffix is not .png; name a .png file")
    check_writable(path)


def _hex(colour: tuple[int, int, int]) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)
