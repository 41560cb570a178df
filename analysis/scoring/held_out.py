"""Short axes held out: other families, noises and grids than those the detector was made on (short_axes.py).

No setting of the detector was chosen on them. They are scored once for each version of the detector, with other seeds
than before; a version that was changed because of them needs a new set.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.random import Generator

from analysis.detector.short_axis.axis_scale import natural_scale, reading_order
from analysis.detector.smoothing import Array
from analysis.scoring.known_curve import POINT, loguniform
from analysis.scoring.short_axes import AXES, WIDE, ShortCell

LEAST_TURN = 0.3  # of the larger of rise and fall that the smaller one has


def two_stages(rng: Generator, u: Array) -> Array:
    """An exponential fall, a level stretch, a second, logistic fall."""
    late = 1.0 / (1.0 + np.exp((u - rng.uniform(0.4, 0.85)) / loguniform(rng, 0.005, 0.08)))
    return rng.uniform(0.0, 2.0) * np.exp(-u / loguniform(rng, 0.03, 0.4)) + late


def parabola(rng: Generator, u: Array) -> Array:
    return (u - rng.uniform(-0.2, 1.2)) ** 2


def kinked(rng: Generator, u: Array) -> Array:
    """Three straight stretches, each falling more slowly than the last."""
    at = np.sort(rng.uniform(0.05, 0.95, 2))
    return np.interp(u, [0.0, *at, 1.0], np.cumsum(np.sort(rng.exponential(1.0, 4)))[::-1])


def cliff_up(rng: Generator, u: Array) -> Array:
    """Level, then higher at once."""
    return np.where(u > rng.uniform(0.1, 0.9), 1.0, 0.0)


def stepped_valley(rng: Generator, u: Array) -> Array:
    """Falls in two steps, rises in two."""
    at = np.sort(rng.uniform(0.05, 0.95, 4))
    return np.array([2.0, 1.0, 0.0, rng.uniform(0.2, 1.0), rng.uniform(1.0, 1.8)])[np.searchsorted(at, u)]


def hockey_stick(rng: Generator, u: Array) -> Array:
    """A power law to its floor, as errors fall with the size of a set."""
    return (u + loguniform(rng, 0.003, 0.1)) ** -rng.uniform(0.3, 1.0)


def flat(rng: Generator, u: Array) -> Array:
    return 0.0 * u


NULLS: dict[str, Callable[[Generator, Array], Array]] = {
    "two_stages": two_stages,
    "parabola": parabola,
    "kinked": kinked,
    "cliff_up": cliff_up,
    "stepped_valley": stepped_valley,
    "hockey_stick": hockey_stick,
    "flat": flat,
}


def hump(rng: Generator, u: Array) -> tuple[Array, int]:
    """A lopsided bell on an exponential fall and a slope, and the index of its top; prominence 1, at least WIDE points
    above its half."""
    while True:
        centre = rng.uniform(0.1, 0.9)
        widths = [loguniform(rng, 0.02, 0.15) for _ in range(2)]
        bell = np.exp(-0.5 * ((u - centre) / np.where(u < centre, *widths)) ** 2)
        fall = rng.uniform(0.0, 1.5) * np.exp(-u / loguniform(rng, 0.02, 0.1)) + rng.uniform(-0.5, 1.0) * (1.0 - u)
        mean = bell + fall
        height = mean - np.maximum(
            np.r_[np.inf, np.minimum.accumulate(mean)[:-1]], np.r_[np.minimum.accumulate(mean[::-1])[::-1][1:], np.inf]
        )
        top = int(height.argmax())
        rise, fall_after = mean[top] - mean[:top].min(initial=np.inf), mean[top] - mean[top + 1 :].min(initial=np.inf)
        if not (height[top] > 0.1 and min(rise, fall_after) >= LEAST_TURN * max(rise, fall_after)):
            continue
        above = np.flatnonzero(mean < mean[top] - 0.5 * height[top])
        width = above[above > top].min(initial=len(u)) - above[above < top].max(initial=-1) - 1
        if width >= WIDE and 2 <= top <= len(u) - 3:
            return mean / height[top], top


NOISES = ("gaussian", "heavy_tails", "moving_average", "autoregressive", "grows_with_error")


def _noise(rng: Generator, kind: str, mean: Array, sigma: float, seeds: int) -> Array:
    """(seeds, points) of standard deviation `sigma` at the median error; every seed has a level of its own."""
    shape = (seeds, len(mean))
    white = rng.standard_normal(shape)
    if kind == "heavy_tails":
        white = rng.standard_t(5.0, shape) * np.sqrt(0.6)
    if kind == "moving_average":
        weight = rng.uniform(0.3, 0.7)
        before = rng.standard_normal((seeds, len(mean)))
        white = (white + weight * np.c_[before[:, :1], white[:, :-1]]) / np.hypot(1.0, weight)
    if kind == "autoregressive":
        r = rng.uniform(0.1, 0.5)
        for j in range(1, len(mean)):
            white[:, j] = r * white[:, j - 1] + np.sqrt(1.0 - r * r) * white[:, j]
    if kind == "grows_with_error":
        white = white * np.clip(mean / np.median(mean), 0.5, 3.0) ** 0.5
    return sigma * (white + 2.0 * rng.standard_normal((seeds, 1)))


def cells(
    number: int,
    seeds: int,
    seed: int,
    *,
    points: tuple[int, int] = (12, 100),
    sizes: tuple[float, float] = (5.0, 12.0),
    double_descents: bool = True,
) -> Iterator[ShortCell]:
    """`number` cells, every second one a double descent (or none); families and noises in turn."""
    for i, stream in enumerate(np.random.SeedSequence(seed).spawn(number)):
        rng = np.random.default_rng(stream)
        positive = double_descents and i % 2 == 1
        turn = i // 2 if double_descents else i
        family = "double_descent" if positive else list(NULLS)[turn % len(NULLS)]
        noise = NOISES[(turn // len(NULLS)) % len(NOISES)]
        yield _cell(rng, family, noise, seeds, round(loguniform(rng, *points)), sizes)


def _cell(rng: Generator, family: str, noise: str, seeds: int, points: int, sizes: tuple[float, float]) -> ShortCell:
    axis = AXES[int(rng.integers(len(AXES)))]
    x: Array = np.cumsum(rng.integers(1, 4, points)).astype(np.float64)
    if axis in ("width", "size") and rng.random() < 0.5:
        x = np.asarray(np.round(8.0 * np.cumprod(rng.uniform(1.05, 1.6, points)), 6), dtype=np.float64)
    order = reading_order(x, axis)
    u = natural_scale(x[order], axis)
    sigma = loguniform(rng, 0.4, 2.5) * POINT
    peak = size = None
    if family == "double_descent":
        size = loguniform(rng, *sizes)
        mean, top = hump(rng, u)
        mean, peak = size * sigma * mean, float(x[order][top])
    else:
        mean = NULLS[family](rng, u)
        spread = float(np.ptp(mean))
        mean = mean * (sigma * loguniform(rng, 2.0, 25.0) / spread if spread > 0.0 else 1.0)
    mean = mean - mean.min() + rng.uniform(0.15, 0.4)
    drawn = mean + _noise(rng, noise, mean, sigma, seeds)
    errors = np.empty_like(drawn)
    errors[:, order] = drawn
    return ShortCell(family, noise, axis, x, np.maximum(errors, 0.0), peak is not None, sigma, peak, size)
