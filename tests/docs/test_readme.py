"""The README stays short, and its gallery says how each picture is made."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from conftest import ROOT
from documents import README

sys.path.append(str(ROOT / "docs"))
from make_gallery import read_gallery

TEXT = README.read_text(encoding="utf-8")
LONGEST = 150  # lines; the guide has room for the rest


def test_the_readme_is_short() -> None:
    assert len(TEXT.splitlines()) <= LONGEST


def test_each_picture_of_the_gallery_stands_beside_the_commands_that_make_it() -> None:
    gallery = read_gallery(TEXT)
    assert set(gallery) == set(re.findall(r"\]\((docs/gallery/[^)]+)\)", TEXT))
    trained: set[str] = set()
    for path, commands in gallery.items():
        *trainings, (_, command, *words) = commands
        for _, train, *options in trainings:
            assert train == "train"
            # A run is named after its picture, or after its config.
            trained.add(f"runs/{Path(options[1]).stem}")
        assert command == "animate"
        assert words[words.index("-o") + 1] == path
        assert {word for word in words if word.startswith("runs/")} <= trained
