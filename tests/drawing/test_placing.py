"""Several runs in one frame."""

from __future__ import annotations

import numpy as np
from known_flows import BLUE, MOONS, RED, SIZE, Halves, Shift, two_coloured

from flowgif.drawing.colours import make_look
from flowgif.drawing.placing import place_runs
from flowgif.drawing.styles.points import PointsStyle
from flowgif.drawing.trajectories import Trajectories
from flowgif.timeline import Moment


def test_in_a_morph_particles_are_in_the_same_places_in_the_cloud() -> None:
    """Pictures of different shapes share one cloud."""
    given = [(Shift(), two_coloured(RED, BLUE)), (Halves(), MOONS)]
    runs = place_runs(given, SIZE)
    moments = [Moment(0, 0.0), Moment(1, 0.0)]
    with Trajectories.record(runs, moments, PointsStyle(runs, make_look()).base_points(100, 0)) as motion:
        np.testing.assert_allclose(motion.at(moments[0]), motion.at(moments[1]), atol=1e-4)
