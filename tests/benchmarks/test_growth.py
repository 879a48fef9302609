"""The fitted exponent is that of the power law which the costs follow."""

from __future__ import annotations

import pytest
from tables.growth import fit_growth

SIZES = [1.0, 4.0, 16.0, 64.0, 256.0]


@pytest.mark.parametrize("exponent", [0.5, 1.0, 1.5, 2.0])
def test_an_exact_power_law_beside_a_fixed_cost_is_found(exponent: float) -> None:
    growth = fit_growth(SIZES, [2 + 3 * (size / SIZES[-1]) ** exponent for size in SIZES])
    # The exponents that are tried are a hundredth apart.
    assert growth.exponent == pytest.approx(exponent, abs=0.011)
    assert growth.fixed == pytest.approx(2, rel=0.02)
    assert growth.growing == pytest.approx(3, rel=0.02)


def test_noise_on_a_fixed_cost_is_no_growth() -> None:
    assert fit_growth(SIZES, [2.0, 2.05, 1.97, 2.02, 2.04]).exponent is None
