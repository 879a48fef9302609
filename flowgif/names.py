"""The names that settings may have, as ``--help`` shows them; each table of rows is held to its names.

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
    "PICTURE_SUFFIXES",
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
    """The names that a setting may have, in the order in which help shows them.

    Args:
        setting: what messages call the setting, such as '--style'.
        names: the first is the default, where there is one.
    """

    def __init__(self, setting: str, *names: str) -> None:
        self.setting = setting
        self._names = list(names)

    def add(self, name: str) -> None:
        """Adds a name at the end; a name that is there already stays where it is."""
        if name not in self._names:
            self._names.append(name)

    def check(self, name: str) -> str:
        """Returns a name that is known.

        Raises:
            UnusableInput: it is not.
        """
        if name not in self._names:
            raise UnusableInput(f"unknown {self.setting} '{name}'; {did_you_mean(name, self._names)}")
        return name

    def complete(self, incomplete: str) -> list[str]:
        """Returns the names that begin so; a shell asks for them when it completes a command."""
        return [name for name in self._names if name.startswith(incomplete)]

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __str__(self) -> str:
        """'points, density or trails'."""
        return listed(self._names, "or")

    @property
    def with_default(self) -> str:
        """'points (default), density or trails'."""
        first, *others = self._names
        return listed([f"{first} (default)", *others], "or")


def listed(words: Iterable[str], conjunction: str) -> str:
    """Returns 'a, b or c' of at least one word."""
    *most, last = words
    return f"{', '.join(most)} {conjunction} {last}" if most else last


class Table(Mapping[str, Row]):
    """Rows by their names; the one place where things of a kind are looked up.

    Args:
        names: of the rows; a row that is registered later adds its name.
        rows: by name.
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
            UnusableInput: there is none.
        """
        return self._rows[self.names.check(name)]

    def __getitem__(self, name: str) -> Row:
        return self._rows[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)


MODELS = Names("--model", "ffjord", "realnvp", "glow", "spline")
NETWORKS = Names("network", "fourier", "concatsquash")
ACTIVATIONS = Names("activation", "silu", "relu", "tanh")
OBJECTIVES = Names("--objective", "flow-matching", "likelihood")
OPTIMISERS = Names("optimiser", "adam", "muon")
SCHEDULES = Names("schedule", "linear", "constant")
DEVICES = Names("--device", "auto", "cpu", "cuda", "mps")
TARGETS = Names("target", "img", "data")
PICTURE_SUFFIXES = Names("picture suffix", ".svg", ".svgz")
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
