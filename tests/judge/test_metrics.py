from __future__ import annotations

import numpy as np
import pytest

from workbench.judge.metrics import accuracy_interval


def test_the_interval_is_wilsons() -> None:
    # Newcombe, Statistics in Medicine 17 (1998), table I: 81 of 263 and 15 of 148, without continuity correction
    assert accuracy_interval(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert accuracy_interval(15, 148) == pytest.approx((0.0624, 0.1605), abs=5e-5)
    assert accuracy_interval(0, 20) == pytest.approx((0.0, 0.1611), abs=5e-5)


def test_the_interval_covers_the_truth_about_95_times_in_100() -> None:
    correct = np.random.default_rng(0).binomial(400, 0.9, size=1000)
    covered = [low <= 0.9 <= high for low, high in (accuracy_interval(int(c), 400) for c in correct)]
    assert 0.93 <= np.mean(covered) <= 0.97
