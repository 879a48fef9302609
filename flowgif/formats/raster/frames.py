"""Every frame a PNG of its own, in a folder."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, PngImagePlugin

from flowgif.errors import UnusableInput
from flowgif.formats.raster.film import Film

__all__ = ["check_stills", "is_stills", "name_stills", "save_png", "write_stills"]

PATTERN = "frame-%04d.png"
PLACE = re.compile(r"%\d*d")
SOFTWARE = "flowgif"  # by which its own files are known again


def is_stills(path: Path) -> bool:
    """Whether a folder is meant, or a pattern like frame-%04d.png."""
    folder = not path.suffix and not path.name.startswith(".")
    return folder or path.is_dir() or (PLACE.search(path.name) is not None and path.suffix.lower() == ".png")


def check_stills(path: Path) -> None:
    """Finds out before the work whether frames can be written there.

    Raises:
        UnusableInput: the folder's parent is missing, or a file that is not flowgif's bears such a name.
    """
    folder, pattern = _split(path)
    if folder.is_dir():
        _find_own(folder, pattern)
    elif folder == path and not folder.exists() and folder.parent.is_dir():
        return
    elif folder.exists():
        raise UnusableInput(f"cannot write {path}: {folder} is a file; name a folder, or a file with a suffix")
    else:
        missing = folder.parent if folder == path else folder
        raise UnusableInput(f"cannot write {path}: there is no folder {missing}; create it first")


def write_stills(path: Path, film: Film) -> None:
    """Writes frame-0000.png, frame-0001.png, ... into a folder, or files named by a pattern.

    All are written before the first takes its place. Other files in the folder stay; frames of an earlier call that
    have these names are replaced, and the ones beyond the film's end removed.

    Args:
        path: a folder, which is made if its parent is there, or a pattern with %d or %04d in a folder that is there.
        film: what is written; its delays are not.

    Raises:
        UnusableInput: the place cannot be written, or a file that is not flowgif's bears such a name.
    """
    check_stills(path)
    folder, pattern = _split(path)
    new = not folder.is_dir()
    stage = (folder.parent if new else folder) / f".flowgif-{os.getpid()}"
    try:
        stage.mkdir()
        for number, frame in enumerate(film.frames()):
            save_png(stage / (pattern % number), frame, film.colours, film.transparent, film.comment)
        if new:
            stage.replace(folder)
        else:
            stale = _find_own(folder, pattern)
            for staged in sorted(stage.iterdir()):
                staged.replace(folder / staged.name)
                stale.discard(staged.name)
            for name in stale:
                (folder / name).unlink()
    except OSError as error:
        raise UnusableInput(f"cannot write {path}: {error.strerror or error}; choose another place") from None
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def _split(path: Path) -> tuple[Path, str]:
    """The folder, and the pattern of the names in it, which has one %d."""
    if path.is_dir() or not path.suffix:
        return path, PATTERN
    place = PLACE.search(path.name)
    assert place is not None
    # Any other per cent sign is meant as it is.
    parts = path.name[: place.start()], path.name[place.end() :]
    return path.parent, place[0].join(part.replace("%", "%%") for part in parts)


def _find_own(folder: Path, pattern: str) -> set[str]:
    """Names of the frames of an earlier call; a file with such a name that is not one of them is not touched."""
    head, tail = PLACE.split(pattern)[0], PLACE.split(pattern)[-1]
    name = re.compile(re.escape(head.replace("%%", "%")) + r"(\d+)" + re.escape(tail.replace("%%", "%")))
    own: set[str] = set()
    for file in sorted(folder.iterdir()):
        found = name.fullmatch(file.name)
        if found is None or file.name != pattern % int(found[1]):
            continue
        if not _is_own(file):
            raise UnusableInput(
                f"cannot write {file}: it is there and not flowgif's; move it, or choose another folder"
            )
        own.add(file.name)
    return own


def _is_own(file: Path) -> bool:
    try:
        with Image.open(file) as image:
            return image.info.get("Software") == SOFTWARE
    except OSError:
        return False


def name_stills(path: Path, number: int) -> list[Path]:
    """The files that so many frames are written to."""
    folder, pattern = _split(path)
    return [folder / (pattern % i) for i in range(number)]


def save_png(
    file: Path,
    frame: npt.NDArray[np.uint8],
    colours: npt.NDArray[np.uint8],
    transparent: int | None = None,
    comment: str = "",
) -> None:
    """Writes a frame of palette indices (height, width) as a PNG.

    Args:
        file: where.
        frame: what.
        colours: (levels, 3) uint8, sRGB.
        transparent: the index that is see-through.
        comment: goes into the file.
    """
    image = Image.fromarray(frame)
    image.putpalette(colours.tobytes())
    texts = PngImagePlugin.PngInfo()
    texts.add_text("Software", SOFTWARE)
    if comment:
        texts.add_text("Comment", comment)
    clear = {} if transparent is None else {"transparency": transparent}
    image.save(file, format="PNG", optimize=True, pnginfo=texts, **clear)
