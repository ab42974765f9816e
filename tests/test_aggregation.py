from __future__ import annotations

import numpy as np
import pytest

from imtools.aggregation import AGGREGATIONS, aggregate
from imtools.errors import UsageError

WINDOWS = [[0.2, 0.5, 0.0], [0.6, 0.5, 1.0]]


def test_hand_computed_aggregations() -> None:
    np.testing.assert_allclose(aggregate(WINDOWS, "mean"), [0.4, 0.5, 0.5], rtol=1e-15)
    # Sums .8, 1 and 1, by the largest.
    np.testing.assert_allclose(aggregate(WINDOWS, "s2"), [0.8, 1, 1], rtol=1e-15)
    np.testing.assert_allclose(aggregate(WINDOWS, "top-quarter"), [0.6, 0.5, 1], rtol=1e-15)
    many = np.arange(9.0)[:, None] / 10 * [1, -1] + [0, 1]
    np.testing.assert_allclose(aggregate(many, "top-quarter"), [(0.8 + 0.7 + 0.6) / 3, (1 + 0.9 + 0.8) / 3])
    np.testing.assert_allclose(aggregate(WINDOWS, "max"), [0.6, 0.5, 1], rtol=1e-15)
    # logit .2 = -ln 4, logit .6 = ln 1.5: their mean is ln(1.5 / 4) / 2. Scores of 0 and 1 cancel out.
    odds = np.sqrt(1.5 / 4)
    np.testing.assert_allclose(aggregate(WINDOWS, "logit-mean"), [odds / (1 + odds), 0.5, 0.5], rtol=1e-12)


@pytest.mark.parametrize("name", AGGREGATIONS)
def test_one_window_is_the_whole_but_for_s2(name) -> None:
    expected = [0.25, 1.0] if name == "s2" else [0.2, 0.8]
    np.testing.assert_allclose(aggregate([[0.2, 0.8]], name), expected, rtol=1e-12)


def test_silence_has_no_surest_class() -> None:
    assert aggregate(np.zeros((2, 3)), "s2").tolist() == [0.0, 0.0, 0.0]


def test_what_cannot_be_aggregated_is_refused() -> None:
    with pytest.raises(UsageError, match="no windows"):
        aggregate(np.zeros((0, 3)), "mean")
    with pytest.raises(UsageError, match="'median'"):
        aggregate(WINDOWS, "median")
