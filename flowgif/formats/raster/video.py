"""Writes MP4 and WebM with ffmpeg, which imageio calls."""

from __future__ import annotations

import math
from contextlib import closing
from pathlib import Path

import numpy as np
import numpy.typing as npt

from flowgif.errors import UnusableInput
from flowgif.files.writing import check_writable
from flowgif.formats.film import Film

__all__ = ["check_video", "write_mp4", "write_webm"]

# The bytes depend on the number of threads, so the number is fixed. The file has neither time nor program version.
_COMMON = ("-threads", "2", "-fflags", "+bitexact", "-flags:v", "+bitexact", "-map_metadata", "-1")
# The file states how its colours were converted. Otherwise each player would guess the YUV from the picture's size.
_COLOUR = (
    "scale=in_range=full:out_range=limited:out_color_matrix=bt709:flags=accurate_rnd+full_chroma_int,format={},"
    "setparams=range=tv:color_primaries=bt709:color_trc=bt709:colorspace=bt709"
)
# Both settings were found by trial: moving particles then have about 36 dB. More bytes do not show.
_H264 = ("-crf", "18", "-preset", "medium", "-movflags", "+faststart")
_VP9 = ("-crf", "34", "-b:v", "0", "-deadline", "good", "-cpu-used", "2", "-row-mt", "0")

_VP9_ALPHA = ("-auto-alt-ref", "0")  # libvpx cannot have both opacity and frames that are not shown

LONGEST = 1  # longest frame in the file, seconds: players seek badly in films with longer frames


def write_mp4(path: Path, film: Film) -> None:
    """Writes H.264, YUV 4:2:0, which every player understands; see ``_write_video``."""
    _write_video(path, film, "libx264", _H264)


def write_webm(path: Path, film: Film) -> None:
    """Writes VP9, YUV 4:2:0, with opacity beside it if the film is see-through; see ``_write_video``."""
    _write_video(path, film, "libvpx-vp9", _VP9 if film.is_opaque else (*_VP9, *_VP9_ALPHA))


def check_video(path: Path) -> None:
    """Checks in advance that a video can be written.

    Raises:
        UnusableInput: there is no ffmpeg, or the place cannot be written.
    """
    _check_ffmpeg(path.suffix)
    check_writable(path)


def _check_ffmpeg(suffix: str) -> None:
    try:
        import imageio_ffmpeg

        imageio_ffmpeg.get_ffmpeg_exe()
    except (ImportError, RuntimeError):
        remedy = "pip install 'flowgif[video]', or name a .gif"
        raise UnusableInput(f"cannot write {suffix}: video needs imageio-ffmpeg; {remedy}") from None


def _write_video(path: Path, film: Film, codec: str, options: tuple[str, ...]) -> None:
    """Writes frames at a constant rate, the lowest at which each delay is a whole number of frames.

    Odd sides get an extra line of background, because the codecs share colours between two pixels.
    """
    _check_ffmpeg(path.suffix)
    import imageio.v2

    step, longest = math.gcd(*film.delays), LONGEST * film.ticks
    step = step if step <= longest else math.gcd(step, longest)
    rate = f"{film.ticks}/{step}"
    comment = ("-metadata", f"comment={film.comment}") if film.comment else ()
    pixels = "yuv420p" if film.is_opaque else "yuva420p"
    colours = _without_rims(film)
    margins = ((0, film.height % 2), (0, film.width % 2))
    writer = imageio.v2.get_writer(
        path,
        format="FFMPEG",  # pyright: ignore[reportArgumentType]
        mode="I",
        fps=film.ticks / step,
        codec=codec,
        quality=None,
        pixelformat=pixels,
        macro_block_size=1,
        ffmpeg_log_level="quiet",
        # imageio gives a rounded rate; ffmpeg takes the last one.
        input_params=["-r", rate],
        output_params=["-r", rate, *options, "-vf", _COLOUR.format(pixels), *_COMMON, *comment],
    )
    try:
        # imageio's writer as a context manager would leave ffmpeg running after an error.
        with closing(writer):
            for frame, delay in zip(film.frames(), film.delays, strict=True):
                picture = colours[np.pad(frame, margins)]
                for _ in range(delay // step):
                    writer.append_data(picture)
    except OSError:
        # Its message is ffmpeg's whole command.
        raise UnusableInput(f"cannot write {path.suffix}: ffmpeg broke off; is there room? Or name a .gif") from None
    if not path.is_file() or path.stat().st_size == 0:
        raise UnusableInput(f"cannot write {path.suffix}: ffmpeg wrote nothing; is there room? Or name a .gif")


def _without_rims(film: Film) -> npt.NDArray[np.uint8]:
    """Returns the film's colours; what is wholly see-through has the mean colour of the rest.

    A video mixes the colours of neighbouring pixels, also those that nobody sees, and the background's would then be a
    rim around the ink.
    """
    if film.is_opaque:
        return film.colours
    colours = film.colours.copy()
    opacity = colours[:, 3].astype(np.float64)
    weights = film.counts * opacity
    if weights.any():
        colours[opacity == 0, :3] = np.rint(np.average(colours[:, :3], axis=0, weights=weights))
    return colours
