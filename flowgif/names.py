"""The allowed names of settings, as ``--help`` shows them, and tables of rows by these names.

This module imports nothing heavy, so that help is instant.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import TypeVar

from flowgif.errors import UnusableInput, did_you_mean

__all__ = [
    "ACTIVATIONS",
    "CMAPS",
    "DATA_SETS",
    "DEVICES",
    "EASINGS",
    "MODELS",
    "NETWORKS",
    "OBJECTIVES",
    "OPTIMISERS",
    "PICTURES",
    "PRESETS",
    "SAMPLE_SUFFIXES",
    "SCHEDULES",
    "STYLES",
    "SUFFIXES",
    "TARGETS",
    "THEMES",
    "Names",
    "Table",
    "listed",
]

Row = TypeVar("Row")


class Names(Collection[str]):
    """The allowed names of a setting, in the order in which help shows them.

    Args:
        setting: the name of the setting in messages, such as '--style'.
        names: the allowed names; if there is a default, it comes first.
    """

    def __init__(self, setting: str, *names: str) -> None:
        self.setting = setting
        self._names = list(names)

    def add(self, name: str) -> None:
        """Adds a name at the end; a name that exists already keeps its position."""
        if name not in self._names:
            self._names.append(name)

    def check(self, name: str) -> str:
        """Returns the name if it is known.

        Raises:
            UnusableInput: the name is unknown.
        """
        if name not in self._names:
            raise UnusableInput(f"unknown {self.setting} '{name}'; {did_you_mean(name, self._names)}")
        return name

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __str__(self) -> str:
        """Returns the names for a sentence: 'points, density or trails'."""
        return listed(self._names, "or")

    @property
    def with_default(self) -> str:
        """The names with the default marked: 'points (default), density or trails'."""
        first, *others = self._names
        return listed([f"{first} (default)", *others], "or")

    def complete(self, incomplete: str) -> list[str]:
        """Returns the names that begin with the text typed so far, for a shell's completion."""
        return [name for name in self._names if name.startswith(incomplete)]


def listed(words: Iterable[str], conjunction: str) -> str:
    """Returns 'a, b or c' of at least one word."""
    *most, last = words
    return f"{', '.join(most)} {conjunction} {last}" if most else last


class Table(Mapping[str, Row]):
    """A table of rows by name, in which all variants of a kind are looked up.

    Args:
        names: the names of the rows; a row that is registered later adds its name.
        rows: the rows by name.
    """

    def __init__(self, names: Names, rows: Mapping[str, Row]) -> None:
        self.names = names
        self._rows = dict(rows)

    def register(self, name: str, row: Row) -> None:
        """Adds a row, also from outside the package.

        Raises:
            ValueError: the name is taken.
        """
        if name in self._rows:
            raise ValueError(f"{self.names.setting} '{name}' is taken")
        self._rows[name] = row
        self.names.add(name)

    def find(self, name: str) -> Row:
        """Returns the row of a name that a user gave.

        Raises:
            UnusableInput: there is no such row.
        """
        return self._rows[self.names.check(name)]

    def __getitem__(self, name: str) -> Row:
        return self._rows[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)


MODELS = Names("--model", "ffjord", "realnvp", "glow", "spline")
NETWORKS = Names("network", "grid", "fourier", "concatsquash")
ACTIVATIONS = Names("activation", "silu", "relu", "tanh")
OBJECTIVES = Names("--objective", "flow-matching", "likelihood")
OPTIMISERS = Names("optimiser", "adam", "muon")
SCHEDULES = Names("schedule", "linear", "constant")
DEVICES = Names("--device", "auto", "cpu", "cuda", "mps")
TARGETS = Names("target", "img", "text", "data")
PICTURES = Names("kind of picture", "svg")  # besides all that Pillow reads
DATA_SETS = Names(
    "data set",
    "moons",
    "circles",
    "blobs",
    "s_curve",
    "swiss_roll",
    "8gaussians",
    "pinwheel",
    "2spirals",
    "checkerboard",
    "rings",
)
STYLES = Names("--style", "points", "density", "trails", "field", "panels")
THEMES = Names("--theme", "light", "dark")
CMAPS = Names("--cmap", "ink", "night", "grey")  # besides all maps of the cmap library
EASINGS = Names("--easing", "linear", "smooth", "in", "out")
PRESETS = Names("--preset", "readme", "slack", "discord", "square")
SUFFIXES = Names("suffix", ".gif", ".png", ".apng", ".webp", ".mp4", ".webm", ".html")
SAMPLE_SUFFIXES = Names("suffix of samples", ".npy", ".csv")
