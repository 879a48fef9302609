"""Writes the man page from the commands' own help: ``python docs/make_man.py`` makes ``docs/flowgif.1``."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from flowgif.cli.main import app
from flowgif.errors import ExitCode

ROOT = Path(__file__).parent.parent
PAGE = Path(__file__).with_name("flowgif.1")
PLAIN = "Options"  # the panel of an option that names none
VALUES = {"int": "N", "float": "X", "Path": "PATH", "str": "TEXT"}
LETTERS = {"\\": r"\e", "-": r"\-", "'": r"\(aq", "`": r"\(ga", "^": r"\(ha", "~": r"\(ti"}
EXAMPLES = {
    "Fit a flow to a picture, draw it, and see how well it fits:": (
        "flowgif train --img logo.png",
        "flowgif animate",
        "flowgif eval",
    ),
    "An SVG for a web page, which follows the reader's theme:": ("flowgif animate runs/logo -o logo.svg",),
    "Fail if the fit is worse than 0.05 nats:": ("flowgif eval runs/logo --max-gap 0.05",),
}
FILES = {
    "runs/NAME/": "A run directory, named after the picture, text, data set or config unless --out names another one.",
    "config.toml": "In it: all settings. It is a config file itself, for train --config.",
    "weights.safetensors": "The fitted flow.",
    "resume.safetensors": "The state from which train --resume goes on.",
    "metrics.jsonl": "The course of the training, one JSON object a line.",
    "provenance.json": "Versions, machine and times.",
    "picture.png": "A copy of the picture, as it was used.",
    "runs/NAME/NAME.gif": "What animate writes unless -o names another file.",
}
ENVIRONMENT = {
    "NO_COLOR, TERM": "If NO_COLOR is set, or TERM is dumb, progress is plain lines.",
    "TMPDIR": "Where frames are kept while an animation is made.",
}


def _escaped(text: str) -> str:
    """Returns a text in roff, in which no letter means anything else, and no line begins as a request does."""
    text = "".join(LETTERS.get(letter, letter) for letter in " ".join(text.split()))
    return rf"\&{text}" if text.startswith(".") else text


def _bold(text: str) -> str:
    return rf"\fB{_escaped(text)}\fR"


def _italic(text: str) -> str:
    return rf"\fI{_escaped(text)}\fR"


def _value(parameter: Any) -> str:
    """Returns what stands for an option's value."""
    shown = str(parameter.type_descriptor.annotation)
    kinds = [value for kind, value in VALUES.items() if kind in shown]
    return parameter.metavar or " ".join(kinds[:1] * max(parameter.nargs, 1))


def _head(parameter: Any) -> str:
    """Returns an option's names, short ones first, with what stands for its value."""
    if parameter.param_type_name == "argument":
        return _italic(parameter.metavar or parameter.name.upper()) + (" ..." if parameter.nargs < 0 else "")
    names = ", ".join(_bold(name) for name in sorted((*parameter.opts, *parameter.secondary_opts), key=len))
    return names if parameter.is_flag else f"{names} {_italic(_value(parameter))}"


def _text(parameter: Any) -> str:
    """Returns an option's help, with its default as the help shows it."""
    default = parameter.default
    shown = parameter.show_default and default is not None and default is not False  # unlike 0
    return f"{parameter.help or ''}{f' [default: {default}]' if shown else ''}"


def _items(items: dict[str, str]) -> Iterator[str]:
    for head, text in items.items():
        yield from (".TP", head, _escaped(text))


def _command(name: str, command: Any) -> Iterator[str]:
    yield from (f".SH {_escaped(f'flowgif {name}').upper()}", _escaped(command.help))
    panels: dict[str, dict[str, str]] = {}
    for parameter in command.params:
        if not getattr(parameter, "hidden", False):
            plain = "Arguments" if parameter.param_type_name == "argument" else PLAIN
            panel = panels.setdefault(parameter.rich_help_panel or plain, {})
            panel[_head(parameter)] = _text(parameter)
    for title in sorted(panels, key=lambda title: title == PLAIN):  # those that all commands have come last
        yield f".SS {_escaped(title)}"
        yield from _items(panels[title])


def make_page() -> str:
    """Returns the man page as roff."""
    root: Any = typer.main.get_command(app)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    lines = [
        r".\" Made by docs/make_man.py of the commands' help.",
        f'.TH FLOWGIF 1 "" "flowgif {project["version"]}" "User Commands"',
        ".SH NAME",
        rf"flowgif \- {_escaped(root.help[0].lower() + root.help[1:].rstrip('.'))}",
        ".SH SYNOPSIS",
    ]
    for name, command in root.commands.items():
        arguments = [_head(each) for each in command.params if each.param_type_name == "argument"]
        lines += [".br", f"{_bold(f'flowgif {name}')} [{_italic('OPTIONS')}] [{' '.join(arguments)}]"]
    lines += [".br", f"{_bold('flowgif')} {_bold('--version')} | {_bold('--help')}"]
    lines += [".SH DESCRIPTION", _escaped(root.help)]
    lines += [_escaped("Each command prints its answer on stdout and everything else on stderr.")]
    lines += _items({_head(parameter): _text(parameter) for parameter in root.params})
    lines += _items({f"{_bold('-h')}, {_bold('--help')}": "Print the options, of a command too, and exit."})
    for name, command in root.commands.items():
        lines += _command(name, command)
    lines += [".SH EXIT STATUS", *_items({_bold(str(code.value)): f"{code.meaning}." for code in ExitCode})]
    lines += [".SH FILES", *_items({_italic(path): text for path, text in FILES.items()})]
    lines += [".SH ENVIRONMENT", *_items({_bold(name): text for name, text in ENVIRONMENT.items()})]
    lines += [".SH EXAMPLES"]
    for text, commands in EXAMPLES.items():
        lines += [".PP", _escaped(text), ".PP", ".RS", ".nf", *map(_escaped, commands), ".fi", ".RE"]
    return "\n".join(lines) + "\n"


def main() -> None:
    PAGE.write_text(make_page(), "utf-8")


if __name__ == "__main__":
    main()
