"""What a part consists of: rows, each with a key and a function that measures it once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common.machine import Arithmetic
from common.measure import Timed, call, run, run_in_terminal
from common.pictures import find_picture
from common.results import Key

__all__ = ["Part", "Plan", "Row"]

# These make any command so cheap that only its start-up remains; their figures mean nothing.
SMALL_NETWORK = "[model]\nfeatures = 8\nwidth = 8\ndepth = 1\n"
QUICK_TRAINING = ("--steps", 3, "--batch-size", 64, "--max-side", 32)
QUICK_ANIMATION = ("--frames", 3, "--size", 64, "--points", 100)


@dataclass(frozen=True)
class Row:
    """A row of a part's table.

    Attributes:
        key: what names the row.
        measure: measures the row once; its argument is the number of the repeat, from 0.
        repeats: how often it is measured.
    """

    key: Key
    measure: Callable[[int], dict[str, Any]]
    repeats: int


@dataclass(frozen=True)
class Plan:
    """How a part is to be measured. The current folder is the workplace: runs and files go there.

    Attributes:
        arithmetic: the instructions that commands may use.
        repeats: how often a row is measured.
        quick: whether everything is made so small that the figures mean nothing.
    """

    arithmetic: Arithmetic
    repeats: int
    quick: bool

    @property
    def few(self) -> int:
        """The number of repeats of a row that takes half a minute or more."""
        return 1 if self.repeats < 5 else 3

    def key(self, **names: str | int | float) -> Key:
        """Returns a row's key, which the arithmetic belongs to."""
        return {**names, "arithmetic": self.arithmetic.name}

    def flowgif(self, *words: object) -> Timed:
        """Runs a ``flowgif`` command with this plan's arithmetic; a quick plan has options that cut it short."""
        return run(*(self._cut_short(words) if self.quick else words), environment=self.arithmetic.environment)

    def flowgif_in_terminal(self, *words: object) -> tuple[Timed, float]:
        """Runs a ``flowgif`` command as :meth:`flowgif`, on a terminal; see ``common.measure.run_in_terminal``."""
        return run_in_terminal(
            *(self._cut_short(words) if self.quick else words), environment=self.arithmetic.environment
        )

    def call(self, function: str, **arguments: Any) -> tuple[Timed, Any]:
        """Calls a function of the benchmarks in a process of its own, with this plan's arithmetic."""
        return call(function, self.arithmetic.environment, **arguments)

    def trained(self, picture: str, *options: object) -> str:
        """Returns the folder of a run of a picture with default settings, which is trained here if there is none."""
        folder = f"runs/{picture}"
        if not Path(folder).exists():
            self.flowgif("train", "--img", find_picture(picture), "--out", folder, *options)
        return folder

    def _cut_short(self, words: tuple[object, ...]) -> tuple[object, ...]:
        """Returns a command's words with shortcuts in the place of its own options of these names."""
        shortcuts = self._shortcuts(words)
        kept = [
            word
            for before, word in zip((None, *words), words, strict=False)
            if not {before, word} & {option for option in shortcuts if str(option).startswith("--")}
        ]
        return (*kept, *shortcuts)

    def _shortcuts(self, words: tuple[object, ...]) -> tuple[object, ...]:
        given = {*words}
        if words[0] == "train":
            options = QUICK_TRAINING if "--img" in given else QUICK_TRAINING[:-2]
            if not {"--model", "--config"} & given:
                Path("small.toml").write_text(SMALL_NETWORK)
                options = (*options, "--config", "small.toml")
            return options
        return QUICK_ANIMATION if words[0] == "animate" else ()


Part = Callable[[Plan], Iterable[Row]]
