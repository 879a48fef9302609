"""Builds the target that a config names. A new kind of target is one row of :data:`TARGETS`."""

from __future__ import annotations

from collections.abc import Callable

from flowgif import names
from flowgif.config.schema import TargetConfig
from flowgif.errors import UnusableInput
from flowgif.names import Table
from flowgif.targets.image import ImageTarget
from flowgif.targets.mixture import GaussianMixture
from flowgif.targets.reading.loading import read_picture
from flowgif.targets.reading.picture import Picture
from flowgif.targets.toy import ToyTarget

__all__ = ["TARGETS", "TargetKind", "build_target"]

# Makes the target of a config in which the kind's field is set. The second argument is the picture as a run stored
# it, which replaces the picture that the config names; None if there is no stored picture.
TargetKind = Callable[[TargetConfig, Picture | None], GaussianMixture]


def _build_from_picture(config: TargetConfig, stored: Picture | None) -> GaussianMixture:
    picture = stored or read_picture(config)
    try:
        return ImageTarget(picture, config.kind_of_ink, config.threshold)
    except UnusableInput as error:
        done = f" ({'; '.join(picture.remarks)})" if picture.remarks else ""
        raise UnusableInput(f"{config.source}: {error}{done}") from None


def _build_from_data_set(config: TargetConfig, stored: Picture | None) -> GaussianMixture:
    assert config.data is not None
    return ToyTarget(config.data, config.noise)


# By the field of TargetConfig that asks for the kind.
TARGETS: Table[TargetKind] = Table(
    names.TARGETS, {"img": _build_from_picture, "text": _build_from_picture, "data": _build_from_data_set}
)


def build_target(config: TargetConfig, stored: Picture | None = None) -> GaussianMixture:
    """Builds the target that a config names.

    Args:
        config: the settings; exactly one field of a kind of target is set.
        stored: the picture as a run stored it. It replaces the picture that the config names, which may have changed.

    Raises:
        UnusableInput: the picture or data set cannot be used.
    """
    kind = next(name for name in TARGETS if getattr(config, name, None) is not None)
    return TARGETS[kind](config, stored)
