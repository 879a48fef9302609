"""What flow matching needs of a flow, and what its batches cost."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from flowgif.config.models import RealNVPConfig
from flowgif.config.schema import TrainingConfig
from flowgif.flows.discrete.realnvp import realnvp
from flowgif.targets.image import ImageTarget
from flowgif.targets.picture import load_picture
from flowgif.targets.toy import ToyTarget
from flowgif.training.flow_matching import FlowMatching

CAT = Path(__file__).parents[2] / "imgs" / "cat.png"


def test_a_flow_without_a_velocity_is_refused() -> None:
    generator = torch.Generator()
    flow = realnvp(RealNVPConfig(layers=2, width=8), generator)
    config = TrainingConfig(batch_size=16)
    with pytest.raises(TypeError, match="velocity, which a DiscreteFlow does not have"):
        FlowMatching.build(flow, ToyTarget("8gaussians"), config, generator, torch.device("cpu"))


def test_a_pictures_first_step_costs_no_matrix_of_points_by_pixels(monkeypatch: pytest.MonkeyPatch) -> None:
    """57 thousand inked pixels times 4096 points would be 940 MB: no tensor of that size is made."""
    biggest = 0
    original = torch.einsum

    def watched(equation: str, *operands: Tensor) -> Tensor:
        nonlocal biggest
        biggest = max(biggest, *(operand.numel() for operand in operands))
        return original(equation, *operands)

    target = ImageTarget(load_picture(CAT))
    monkeypatch.setattr(torch, "einsum", watched)
    time = torch.linspace(0, 1, 4096)
    target.closed_form(target.sample(4096, torch.Generator().manual_seed(0)) * time[:, None], time)
    assert 0 < biggest < 8192 * 24 * 24 + 1
