"""Writes every frame of a film as a PNG in a folder."""

from __future__ import annotations

import re
from pathlib import Path

from flowgif.errors import UnusableInput
from flowgif.files.temporary import staged_folder
from flowgif.files.writing import report_os_errors, settle, written_together
from flowgif.formats.film import Film
from flowgif.formats.raster.png import is_from_flowgif, write_png

__all__ = ["check_frames", "is_for_frames", "name_frames", "write_frames"]

PATTERN = "frame-%04d.png"
NUMBER = re.compile(r"%\d*d")
NUMBERED_PNG = re.compile(r"%\d*d.*\.png$", re.IGNORECASE)


def is_for_frames(path: Path) -> bool:
    """Returns whether a path is a folder, or a pattern like frame-%04d.png."""
    folder = not path.suffix and not path.name.startswith(".")
    return folder or path.is_dir() or NUMBERED_PNG.search(path.name) is not None


def check_frames(path: Path) -> None:
    """Checks in advance that frames can be written to a path.

    Raises:
        UnusableInput: the folder's parent is missing, or a file with such a name is not from flowgif.
    """
    folder, pattern = _split(path)
    if folder.is_dir():
        _find_earlier(folder, pattern)
    elif folder == path and not folder.exists() and folder.parent.is_dir():
        return
    elif folder.exists():
        raise UnusableInput(f"cannot write {path}: {folder} is a file; name a folder, or a file with a suffix")
    else:
        missing = folder.parent if folder == path else folder
        raise UnusableInput(f"cannot write {path}: there is no folder {missing}; create it first")


def write_frames(path: Path, film: Film) -> None:
    """Writes frame-0000.png, frame-0001.png, ... into a folder, or files named by a pattern.

    All are written before the first takes its place. Other files in the folder stay; frames of an earlier call that
    have these names are replaced, and those beyond the film's end are removed.

    Args:
        path: a folder, which is made if its parent exists, or a pattern with %d or %04d in a folder that exists.
        film: the film; its delays are not written.

    Raises:
        UnusableInput: the place cannot be written, or a file with such a name is not from flowgif.
    """
    check_frames(path)
    folder, pattern = _split(path)
    new = not folder.is_dir()
    names = [pattern % number for number in range(len(film))]
    with report_os_errors(path):
        if not new:
            settle(folder)
        stale = set[str]() if new else _find_earlier(folder, pattern) - set(names)
        with staged_folder(folder) if new else written_together(folder, stale) as stage:
            for name, frame in zip(names, film.frames(), strict=True):
                write_png(stage / name, frame, film.colours, film.comment)
            if new:
                stage.replace(folder)


def name_frames(path: Path, number: int) -> list[Path]:
    """Returns the files of ``number`` frames."""
    folder, pattern = _split(path)
    return [folder / (pattern % i) for i in range(number)]


def _split(path: Path) -> tuple[Path, str]:
    """Returns the folder, and the pattern of the names in it, which has one %d."""
    if path.is_dir() or not path.suffix:
        return path, PATTERN
    number = NUMBER.search(path.name)
    assert number is not None
    # Any other per cent sign is literal.
    parts = path.name[: number.start()], path.name[number.end() :]
    return path.parent, number[0].join(part.replace("%", "%%") for part in parts)


def _find_earlier(folder: Path, pattern: str) -> set[str]:
    """Returns the names of the frames of an earlier call.

    Raises:
        UnusableInput: a file with such a name is not from flowgif.
    """
    head, tail = NUMBER.split(pattern)[0], NUMBER.split(pattern)[-1]
    name = re.compile(re.escape(head.replace("%%", "%")) + r"(\d+)" + re.escape(tail.replace("%%", "%")))
    earlier: set[str] = set()
    for file in sorted(folder.iterdir()):
        match = name.fullmatch(file.name)
        if match is None or file.name != pattern % int(match[1]):
            continue
        if not is_from_flowgif(file):
            raise UnusableInput(
                f"cannot write {file}: it is there and not flowgif's; move it, or choose another folder"
            )
        earlier.add(file.name)
    return earlier
