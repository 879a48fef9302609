"""What an animation may be asked for."""

from __future__ import annotations

import pytest

from flowgif.animation.config import AnimationConfig
from flowgif.errors import UnusableInput
from flowgif.formats.presets import PRESETS


def test_the_side_is_the_presets_or_the_given_one_or_the_styles() -> None:
    assert AnimationConfig(style="panels", preset="slack").side == 128
    assert AnimationConfig(style="panels", size=300).side == 300
    assert AnimationConfig(style="panels").side == 960
    assert AnimationConfig().side == AnimationConfig(style="density").side == 480


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"preset": "square", "size": 512}, "--preset square sets the size; leave --size out"),
        ({"preset": "slak"}, "unknown --preset 'slak'; did you mean 'slack'"),
        ({"style": "pints"}, "unknown --style 'pints'; did you mean 'points'"),
        ({"size": 15}, "--size 15 is out of range; give 16 to 4096 pixels"),
        ({"size": 4097}, "--size 4097"),
        ({"points": 0}, "--points 0 is out of range; give 1 to 1000000"),
        ({"loops": 65536}, r"--loops 65536 is out of range; give 0 \(for ever\) to 65535"),
    ],
)
def test_what_cannot_be_is_refused_at_once(values: dict[str, object], message: str) -> None:
    with pytest.raises(UnusableInput, match=message):
        AnimationConfig(**values)  # type: ignore[arg-type]


def test_limits_are_those_of_the_size_and_the_preset() -> None:
    limits = AnimationConfig(max_bytes=1000, preset="slack").limits
    assert (limits.max_bytes, limits.preset) == (1000, PRESETS["slack"])
    assert AnimationConfig().limits.preset is None
