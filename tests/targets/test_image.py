"""The way from a picture's pixels to data coordinates and back, and the mixture that its ink makes."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from blots import LEVEL, stored
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from flowgif.targets.image import ImageTarget
from flowgif.targets.reading.loading import load_picture
from flowgif.targets.reading.picture import Picture

# float64, through two multiplications and their inverses, of pixel numbers up to some thousands.
ROUND_TRIP = 1e-8
# Entropy is a quadrature in float32.
ENTROPY = 1e-4
# Shrinking by a whole factor is symmetric around an aligned block; eight-bit levels leave less than this, in pixels.
SHRUNK = 0.1
# Of 2000 draws the furthest of 4000 standard Gaussian numbers lies beyond this once in 7000 seeds; the seed is fixed.
WIDEST_NOISE = 5.5


def target_of(grey, as_given=None):
    image = Image.fromarray(np.asarray(grey, dtype=np.uint8)).convert("RGBA")
    return ImageTarget(Picture(image, as_given or image.size))


def corner():
    """Full ink in the upper left pixel, half as much in the lower right one; 9 wide, 6 high."""
    grey = np.full((6, 9), 255)
    grey[0, 0], grey[5, 8] = 0, 127
    return target_of(grey)


def test_the_first_pixel_s_centre_is_the_origin():
    target = corner()
    heaviest = target.centres[target.weights.argmax()]
    assert target.to_pixels(heaviest).tolist() == pytest.approx([0, 0], abs=ROUND_TRIP)
    assert target.to_pixels(target.centres[target.weights.argmin()]).tolist() == pytest.approx([8, 5], abs=ROUND_TRIP)


def test_rows_go_down_and_y_up():
    target = corner()
    upper_left, lower_right = target.from_pixels(torch.tensor([[0.0, 0.0], [8.0, 5.0]], dtype=torch.float64))
    assert upper_left[0] < lower_right[0]
    assert upper_left[1] > lower_right[1]
    # The ink is denser in the upper left, and two to one of the mass means the mean lies a third of the way.
    densest, sparser = target.log_prob(torch.stack((upper_left, lower_right)))
    assert float(densest - sparser) == pytest.approx(math.log(2), abs=2 * LEVEL)


def test_two_pixels_apart_are_the_scale_they_were_divided_by():
    target = corner()
    step = target.from_pixels(torch.tensor([[3.0, 2.0], [4.0, 3.0]], dtype=torch.float64)).diff(dim=0)[0]
    assert (step * target.scale).tolist() == pytest.approx([1, -1], abs=ROUND_TRIP)
    assert (target.std * target.scale).tolist() == pytest.approx([0.5, 0.5], abs=ROUND_TRIP)


sides = st.tuples(st.integers(1, 4000), st.integers(1, 4000))
coordinate = st.floats(-5000, 5000)


@settings(deadline=None, derandomize=True, database=None, max_examples=60)
@given(as_given=sides, column=coordinate, row=coordinate)
def test_to_pixels_and_from_pixels_are_inverse(as_given, column, row):
    grey = np.full((6, 9), 255)
    grey[1, 2], grey[4, 7] = 0, 90
    target = target_of(grey, as_given)
    pixel = torch.tensor([column, row], dtype=torch.float64)
    assert target.to_pixels(target.from_pixels(pixel)).tolist() == pytest.approx([column, row], abs=ROUND_TRIP)


def test_pixel_coordinates_keep_shape_and_dtype():
    target = corner()
    x = torch.zeros(2, 3, 2, dtype=torch.float32)
    for there in (target.to_pixels, target.from_pixels):
        assert there(x).shape == x.shape
        assert there(x).dtype == x.dtype


@pytest.mark.parametrize("name", ["picture.png", "picture.jpg"])
def test_pixels_of_a_shrunk_picture_are_those_of_the_picture_as_given(tmp_path, name):
    image = Image.new("L", (400, 200), 255)
    # Columns 160 to 191 and rows 80 to 95: the centre of that block is (175.5, 87.5).
    image.paste(0, (160, 80, 192, 96))
    target = ImageTarget(load_picture(stored(tmp_path, image, name), max_side=100))
    assert target.picture.image.size == (100, 50)
    # The mean of the ink, which is 0 in data units, is the middle of the block.
    assert target.to_pixels(torch.zeros(2, dtype=torch.float64)).tolist() == pytest.approx([175.5, 87.5], abs=SHRUNK)


def test_samples_lie_on_the_ink():
    grey = np.full((40, 60), 255)
    grey[3:9, 5:20], grey[25:36, 40:44] = 0, 120
    target = target_of(grey)
    at = target.to_pixels(target.sample(2000, torch.Generator().manual_seed(0)).double())
    inked = torch.from_numpy(np.argwhere(grey < 255)[:, ::-1].copy()).double()
    # The nearest inked pixel is at most as far as the one the draw belongs to, on either axis.
    off = (at[:, None] - inked).abs().amax(-1).amin(1)
    assert float(off.max()) < WIDEST_NOISE * 0.5


def test_weights_are_the_ink():
    grey = np.full((6, 9), 255)
    grey[1, 2], grey[3, 4], grey[4, 7] = 0, 51, 204
    target = target_of(grey)
    column, row = target.to_pixels(target.centres).round().long().T
    got = np.zeros((6, 9))
    got[row.numpy(), column.numpy()] = target.weights.numpy()
    assert got == pytest.approx(target.ink / target.ink.sum(), abs=ROUND_TRIP)


@pytest.mark.parametrize("n", [2, 3, 6])
def test_separate_pixels_have_the_entropy_of_their_number_and_of_one(n):
    grey = np.full((60, 140), 255)
    # At least 20 pixels apart, which is 40 standard deviations.
    for k in range(n):
        grey[5 + 20 * (k % 3), 5 + 22 * k] = 0
    target = target_of(grey)
    one = 1 + math.log(2 * math.pi) + 2 * math.log(0.5)
    assert target.entropy() == pytest.approx(math.log(n) + one - float(target.scale.log().sum()), abs=ENTROPY)


def test_pixels_may_be_integers():
    target = corner()
    pixels = torch.tensor([[3, 2], [8, 5]])
    assert torch.equal(target.from_pixels(pixels), target.from_pixels(pixels.float()))
    assert torch.equal(target.to_pixels(pixels), target.to_pixels(pixels.float()))
