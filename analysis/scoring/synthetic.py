"""Curves of known shape with the noise of real runs: what the detector and its rivals are scored on.

The noise of a point is a first-order autoregression. Its standard deviation is 0.3 to 1 point at the peak,
larger before it and falling to about 0.1 long after it. So it is in published single runs on CIFAR-10 with
20 % label noise: 2 points before the peak, 0.85 at it, 0.3 at three and 0.1 at ten times its epoch, errors
measured on 10,000 images. Seeds differ in level, in the time of everything (so peaks are not aligned) and
by a smooth wander.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from scipy.signal import lfilter

from analysis.detector.smoothing import Array
from analysis.scoring.curve_families import FAMILIES
from analysis.scoring.known_curve import POINT, Curve, loguniform

TIME_JITTER = 0.02  # decades, standard deviation over seeds
LEVEL_JITTER = 0.4 * POINT
WANDER = 0.2  # standard deviation of the smooth wander of a seed, in units of the noise of a point


@dataclass(frozen=True)
class Labelled:
    """One cell: its seeds' curves and the truth. errors: (seeds, points), NaN where missing."""

    family: str
    truth: Curve
    x: Array
    errors: Array


def labelled(family: str, seeds: int, rng: Generator, epochs: int | None = None) -> Labelled:
    """One cell of the family. epochs: drawn from 100 to 4,000 (log-uniform) if not given."""
    if family not in FAMILIES:
        raise ValueError(f"family: {family!r} is not one of {', '.join(FAMILIES)}")
    length = epochs or round(loguniform(rng, 100.0, 4000.0))
    truth = FAMILIES[family](rng, length)
    x = _logged_epochs(rng, length, truth.first_min)
    spread = _noise_level(rng, x, truth)
    correlated = rng.uniform(0.0, 0.5)
    errors = np.stack([_one_seed(rng, truth, x, spread, correlated, seeds, family) for _ in range(seeds)])
    return Labelled(family, truth, x, _with_holes(rng, np.clip(errors, 0.0, 1.0)))


def cells(number: int, seeds: int, seed: int, families: tuple[str, ...] = tuple(FAMILIES)) -> Iterator[Labelled]:
    """`number` cells, the families in turn. The same arguments give the same cells."""
    for i, stream in enumerate(np.random.SeedSequence(seed).spawn(number)):
        yield labelled(families[i % len(families)], seeds, np.random.default_rng(stream))


def _logged_epochs(rng: Generator, length: int, first_min: float | None) -> Array:
    """Every epoch; for one long curve in eight every 2nd or 5th; for one in sixteen on a log grid.

    A first minimum before the third logged epoch is in no log: such curves are logged at every epoch.
    """
    every = np.arange(length, dtype=np.float64)
    draw = rng.integers(16)
    if draw < 2 and length >= 400 and (first_min is None or first_min >= 15.0):
        return every[:: int(rng.choice([2, 5]))]
    if draw == 2 and length >= 400:
        return np.unique(np.round(np.geomspace(1, length, 120))) - 1.0
    return every


def _noise_level(rng: Generator, x: Array, truth: Curve) -> Array:
    """Standard deviation of a point along x: 0.3 to 1 point at the peak (or at a random epoch where there
    is none), up to 2.5 times that before, falling as a power of the epoch after it to a tenth of a
    point."""
    at = truth.peak if truth.peak is not None else loguniform(rng, 8.0, x[-1] / 2.0)
    distance = np.log10((x + 1.0) / (at + 1.0))
    before = 1.0 + rng.uniform(0.0, 1.5) * np.clip(-distance / 0.5, 0.0, 1.0)
    level = loguniform(rng, 0.3, 1.0) * POINT * before * 10.0 ** (-rng.uniform(0.3, 0.9) * np.maximum(distance, 0.0))
    return np.maximum(level, 0.1 * POINT)


def _one_seed(
    rng: Generator, truth: Curve, x: Array, spread: Array, correlated: float, seeds: int, family: str
) -> Array:
    warp = 10.0 ** (TIME_JITTER * rng.standard_normal()) if seeds > 1 and not truth.clocked else 1.0
    mean = truth.mean((x + 1.0) * warp - 1.0 if warp > 1.0 else np.maximum((x + 1.0) * warp - 1.0, 0.0))
    innovation = rng.standard_normal(len(x) + 50)
    noise = lfilter([np.sqrt(1.0 - correlated**2)], [1.0, -correlated], innovation)[50:]
    wander = smooth_wander(rng, np.log10(x + 1.0), 0.3) * WANDER * spread
    if family == "drift":
        wander = wander + smooth_wander(rng, np.log10(x + 1.0), 0.5) * rng.uniform(0.1, 0.3) * POINT
    jumps = _spikes(rng, x) if truth.spikes else 0.0
    return np.round(mean + spread * noise + wander + jumps + LEVEL_JITTER * rng.standard_normal(), 4)


def _spikes(rng: Generator, x: Array) -> Array:
    """Two to six spikes of 2 to 20 points, from epoch 10 on, that are gone after three epochs."""
    number = int(rng.integers(2, 7))
    at = np.array([loguniform(rng, 10.0, 0.95 * x[-1]) for _ in range(number)])
    height = np.array([loguniform(rng, 2.0, 20.0) for _ in range(number)]) * POINT
    since = x[:, None] - at
    decay = np.exp(-np.maximum(since, 0.0) / rng.uniform(0.3, 1.0, number))
    return np.where((since >= 0) & (since < 3.0), height * decay, 0.0).sum(axis=1)


def smooth_wander(rng: Generator, position: Array, length: float) -> Array:
    """A smooth random function of unit variance: random Fourier features of a Gaussian kernel."""
    frequency = rng.standard_normal(24) / length
    phase = rng.uniform(0.0, 2.0 * np.pi, 24)
    return np.sqrt(2.0 / 24) * np.cos(np.outer(position, frequency) + phase).sum(axis=1)


def _with_holes(rng: Generator, errors: Array) -> Array:
    """One cell in ten misses 3 % of its points; in one of ten with several seeds one seed ends early."""
    if rng.random() < 0.1:
        errors = np.where(rng.random(errors.shape) < 0.03, np.nan, errors)
    if len(errors) > 1 and rng.random() < 0.1:
        errors[0, int(rng.uniform(0.7, 0.95) * errors.shape[1]) :] = np.nan
    return errors
