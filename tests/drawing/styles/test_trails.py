"""Particles with tails."""

from __future__ import annotations

import numpy as np
import torch
from known_flows import MOONS, SIZE, Shift, frames_of

from flowgif.drawing.colours import make_look
from flowgif.drawing.placing import place_runs
from flowgif.drawing.styles.table import STYLES
from flowgif.drawing.trajectories import Trajectories
from flowgif.timeline import Moment, Pace, make_timeline


def test_a_tail_lies_behind_its_particle_and_fades() -> None:
    """A single particle on its way to the right: no ink ahead of it, and less the further behind."""
    given = [(Shift(), MOONS)]
    moments = [Moment(0, i / 10) for i in range(10)]
    runs = place_runs(given, SIZE)
    style = STYLES["trails"](runs, make_look())
    with Trajectories.record(runs, moments, torch.tensor([[-1.0, -0.5]])) as motion:
        *_, last = style.frames(motion, moments)
        here, before = motion.at(moments[-1])[0], motion.at(moments[0])[0]
    row, column = np.nonzero(last)
    assert column.max() <= here[0] + 3
    assert column.min() > before[0] + 3  # seven steps long, not nine
    far, near = (last[:, round(here[0]) - distance].astype(int).sum() for distance in (15, 5))
    assert near > far > 0
    assert abs(np.polyfit(column, row, 1)[0] + 0.5 * runs[0].view.scale[1] / runs[0].view.scale[0]) < 0.15


def test_no_tail_is_drawn_from_the_picture_to_the_cloud() -> None:
    """With the picture first the next frame is the cloud again."""
    given = [(Shift(), MOONS)]
    moments = list(make_timeline(Pace(frames=30, picture_first=True)).moments)
    assert [moment.time for moment in moments[:2]] == [1.0, 0.0]
    _, cut = frames_of("trails", given, moments[:2], make_look())
    _, alone = frames_of("trails", given, moments[1:2], make_look())
    np.testing.assert_array_equal(cut[1], alone[0])
