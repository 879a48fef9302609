"""A config's target is built from its picture, from the picture as a run stored it, or from its data set."""

from __future__ import annotations

import pytest
import torch
from blots import rgba, stored
from PIL import Image

from flowgif import names
from flowgif.config.schema import TargetConfig
from flowgif.errors import UnusableInput
from flowgif.targets.build import TARGETS, build_target
from flowgif.targets.image import ImageTarget
from flowgif.targets.mixture import GaussianMixture
from flowgif.targets.reading.picture import Picture
from flowgif.targets.toy import TOY_SETS, ToyTarget


@pytest.mark.parametrize("table", [TARGETS, TOY_SETS])
def test_tables_have_the_rows_that_help_names(table):
    assert list(table) == list(table.names)


def test_each_kind_is_asked_for_by_a_field_of_the_config():
    assert set(names.TARGETS) <= TargetConfig.model_fields.keys()


def test_a_picture_is_shrunk_and_its_ink_found_as_the_config_says(tmp_path):
    path = stored(tmp_path, rgba((0, 0, 0), (255, 255, 255)).resize((24, 16), Image.Resampling.NEAREST))
    target = build_target(TargetConfig(img=path, max_side=12, ink="dark", threshold=0.9))
    assert isinstance(target, ImageTarget)
    assert target.picture.size_as_given == (24, 16)
    assert target.ink.shape == (8, 12)
    assert set(target.ink.flatten()) == {0.0, 1.0}
    assert target.ink.sum() == 12 * 8 - 3 * 3


def test_a_stored_picture_takes_the_place_of_the_configs(tmp_path):
    image = rgba((255, 255, 255), (0, 0, 0))
    target = build_target(TargetConfig(img=tmp_path / "gone.png"), Picture(image, (120, 80)))
    assert target.picture is not None
    assert target.picture.image is image
    # The block's middle, in pixels of the picture as given.
    assert target.in_given_units(torch.zeros(2)).tolist() == pytest.approx([34.5, 24.5], abs=1e-3)  # float32


def test_a_blank_picture_is_named(tmp_path):
    path = stored(tmp_path, Image.new("L", (9, 9), 255))
    with pytest.raises(UnusableInput, match=rf"^{path}: the picture is blank"):
        build_target(TargetConfig(img=path))


def test_a_data_set_has_no_picture():
    target = build_target(TargetConfig(data="8gaussians", noise=0.2))
    assert isinstance(target, ToyTarget)
    assert (target.name, target.noise) == ("8gaussians", 0.2)
    assert target.picture is None
    assert target.colour_source is None


class CrossConfig(TargetConfig, frozen=True):
    """A config with a field for a kind of target that this package has not."""

    cross: float | None = None


def test_another_kind_of_target_is_one_row(monkeypatch):
    monkeypatch.setattr(TARGETS, "_rows", dict(TARGETS))
    monkeypatch.setattr(TARGETS.names, "_names", list(TARGETS.names))

    def build_cross(config, stored):
        arms = torch.tensor([[1.0, 0], [-1, 0], [0, 1], [0, -1]]) * config.cross
        return GaussianMixture(arms, torch.ones(4), (0.1, 0.1))

    TARGETS.register("cross", build_cross)
    target = build_target(CrossConfig.model_construct(cross=2.0, img=None, data=None))
    assert len(target.centres) == 4
