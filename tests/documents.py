"""Reads the documents for tests: their commands, blocks of code, links and headings."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from conftest import ROOT

README = ROOT / "README.md"
GUIDE = ROOT / "docs" / "guide.md"
# A test that is given a document is named after it.
DOCUMENTS = {path.name: path for path in (README, *sorted((ROOT / "docs").glob("*.md")))}

CODE = re.compile(r"^```(?P<language>\w+)\n(?P<block>.*?)^```$|`(?P<span>[^`\n]+)`", re.MULTILINE | re.DOTALL)
FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
COMMANDS = ("train", "animate", "eval")


@dataclass(frozen=True)
class Command:
    """A ``flowgif`` command in a document.

    Attributes:
        words: the command and its arguments, 'flowgif' included.
        sample: the output that the document shows below it, or nothing.
    """

    words: tuple[str, ...]
    sample: str = ""

    @property
    def is_only_named(self) -> bool:
        """Whether the text only names a command, such as `flowgif train`, and does not mean to run it."""
        return len(self.words) == 1 or (len(self.words) == 2 and self.words[1] in COMMANDS)


@dataclass(frozen=True)
class ConfigFile:
    """A config in a document; its first line is a comment with the file's name.

    Attributes:
        name: of the file.
        text: of the whole file.
    """

    name: str
    text: str


@dataclass(frozen=True)
class Script:
    """A script for bash in a document.

    Attributes:
        text: of the whole script.
    """

    text: str

    @property
    def name(self) -> str | None:
        """The name of its file, if its first line is a comment with it."""
        found = re.match(r"# (\S+\.sh)$", self.text, re.MULTILINE)
        return found and found[1]

    @property
    def commands(self) -> list[Command]:
        """Its flowgif commands, without redirections and pipes."""
        lines = self.text.replace("\\\n", " ").splitlines()
        found = (re.search(r"\bflowgif (?:train|animate|eval)\b[^|<>&;]*", line) for line in lines)
        return [Command(tuple(shlex.split(each[0]))) for each in found if each]


def read_steps(path: Path) -> Iterator[Command | ConfigFile | Script]:
    """Yields a document's commands, config files and scripts, in order.

    A block of ``bash`` is a script, which is run as a whole. Commands stand in shell blocks, behind a $ in text blocks,
    and in code spans; a command that a code span only names is left out. A command with the word NAME stands for one
    command for each of the configs.
    """
    for found in CODE.finditer(_text(path)):
        if found["span"] is not None:
            yield from (command for command in _expand(found["span"]) if not command.is_only_named)
        elif found["language"] == "sh":
            for line in found["block"].splitlines():
                yield from _expand(line)
        elif found["language"] == "bash":
            yield Script(found["block"])
        elif found["language"] == "text":
            for part in re.split(r"^\$ ", found["block"], flags=re.MULTILINE)[1:]:
                line, _, sample = part.partition("\n")
                yield from _expand(line, sample)
        elif found["language"] == "toml":
            (name,) = re.findall(r"\A# (\S+\.toml)$", found["block"], re.MULTILINE)
            yield ConfigFile(name, found["block"])


def read_blocks(path: Path, language: str) -> list[str]:
    """Returns the blocks of code in a language, in order."""
    return [found["block"] for found in CODE.finditer(_text(path)) if found["language"] == language]


def read_links(path: Path) -> list[str]:
    """Returns the targets of links and pictures, blocks of code left out."""
    return re.findall(r"\]\(([^)\s]+)\)", FENCED.sub("", _text(path)))


def read_anchors(path: Path) -> set[str]:
    """Returns the anchors of the headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", FENCED.sub("", _text(path)), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _expand(line: str, sample: str = "") -> Iterator[Command]:
    if line.split()[:1] != ["flowgif"]:
        return
    names = sorted(path.stem for path in (ROOT / "configs").glob("*.toml")) if "NAME" in line else [""]
    for name in names:
        yield Command(tuple(shlex.split(line.replace("NAME", name), comments=True)), sample)
