"""Oklab against values that its author publishes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowgif.colour.oklab import from_oklab, oklab


@pytest.mark.parametrize(
    ("colour", "lab"),
    [
        ((255, 255, 255), (1, 0, 0)),
        ((0, 0, 0), (0, 0, 0)),
        # CSS Color 4 gives these for the corners of sRGB.
        ((255, 0, 0), (0.6280, 0.2249, 0.1258)),
        ((0, 255, 0), (0.8664, -0.2339, 0.1795)),
        ((0, 0, 255), (0.4520, -0.0325, -0.3115)),
    ],
)
def test_known_colours(colour: tuple[int, int, int], lab: tuple[float, float, float]) -> None:
    assert oklab(np.array([colour], np.uint8))[0] == pytest.approx(lab, abs=2e-4)  # their last digit


@given(st.integers(0, 1000))
def test_colours_come_back(seed: int) -> None:
    colours = np.random.default_rng(seed).integers(0, 256, (100, 3)).astype(np.uint8)
    np.testing.assert_array_equal(from_oklab(oklab(colours)), colours)
