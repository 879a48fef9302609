"""Links, anchors, and the make targets that documents name lead somewhere."""

from __future__ import annotations

import re

import pytest
from conftest import ROOT
from documents import DOCUMENTS, read_anchors, read_links

PAGES = {**DOCUMENTS, **{path.name: path for path in ROOT.glob("*.md")}}


@pytest.mark.parametrize("name", PAGES)
def test_links_lead_somewhere(name: str) -> None:
    page = PAGES[name]
    for link in read_links(page):
        if "://" in link:
            continue
        place, _, anchor = link.partition("#")
        linked = page.parent / place if place else page
        assert linked.exists(), link
        if anchor:
            assert anchor in read_anchors(linked), link


def test_there_are_anchors_to_check() -> None:
    assert sum("#" in link for link in read_links(PAGES["README.md"])) > 10
    assert "what-counts-as-ink" in read_anchors(PAGES["guide.md"])


@pytest.mark.parametrize("name", PAGES)
def test_make_has_the_targets_that_are_named(name: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    named = set(re.findall(r"(?:`|^)make ([a-z-]+)", PAGES[name].read_text("utf-8"), re.MULTILINE))
    assert named <= targets


@pytest.mark.parametrize("target", ["demo", "test"])
def test_the_readme_starts_with_the_two_commands(target: str) -> None:
    assert re.search(rf"^make {target}\b", PAGES["README.md"].read_text("utf-8"), re.MULTILINE)
