"""Adjusted p-values: the same bits as SciPy's, and worked examples."""

import numpy as np
import pytest
from scipy.stats import false_discovery_control

from analysis.statistics.multiplicity import benjamini_hochberg, holm


def test_benjamini_hochberg_is_scipys_to_the_bit() -> None:
    rng = np.random.default_rng(5)
    for count in (1, 2, 7, 64, 500):
        p = np.round(rng.random(count), 3)  # with ties
        assert np.array_equal(benjamini_hochberg(p), false_discovery_control(p))


def test_what_was_not_tested_is_not_counted() -> None:
    found = benjamini_hochberg([0.01, np.nan, 0.02])
    assert np.array_equal(found, [0.02, np.nan, 0.02], equal_nan=True)
    assert np.isnan(benjamini_hochberg([np.nan])).all() and len(benjamini_hochberg([])) == 0
    with pytest.raises(ValueError, match=r"p_values: 1.5 is not in \[0, 1\]"):
        benjamini_hochberg([0.5, 1.5])


def test_holm_is_the_worked_example() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.6, 0.9]) == pytest.approx([1.0, 1.0])
