"""Fewer frames that last as long."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowgif.formats.raster.thin import thin

DELAYS = st.lists(st.integers(1, 200), min_size=1, max_size=60)


@given(DELAYS, st.integers(1, 70))
def test_fewer_frames_last_as_long(delays: list[int], number: int) -> None:
    kept, after = thin(delays, number)
    assert len(kept) == len(after) == min(number, len(delays))
    assert sum(after) == sum(delays)
    assert list(kept) == sorted(set(kept))
    if number < len(delays):
        assert min(after) >= min(2, sum(delays) // len(after))
    if number > 1:
        assert kept[0] == 0
        assert kept[-1] == len(delays) - 1


@given(st.integers(3, 200), st.data())
def test_frames_go_evenly_and_at_their_moments(count: int, data: st.DataObject) -> None:
    number = data.draw(st.integers(2, count))
    kept, after = thin([4] * count, number)
    gaps = np.diff(kept)
    assert gaps.max() - gaps.min() <= 1
    assert np.cumsum([0, *after[:-1]]).tolist() == [4 * k for k in kept]


@pytest.mark.parametrize("number", range(3, 117))
def test_what_is_held_stays(number: int) -> None:
    """A film that goes to the picture, stays, goes back to the cloud, and stays."""
    delays = [50] + [4] * 58 + [120] + [4] * 58 + [50]
    kept, after = thin(delays, number)
    assert {0, 59, 118} <= set(kept) or number < 4
    assert 59 in kept
    assert after[kept.index(59)] >= 120
    assert sum(after) == sum(delays)


def test_one_frame_is_the_one_that_is_held() -> None:
    assert thin([4, 4, 100, 4], 1) == ((2,), (112,))
