"""Finds runs and reads their settings, without their weights. It needs no torch."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from flowgif import names
from flowgif.config.fields import Mark
from flowgif.config.patch import FLAGS, Key, PartialConfig
from flowgif.config.reading import START, read_config
from flowgif.config.schema import RunConfig, TargetConfig
from flowgif.errors import UnusableInput
from flowgif.files.reading import STDIN, check_regular
from flowgif.files.writing import settle
from flowgif.runs.layout import CONFIG, PICTURE, WEIGHTS
from flowgif.runs.provenance import find_source, find_time, is_run
from flowgif.targets.reading.loading import AS_IT_IS, load_picture, read_picture

__all__ = [
    "RUNS",
    "default_folder",
    "default_output",
    "new_run",
    "newest_run",
    "read_settings",
    "settings_of",
    "settings_to_resume",
]

RUNS = Path("runs")  # the folder of runs for which no directory is given
IMG, TEXT = Key("target", "img"), Key("target", "text")
PICTURE_KEYS = (IMG, TEXT, Key("target", "font"), Key("target", "frame"))  # they say which picture is fitted
LONGEST_NAME = 40  # characters of a text


def settings_of(folder: Path) -> RunConfig:
    """Reads the settings of a run.

    Raises:
        UnusableInput: there is no run, or its config is broken.
    """
    return _read(folder)


def read_settings(path: Path | None, flags: Mapping[str, Mapping[str, Any]]) -> RunConfig:
    """Reads the settings of a new run from a config file, flags, and the run that training starts from, if any.

    Args:
        path: the file, or None for the defaults.
        flags: values by table and name; None means not given.

    Raises:
        UnusableInput: as :func:`flowgif.config.reading.read_config`, also for the run that training starts from.
    """
    return read_config(path, flags, settings_of)


def new_run(path: Path | None, flags: Mapping[str, Mapping[str, Any]], out: Path | None) -> tuple[RunConfig, Path]:
    """Reads the settings of a new run, and finds the directory where it goes.

    Args:
        path, flags: see :func:`read_settings`.
        out: the directory, or None for the default.

    Raises:
        UnusableInput: as :func:`read_settings`.
    """
    settings = read_settings(path, flags)
    given = PartialConfig.of(flags, FLAGS)
    names_target = any(Key("target", name) in given for name in names.TARGETS)
    start, target = given.value(START), settings.target
    start_run = None if start is None else Path(str(start))
    file = None if names_target else path
    return settings, out or default_folder(target.img, target.data, start_run, file, target.text)


def settings_to_resume(folder: Path, flags: Mapping[str, Mapping[str, Any]]) -> RunConfig:
    """Reads a run's settings; flags may repeat them, but change only the end and the device of training.

    Raises:
        UnusableInput: there is no run, or a flag contradicts it.
    """
    config = _read(folder)
    stored = PartialConfig.of(config.model_dump(mode="json", by_alias=True), FLAGS)
    asked = PartialConfig.of(flags, FLAGS)
    changes: dict[str, dict[str, object]] = {}
    # The run names its own copy of the picture, and the flags the original, so the pictures themselves are compared.
    compared = PICTURE_KEYS if config.target.img is not None and (IMG in asked or TEXT in asked) else ()
    for key, (value, _) in asked.settings.items():
        if key.has(Mark.RESUMABLE):
            changes.setdefault(key.table, {})[key.name] = value
        elif key not in compared:
            _refuse_change(folder, key, stored.value(key), value)
    if compared:
        _refuse_other_picture(folder, config.target, {key.name: asked.value(key) for key in compared})
    return _read(folder, changes)


def _refuse_change(folder: Path, key: Key, before: object, value: object) -> None:
    same_place = key.has(Mark.PATH) and before is not None and _resolved(before) == _resolved(value)
    if value != before and not same_place:
        raise UnusableInput(
            f"{folder} was trained with {key.name} = {before}; --resume cannot change it: "
            "leave that option out, or train anew (--force)"
        )


def _refuse_other_picture(folder: Path, stored: TargetConfig, asked: Mapping[str, object]) -> None:
    assert stored.img is not None
    target = read_config(None, {"target": {**asked, "max_side": stored.max_side}}).target
    before, now = load_picture(stored.img, AS_IT_IS).image, read_picture(target).image
    if (before.size, before.tobytes()) != (now.size, now.tobytes()):
        raise UnusableInput(
            f"{folder} was trained with another picture ({find_source(folder)}) than {target.source} is now; "
            "--resume cannot change it: leave that option out, or train anew (--force)"
        )


def _resolved(path: object) -> Path:
    return Path(str(path)).resolve()


def _read(folder: Path, flags: Mapping[str, Mapping[str, Any]] | None = None) -> RunConfig:
    """Reads a run's config, whose picture can only be the run's own: a run may come from someone else."""
    path = _config_path(folder)
    config = read_config(path, flags or {})
    if config.target.img not in {None, folder / PICTURE} or config.target.text is not None:
        remedy = f"to train by it: flowgif train --config {shlex.quote(str(path))}"
        raise UnusableInput(f"{path} names another picture or text than the run's own {PICTURE}; {remedy}")
    return config


def _config_path(folder: Path) -> Path:
    path = folder / CONFIG
    settle(folder)
    check_regular(path)
    if not path.exists():
        raise UnusableInput(f"no run at {folder}; make one with: flowgif train --img PICTURE --out {folder}")
    return path


def default_folder(
    img: Path | None,
    data: str | None,
    start: Path | None = None,
    config: Path | None = None,
    text: str | None = None,
) -> Path:
    """Returns the default run directory: runs/ plus the name of the picture or data set, or the words of the text.

    Args:
        img, data: the picture's path, or the data set's name.
        start: the run that training starts from; its name comes first.
        config: the config file that names the target; its name comes next.
        text: the text.
    """
    if start is not None:
        name = f"{start.resolve().name}-continued"
    elif config is not None and not is_run(config.parent):
        name = config.stem
    elif img is not None and is_run(img.parent):
        name = img.resolve().parent.name
    else:
        name = "stdin" if img == STDIN else img.stem if img is not None else data or _words(text)
    # Names such as ..toml would lead out of the folder of runs.
    return RUNS / (name if name.strip(". ") else "run")


def default_output(folder: Path) -> Path:
    """Returns the file that an animation of a run is written to by default."""
    return folder / f"{folder.resolve().name}.gif"


def _words(text: str | None) -> str:
    """Returns a text's letters and digits, with - in the place of everything between them."""
    return "-".join(re.findall(r"\w+", (text or "").replace("\\n", " ")))[:LONGEST_NAME].strip("-")


def newest_run(folder: Path = RUNS) -> Path:
    """Returns the run in a folder that was trained last, by the time that it records: a copied run is no newer.

    A run that records no time has that of its weights' file. Of a run and its copy, the one with the older file counts.

    Raises:
        UnusableInput: the folder holds no run.
    """
    for run in folder.glob("*/"):
        with suppress(UnusableInput):
            settle(run)
    runs = [path.parent for path in folder.glob(f"*/{WEIGHTS}")]
    if not runs:
        raise UnusableInput(f"no run in {folder}/; make one with: flowgif train --img PICTURE")

    def times(run: Path) -> tuple[float, float]:
        written, recorded = (run / WEIGHTS).stat().st_mtime, find_time(run)
        return (written if recorded is None else recorded, -written)

    return max(runs, key=times)
