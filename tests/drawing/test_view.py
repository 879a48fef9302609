"""Places in a frame."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from known_flows import BLOBS, BLUE, RED, SIZE, Halves, two_coloured

from flowgif.drawing.placing import place_runs


@pytest.mark.parametrize("run", [0, 1])
def test_velocities_in_the_frame_are_those_of_the_particles_in_it(run: int) -> None:
    """In a morph the pictures' scales differ from the cloud's, and that moves particles too."""
    flow = Halves()
    runs = place_runs([(flow, two_coloured(RED, BLUE)), (flow, BLOBS)], SIZE)
    view, z, time, step = runs[run].view, torch.randn(9, 2, generator=torch.Generator().manual_seed(0)), 0.4, 1e-3
    z = z.double()
    places = [view.to_frame(flow.from_base(z, time + way * step).point, time + way * step) for way in (-1, 1)]
    x, after = (flow.from_base(z, at).point for at in (time, time + step))
    found = view.velocity_in_frame(x, (after - x) / step, time)
    # Both are straight lines here, but for the product of two linear changes.
    np.testing.assert_allclose(found, (places[1] - places[0]) / (2 * step), rtol=1e-3, atol=0.2)
