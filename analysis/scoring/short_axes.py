"""Short axes of known truth: final error against width, set size, frozen units or depth, 6 to 100 points.

Curves are drawn in reading order on the axis' own scale; a point is a run of its own, so noise is white unless a
family says otherwise. Levels are error fractions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.random import Generator
from scipy.interpolate import PchipInterpolator
from scipy.signal import lfilter

from analysis.detector.short_axis.axis_scale import ShortAxis, natural_scale, reading_order
from analysis.detector.smoothing import Array
from analysis.scoring.known_curve import POINT, loguniform

AXES: tuple[ShortAxis, ...] = ("width", "size", "frozen", "depth")
Noise = Literal["white", "correlated", "uneven_noise", "failed_runs"]
NOISES: tuple[Noise, ...] = ("white", "correlated", "uneven_noise", "failed_runs")
WIDE = 3  # points above half of a bump's height, at least


@dataclass(frozen=True)
class ShortCell:
    """x: (points,) increasing; errors: (seeds, points). peak: on the axis; prominence in noise deviations."""

    family: str
    noise: str
    axis: ShortAxis
    x: Array
    errors: Array
    double_descent: bool
    sigma: float
    peak: float | None = None
    prominence: float | None = None


Mean = Callable[[Generator, Array, float], Array]
"""(generator, positions from 0 to 1 in reading order, noise deviation) -> noise-free errors."""


def monotone(rng: Generator, u: Array, sigma: float) -> Array:
    """A power law, as errors fall with width: steep, then nearly level."""
    return rng.uniform(0.05, 0.3) + rng.uniform(0.1, 0.6) * np.exp(-rng.uniform(2.0, 15.0) * u)


def level(rng: Generator, u: Array, sigma: float) -> Array:
    return rng.uniform(0.1, 0.5) + 0.0 * u


def fall_to_level(rng: Generator, u: Array, sigma: float) -> Array:
    """Falls, then exactly level: where the null hypothesis is hardest to keep."""
    fall: Array = np.maximum(1.0 - u / rng.uniform(0.1, 0.5), 0.0)
    return 0.2 + rng.uniform(0.1, 0.5) * fall


def level_then_cliff(rng: Generator, u: Array, sigma: float) -> Array:
    """Level, then one abrupt drop: every wiggle before it has its fall for nothing."""
    early = np.where(u < rng.uniform(0.5, 0.95), 1.0, 0.0)
    return 0.2 + rng.uniform(3.0, 20.0) * sigma * early


def rise_to_level(rng: Generator, u: Array, sigma: float) -> Array:
    """Falls, rises, and stays: a plateau."""
    low, top = np.sort(rng.uniform(0.15, 0.7, 2))
    knots = [0.0, low, max(top, low + 0.1), 1.01]
    rise = rng.uniform(3.0, 15.0) * sigma
    return np.asarray(PchipInterpolator(knots, [0.4, 0.2, 0.2 + rise, 0.2 + rise])(u))


def late_rise(rng: Generator, u: Array, sigma: float) -> Array:
    """Falls and rises to the edge."""
    low = rng.uniform(0.4, 0.85)
    return 0.2 + 0.3 * np.clip(1.0 - u / low, 0.0, None) + rng.uniform(3.0, 20.0) * sigma * np.clip(u - low, 0.0, None)


def early_fall(rng: Generator, u: Array, sigma: float) -> Array:
    """One point at the edge far above the rest."""
    return 0.2 + 0.4 * (u == 0.0) + 0.0 * u


def stairs(rng: Generator, u: Array, sigma: float) -> Array:
    """Falls in abrupt steps."""
    edges = np.sort(rng.uniform(0.1, 0.9, 3))
    left = 3.0 - np.searchsorted(edges, u).astype(np.float64)
    return 0.2 + rng.uniform(2.0, 12.0) * sigma * left


NULLS: dict[str, Mean] = {
    "monotone": monotone,
    "level": level,
    "fall_to_level": fall_to_level,
    "level_then_cliff": level_then_cliff,
    "rise_to_level": rise_to_level,
    "late_rise": late_rise,
    "early_fall": early_fall,
    "stairs": stairs,
}


def bump(rng: Generator, u: Array, sigma: float, size: float) -> tuple[Array, int]:
    """A fall, a rise of at least `size` deviations and a fall of at least that; one of the two is exactly that.

    At least three points lie above half of the bump's height, and two points on either side of it. Returns the
    errors and the index of the peak.
    """
    n = len(u)
    half = max(1, round(loguniform(rng, 1.0, max(1.0, n / 8.0))))
    top = int(rng.integers(half + 2, max(half + 3, n - half - 2)))
    top = min(max(top, 2), n - 3)
    left, right = u[max(0, top - 2 * half - 1)], u[min(n - 1, top + 2 * half + 1)]
    if left <= 0.0:
        left = 0.5 * u[1]
    knots, other = [0.0, left, u[top], min(right, 0.999), 1.0], size * rng.uniform(1.0, 3.0)
    rise, fall = (size, other) if rng.random() < 0.6 else (other, size)
    start = rng.uniform(0.0, 0.4)
    end = (fall - rise) + (rng.uniform(0.0, 4.0) if right < 0.999 else 0.0)
    heights = [start + 1e-6, 0.0, rise * sigma, (rise - fall) * sigma, -max(end, fall - rise) * sigma]
    curve = PchipInterpolator(knots, heights)(u)
    return curve + 0.2 + max(0.0, -float(curve.min())), top


def cells(
    number: int,
    seeds: int,
    seed: int,
    *,
    points: tuple[int, int] = (6, 100),
    sizes: tuple[float, float] = (5.0, 15.0),
    noises: tuple[Noise, ...] = NOISES,
) -> Iterator[ShortCell]:
    """`number` cells, every second one a double descent, null families and kinds of noise in turn.

    sizes: prominence of the bumps in noise deviations. The same arguments give the same cells.
    """
    names = list(NULLS)
    for i, stream in enumerate(np.random.SeedSequence(seed).spawn(number)):
        rng = np.random.default_rng(stream)
        noise = noises[(i // (2 * len(names))) % len(noises)]
        family = names[(i // 2) % len(names)] if i % 2 == 0 else "double_descent"
        yield cell(rng, family, noise, seeds, round(loguniform(rng, *points)), sizes)


def cell(
    rng: Generator, family: str, noise: Noise, seeds: int, points: int, sizes: tuple[float, float] = (5.0, 15.0)
) -> ShortCell:
    axis = AXES[int(rng.integers(len(AXES)))]
    x = _grid(rng, axis, points)
    order = reading_order(x, axis)
    u = natural_scale(x[order], axis)
    sigma = loguniform(rng, 0.3, 3.0) * POINT
    peak = size = None
    if family == "double_descent":
        size = loguniform(rng, *sizes)
        mean, top = bump(rng, u, sigma, size)
        peak = float(x[order][top])
    else:
        mean = NULLS[family](rng, u, sigma)
    drawn = mean + _noise(rng, noise, u, sigma, seeds)
    errors = np.empty_like(drawn)
    errors[:, order] = drawn
    return ShortCell(family, noise, axis, x, np.maximum(errors, 0.0), peak is not None, sigma, peak, size)


def _grid(rng: Generator, axis: ShortAxis, points: int) -> Array:
    """Every value, values in ratios, or an uneven choice of values."""
    kind = rng.integers(3)
    if kind == 0:
        return np.arange(points, dtype=np.float64) + (axis in ("width", "size"))
    if kind == 1 and axis in ("width", "size"):
        return np.round(np.geomspace(4.0, 4.0 * loguniform(rng, 30.0, 3000.0), points) * 16.0) / 16.0
    chosen = rng.choice(np.arange(1, 3 * points + 1), size=points, replace=False)
    return np.sort(chosen).astype(np.float64)


def _noise(rng: Generator, kind: Noise, u: Array, sigma: float, seeds: int) -> Array:
    """(seeds, points); `sigma` is the deviation of a run at the middle of the axis. Seeds differ in level too."""
    white = rng.standard_normal((seeds, len(u)))
    if kind == "correlated":
        r = rng.uniform(0.2, 0.5)
        start = rng.standard_normal((seeds, 30))
        white = np.asarray(lfilter([np.sqrt(1.0 - r * r)], [1.0, -r], np.hstack([start, white]), axis=1))[:, 30:]
    if kind == "uneven_noise":
        white = white * 3.0 ** (rng.choice([-1.0, 1.0]) * (2.0 * u - 1.0))
    noise = sigma * (white + rng.standard_normal((seeds, 1)))
    if kind == "failed_runs":
        at = rng.integers(2, len(u) - 2)
        noise[int(rng.integers(seeds)), at] += rng.uniform(10.0, 40.0) * sigma
    return noise
