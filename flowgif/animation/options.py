"""Makes an animation's settings of options, as the command line and Python give them. Importing it brings no torch."""

from __future__ import annotations

import inspect
import shlex
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, TypeVar

from flowgif import names
from flowgif.errors import UnusableInput, did_you_mean, printable
from flowgif.keywords import DrawingKeywords
from flowgif.timeline import Pace
from flowgif.units import parse_bytes

if TYPE_CHECKING:
    from flowgif.animation.config import AnimationConfig
    from flowgif.flows.base import Flow

__all__ = ["check_keywords", "describe_command", "make_config", "read_options", "read_times"]

Made = TypeVar("Made")

# Options whose values are names. A typo is found before anything heavy is imported.
NAMED = {"style": names.STYLES, "theme": names.THEMES, "preset": names.PRESETS, "easing": names.EASINGS}


def check_keywords(keywords: Mapping[str, object]) -> None:
    """Checks that keyword arguments are options of an animation.

    Raises:
        UnusableInput: one is unknown.
    """
    known = DrawingKeywords.__annotations__
    for name in keywords:
        if name not in known:
            raise UnusableInput(f"animate has no option '{name}'; {did_you_mean(name, known)}")


def read_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """Reads what options say of the pace and of the files' size, and returns them with ``pace`` and ``max_bytes``.

    Args:
        options: the values by the names of :class:`flowgif.keywords.DrawingKeywords`; others are left as they are.

    Raises:
        UnusableInput: a value cannot be used.
    """
    for name, allowed in NAMED.items():
        if options.get(name) is not None:
            allowed.check(str(options[name]))
    first, size = options.get("first_frame", "cloud"), options.get("max_size")
    if first not in {"cloud", "logo"}:
        raise UnusableInput(f"unknown --first-frame '{first}'; give cloud or logo")
    derived = {"picture_first": first == "logo"}
    if "hold" in options:
        derived["hold"] = _read_hold(options["hold"])
    pace = _fill(Pace, {**options, **derived})
    return {**options, "pace": pace, "max_bytes": None if size is None else parse_bytes(str(size))}


def make_config(options: Mapping[str, Any], comment: str) -> AnimationConfig:
    """Makes the settings of an animation.

    Args:
        options: what :func:`read_options` returns.
        comment: text for the files' metadata; see :func:`describe_command`.

    Raises:
        UnusableInput: a value cannot be used.
    """
    from flowgif.animation.config import AnimationConfig
    from flowgif.drawing.colours import make_look

    derived = {"look": _fill(make_look, options), "comment": f"{comment} (flowgif {version('flowgif')})"}
    return _fill(AnimationConfig, {**options, **derived})


def describe_command(runs: int, options: Mapping[str, object]) -> str:
    """Returns the command that draws the same: 'flowgif animate RUN --style density'.

    Args:
        runs: number of runs.
        options: the values that the user gave, in the order of --help; None and False mean not given.
    """
    words = ["flowgif", "animate", *["RUN"] * runs]
    for name, value in options.items():
        if value is not None and value is not False:
            words.append("--" + name.replace("_", "-"))
        if value is not None and not isinstance(value, bool):
            words.append(value if isinstance(value, str) else _listed(value))
    return printable(shlex.join(words))


def read_times(times: str | Sequence[float], flow: Flow) -> list[float]:
    """Returns the times of stills, each in [0, 1].

    Args:
        times: numbers, as a text with commas between; or 'layers' for the cloud and the end of each layer.
        flow: the flow that is shown.

    Raises:
        UnusableInput: the text cannot be read, or the flow has no layers.
    """
    if not isinstance(times, str):
        return list(times)
    if times == "layers":
        if not flow.layer_ends():
            raise UnusableInput("--times layers: an ffjord flow has none; give numbers from 0 to 1")
        return [0.0, *flow.layer_ends()]
    try:
        return [float(part) for part in times.split(",")]
    except ValueError:
        raise UnusableInput(f"--times {times}: give numbers from 0 to 1 with commas between, or layers") from None


def _read_hold(hold: str | float | Sequence[float]) -> tuple[float, float]:
    text = hold if isinstance(hold, str) else _listed(hold)
    try:
        parts = [float(part) for part in text.split(",")]
    except ValueError:
        parts = []
    if len(parts) not in {1, 2}:
        raise UnusableInput(f"--hold {text}: give seconds, as 1.2, or 0.5,1.2 for the first frame and the picture")
    return (parts[0] if len(parts) == 2 else 0.0, parts[-1])


def _listed(value: object) -> str:
    """Returns a number, or several with commas between, as the command line takes them."""
    return ",".join(map(str, value)) if isinstance(value, Sequence) else str(value)


def _fill(make: Callable[..., Made], options: Mapping[str, Any]) -> Made:
    """Calls ``make`` with the options that have the names of its parameters."""
    return make(**{name: options[name] for name in inspect.signature(make).parameters if name in options})
