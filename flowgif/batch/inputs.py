"""Finds the pictures and runs that a batch is about, and gives each a name."""

from __future__ import annotations

import glob
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from flowgif.errors import UnusableInput
from flowgif.files.reading import STDIN
from flowgif.runs.layout import WEIGHTS
from flowgif.runs.settings import newest_run

__all__ = ["are_many_pictures", "are_many_runs", "find_pictures", "find_runs", "names_for", "read_seeds"]

# In a folder, files of these suffixes are taken for pictures.
SUFFIXES = {
    *(".png", ".apng", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".ico", ".svg", ".svgz", ".avif"),
    *(".xpm", ".ppm", ".pgm", ".pbm", ".tga", ".jp2", ".icns"),
}
SEEDS = re.compile(r"(\d{1,13})(?:-(\d{1,13}))?")
MOST_SEEDS = 10_000


def are_many_pictures(given: Sequence[Path]) -> bool:
    """Whether pictures are given as several, as a folder of them, or as a pattern."""
    return len(given) > 1 or any(_is_pattern(path) or path.is_dir() for path in given)


def are_many_runs(given: Sequence[Path]) -> bool:
    """Whether runs are given as several, as a folder of them, or as a pattern."""
    return len(given) > 1 or any(_is_pattern(path) or _holds_runs(path) for path in given)


def find_pictures(given: Iterable[Path]) -> list[Path]:
    """Returns the pictures that folders, patterns and paths name, each once, in this order.

    Of a folder these are the pictures in it, but not in folders in it; ``**`` in a pattern stands for these too.

    Raises:
        UnusableInput: one names nothing.
    """
    found: list[Path] = []
    for path in given:
        if path == STDIN:
            raise UnusableInput("--img - is one picture; give it alone")
        if path.is_dir():
            pictures = sorted(file for file in path.iterdir() if _is_picture(file))
            if not pictures:
                raise UnusableInput(f"there is no picture in {path}; name another folder")
        elif _is_pattern(path):
            pictures = [file for file in _matches(path) if not file.is_dir()]
            if not pictures:
                raise UnusableInput(f"no picture is like {path}; check the pattern (** stands for folders in folders)")
        else:
            pictures = [path]
        found += pictures
    return _each_once(found)


def find_runs(given: Iterable[Path]) -> list[Path]:
    """Returns the runs that folders and patterns name, each once, in this order; of none, the newest one.

    A folder that is no run stands for the runs in it.

    Raises:
        UnusableInput: a pattern names nothing, or there is no run at all.
    """
    given = list(given)
    if not given:
        return [newest_run()]
    found: list[Path] = []
    for path in given:
        if _is_pattern(path):
            runs = [run for run in _matches(path) if (run / WEIGHTS).exists()]
            if not runs:
                raise UnusableInput(f"no run is like {path}; check the pattern")
        elif _holds_runs(path):
            runs = sorted(weights.parent for weights in path.glob(f"*/{WEIGHTS}"))
        else:
            runs = [path]
        found += runs
    return _each_once(found)


def names_for(paths: Sequence[Path]) -> list[str]:
    """Returns a name for each path, all of them different: its own, with its folder's before it where two are alike.

    Names are compared without regard to case, because some file systems do so too.
    """
    names = [_usable(_split(path)[0]) for path in paths]
    for make in (_with_folder, _with_suffix, _with_all_folders):
        times = Counter(name.casefold() for name in names)
        names = [
            name if times[name.casefold()] == 1 else _usable(make(path))
            for name, path in zip(names, paths, strict=True)
        ]
    taken: set[str] = set()
    for i, name in enumerate(names):
        number, unlike = 2, name
        while unlike.casefold() in taken:
            unlike = f"{name}-{number}"
            number += 1
        taken.add(unlike.casefold())
        names[i] = unlike
    return names


def read_seeds(text: str) -> list[int]:
    """Reads seeds, as '0-7' or '0,3,10-12'.

    Raises:
        UnusableInput: the text cannot be read, or names very many.
    """
    seeds: list[int] = []
    for part in text.split(","):
        match = SEEDS.fullmatch(part.strip())
        if match is None:
            raise UnusableInput(f"--seeds {text}: give numbers, as 0-7 or 0,3,10-12")
        first = int(match[1])
        last = first if match[2] is None else int(match[2])
        if not first <= last < first + MOST_SEEDS:
            raise UnusableInput(f"--seeds {text}: give at most {MOST_SEEDS}, the smaller number first")
        seeds += range(first, last + 1)
    return list(dict.fromkeys(seeds))


def _split(path: Path) -> tuple[str, str]:
    """Returns a path's name without its suffix, and the suffix; a dot in the name of a folder begins none."""
    return (path.name, "") if path.is_dir() else (path.stem, path.suffix)


def _with_folder(path: Path) -> str:
    return f"{path.absolute().parent.name}-{_split(path)[0]}"


def _with_suffix(path: Path) -> str:
    return f"{_with_folder(path)}{_split(path)[1].replace('.', '-')}"


def _with_all_folders(path: Path) -> str:
    folders = [part for part in path.parent.parts if part.strip("./\\")]
    return "-".join([*folders, path.name.replace(".", "-")])


def _usable(name: str) -> str:
    """Returns a name of a run; names such as ..toml would lead out of the folder of runs."""
    return name if name.strip(". ") else "run"


def _is_picture(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".") and path.is_file()


def _is_pattern(path: Path) -> bool:
    """Whether a path has signs of a pattern, and no file has just this name."""
    return glob.has_magic(str(path)) and not path.exists()


def _holds_runs(path: Path) -> bool:
    return path.is_dir() and not (path / WEIGHTS).exists() and any(path.glob(f"*/{WEIGHTS}"))


def _matches(pattern: Path) -> list[Path]:
    return sorted(map(Path, glob.glob(str(pattern), recursive=True)))  # noqa: PTH207 (Path's needs a folder to begin in)


def _each_once(paths: Iterable[Path]) -> list[Path]:
    return list({path.resolve(): path for path in reversed(list(paths))}.values())[::-1]
