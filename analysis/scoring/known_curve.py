"""What is known of a synthetic curve, and curves through given turning points."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from scipy.interpolate import PchipInterpolator

from analysis.detector.smoothing import Array
from analysis.detector.verdict import Shape, Strength

POINT = 0.01  # one percentage point of error


@dataclass(frozen=True)
class Curve:
    """mean maps epochs to errors; accepted are further shapes that are no mistake for this curve."""

    mean: Callable[[Array], Array]
    shape: Shape
    accepted: tuple[Shape, ...] = ()
    strength: Strength | None = None
    first_min: float | None = None
    peak: float | None = None
    second_min: float | None = None
    prominence: float | None = None
    clocked: bool = False  # its turns are a schedule's, at the same epoch in every seed
    spikes: bool = False  # every seed has spikes of its own


def loguniform(rng: Generator, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def through(epochs: list[float], errors: list[float]) -> Callable[[Array], Array]:
    """Monotone cubic through (epoch, error) knots in log10(epoch + 1), level beyond the last."""
    spline = PchipInterpolator(np.log10(np.asarray(epochs) + 1.0), errors)
    ends = np.log10(np.asarray([epochs[0], epochs[-1]]) + 1.0)
    return lambda x: spline(np.clip(np.log10(x + 1.0), *ends))
