"""What flow matching needs of a flow, which points its batches have, and what they cost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from flowgif.config.models import RealNVPConfig
from flowgif.config.schema import TrainingConfig
from flowgif.flows.base import ContinuousFlow, Mapped
from flowgif.flows.discrete.realnvp import realnvp
from flowgif.targets.image import ImageTarget
from flowgif.targets.lattice import WINDOW
from flowgif.targets.reading.loading import load_picture
from flowgif.targets.toy import ToyTarget
from flowgif.training.flow_matching import FlowMatching

CPU = torch.device("cpu")
CAT = Path(__file__).parents[2] / "imgs" / "cat.png"


def test_a_flow_without_a_velocity_is_refused() -> None:
    generator = torch.Generator()
    flow = realnvp(RealNVPConfig(layers=2, width=8), generator)
    config = TrainingConfig(batch_size=16)
    with pytest.raises(TypeError, match="velocity, which a DiscreteFlow does not have"):
        FlowMatching.build(flow, ToyTarget("8gaussians"), config, generator, CPU)


class _Exact(ContinuousFlow):
    """Follows the target's own velocity and a drift of length 1, and remembers its points."""

    def __init__(self, target: ToyTarget) -> None:
        super().__init__()
        self.target = target
        self.drift = torch.nn.Parameter(torch.tensor([0.6, 0.8]))
        self.points: list[Tensor] = []
        self.times: list[Tensor] = []

    def velocity(self, x: Tensor, time: Tensor) -> Tensor:
        self.points.append(x)
        self.times.append(time)
        return self.target.closed_form(x, time).velocity + self.drift

    def to_base(self, x: Tensor, time: float = 1.0) -> Mapped:
        raise NotImplementedError

    def path(self, z: Tensor, times: Tensor) -> Mapped:
        raise NotImplementedError


def _exact(batch_size: int, seed: int = 0) -> tuple[FlowMatching, _Exact]:
    target = ToyTarget("8gaussians")
    flow, generator = _Exact(target), torch.Generator().manual_seed(seed)
    return FlowMatching(flow, target, batch_size=batch_size, generator=generator, device=CPU), flow


def test_the_loss_is_the_squared_error_with_weights_of_mean_1() -> None:
    objective, _ = _exact(4096)
    losses = torch.stack([objective.loss().detach() for _ in range(8)])
    assert int(objective.state()["left"]) == 0  # a whole block
    # The error's square is 1 at every point. Single precision.
    assert float(losses.mean()) == pytest.approx(1, abs=1e-5)
    # Late times weigh more, and evenly spread batches have about the same times.
    assert 0 < float(losses.std()) < 0.01


@pytest.mark.parametrize(
    ("batch_size", "blocks"),
    [(1024, [4, 4, 8, 16, 32, 32]), (3000, [1, 1, 2, 4, 8, 10, 10]), (32768, [1, 1]), (40000, [1, 1])],
)
def test_whole_batches_are_drawn_together_as_many_as_were_drawn_before(batch_size: int, blocks: list[int]) -> None:
    objective, flow = _exact(batch_size)
    left = []
    for _ in range(sum(blocks)):
        objective.loss()
        left.append(int(objective.state()["left"]))
    assert left == [number for batches in blocks for number in range(batches - 1, -1, -1)]
    assert {len(points) for points in flow.points} == {batch_size}


def test_no_point_is_used_twice() -> None:
    objective, flow = _exact(4096)
    for _ in range(20):
        objective.loss()
    assert len(torch.cat(flow.points).unique(dim=0)) == 20 * 4096


def test_times_crowd_at_the_end() -> None:
    """Their density is proportional to (1 - t)^(1/3 - 1), so that 1 - t is the third power of a uniform number."""
    objective, flow = _exact(32768)
    objective.loss()
    (times,) = flow.times
    left = (1 - times).pow(1 / FlowMatching.CROWDING).sort().values
    # Sobol points fill the interval evenly; single precision near t = 1.
    torch.testing.assert_close(left, (torch.arange(32768) + 0.5) / 32768, atol=5e-3, rtol=0)


@pytest.mark.usefixtures("two_threads")
@pytest.mark.parametrize("done", [0, 1, 2, 3, 8, 15, 16, 17, 19])
def test_restored_it_goes_on_with_the_next_batch(done: int) -> None:
    objective, flow = _exact(4096)
    for _ in range(done):
        objective.loss()
    state = {name: value.clone() for name, value in objective.state().items()}
    flow.points.clear()
    expected = [objective.loss().item() for _ in range(10)]
    other, again = _exact(4096, seed=5)
    for _ in range(3):  # while its own next block is being drawn
        other.loss()
    other.restore(state)
    again.points.clear()
    assert [other.loss().item() for _ in range(10)] == expected
    assert all(torch.equal(a, b) for a, b in zip(flow.points, again.points, strict=True))


class _Widest(TorchDispatchMode):
    """Remembers the largest memory of a tensor that an operation of torch returned, in bytes."""

    size = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        for each in out if isinstance(out, (tuple, list)) else (out,):
            if isinstance(each, Tensor):
                self.size = max(self.size, each.untyped_storage().nbytes())
        return out


def test_a_pictures_first_step_costs_no_matrix_of_points_by_pixels() -> None:
    """57 thousand inked pixels times 4096 points would be 940 MB: no tensor of that size is made."""
    target = ImageTarget(load_picture(CAT))
    time = torch.linspace(0, 1, 4096)
    x = target.sample(4096, torch.Generator().manual_seed(0)) * time[:, None]
    with _Widest() as widest:
        target.closed_form(x, time)
    # A window of the lattice for each point, in at most double precision.
    assert 4096 < widest.size <= 8 * 4096 * WINDOW**2
