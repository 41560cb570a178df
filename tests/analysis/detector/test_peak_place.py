"""Where the peak of a double descent is put: curves of three shapes, and what a second, higher peak does."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from analysis.detector.descent import detect, detect_many
from analysis.detector.peak_fit.peak_models import Part, model_peak
from analysis.detector.smoothing import Array
from analysis.scoring.known_curve import through

X = np.arange(1000.0)


def steps(x: Array) -> Array:
    """A decay, a logistic rise and a logistic fall."""
    u = np.log10(x + 1.0)
    rise, fall = (
        height / (1.0 + np.exp(-(u - at) / width)) for height, at, width in ((0.1, 1.2, 0.07), (0.06, 2.0, 0.1))
    )
    return 0.2 + 0.4 * np.exp(-3.0 * x / 6.0) + rise - fall


def turns(x: Array) -> Array:
    return through([0, 6, 25, 150, 999], [0.6, 0.2, 0.3, 0.24, 0.24])(x)


def skewed(x: Array) -> Array:
    """A power law and a bump of two Gaussian halves: neither model is right."""
    u = np.log10(x + 1.0) - np.log10(41.0)
    return 0.15 + 0.4 / (1.0 + x) + 0.1 * np.exp(-0.5 * (u / np.where(u < 0, 0.15, 0.35)) ** 2)


@pytest.mark.parametrize("curve", [steps, turns, skewed])
@pytest.mark.parametrize("seeds", [1, 5])
def test_peak_is_where_the_curve_is_highest(curve: Callable[[Array], Array], seeds: int) -> None:
    truth = 5.0 + float(curve(np.arange(5.0, 1000.0, 0.1)).argmax()) / 10.0
    noise = 0.005 * np.random.default_rng(4).standard_normal((20, seeds, len(X)))
    found = np.array([peak.position for each in noise if (peak := detect(X, curve(X) + each, p_values=False).peak)])
    assert len(found) == 20
    ratio = np.log((found + 1.0) / (truth + 1.0))
    assert abs(np.median(ratio)) <= 0.06 and (np.abs(ratio) <= np.log(1.15)).mean() >= 0.9


@pytest.mark.parametrize("curve", [steps, turns])
def test_models_find_the_peak_of_their_own_kind_from_a_wrong_start(curve: Callable[[Array], Array]) -> None:
    u = np.linspace(0.0, 2.6, 60)[None]
    fine = np.linspace(0.8, 2.2, 20000)
    truth = fine[curve(10.0**fine - 1.0).argmax()]
    y = curve(10.0**u - 1.0)
    for start in (truth - 0.1, truth + 0.1):
        part = Part(u, y, np.full_like(y, 1.0 / 0.002), np.array([[0.85, start, 2.15]]))
        assert model_peak(part)[0] == pytest.approx(truth, abs=0.03)


def test_a_higher_peak_that_is_only_likely_is_the_peak() -> None:
    """A small late peak beyond doubt, and before it, in louder noise, one of twice its height."""
    curve = through([0, 3, 12, 40, 120, 400, 999], [0.6, 0.2, 0.25, 0.2, 0.225, 0.2, 0.2])
    loud = np.where(X < 30, 0.012, 0.001)
    y = curve(X) + loud * np.random.default_rng(2).standard_normal((40, len(X)))
    places = np.array([v.peak.position for v in detect_many(X, y).verdicts() if v.peak is not None])
    assert len(places) >= 36
    assert np.mean(np.abs(places - 12) < 5) >= 0.85
