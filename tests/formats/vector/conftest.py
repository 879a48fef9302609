"""What tests of vector formats share: a browser, and the particles of the cat."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from devtools import Chromium

from flowgif.api import Loaded
from flowgif.drawing.cloud import spread_cloud
from flowgif.drawing.view import make_view


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    browser = Chromium(tmp_path_factory.mktemp("chromium"))
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def trajectories(cat: Loaded) -> np.ndarray:
    """3000 particles in 60 frames."""
    times = torch.linspace(0, 1, 60, dtype=torch.float64)
    with torch.no_grad():
        path = cat.flow.relaxed(1e-4).trajectory(spread_cloud(3000, 0), times)
    view = make_view(cat.target, 480)
    return np.stack([view.to_frame(x) for x in path])
