"""The time series of Tseng et al. 2023 (arXiv:2302.01798, experiment 1): a sine whose time and amplitude drift.

Source: x = sin(5 pi t) at 2,000 points t, evenly spaced in [-1, 1). Target: t' = t + drift * 0.05 N(1.5, 0.8^2) and
x' = (1 + drift * (r - 1)) x + drift * 0.03 U(-1, 1), r growing linearly from 1 to 1.8 over the 2,000 points. `drift` 1
is the paper's target, 0 the source itself. The network reads t', its target is x'.
"""

from __future__ import annotations

import math
from functools import partial

import numpy as np

from sweeps.seeds import Role
from sweeps.spec import NonNegative, Spec
from tasks.dataset import Dataset, ParameterisedDataset, Samples
from tasks.streams import stream

POINTS = 2000
DELAY, DELAY_SPREAD, DELAY_SCALE = 1.5, 0.8, 0.05
JITTER = 0.03
LAST_GAIN = 1.8


class SineDrift(Spec):
    """The size of the shift from the source signal, 1 being the paper's."""

    drift: NonNegative = 1.0


def grid(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Time t, signal x and gain r at some of the POINTS points, float64 (n,) each."""
    t = -1 + (rows + 0.5) * 2 / POINTS
    return t, np.sin(5 * math.pi * t), 1 + rows * (LAST_GAIN - 1) / POINTS


def drawn_rows(role: Role, size: int, seed: int) -> np.ndarray:
    """Places on the grid, int64 (size,): in one random order for each role and seed, so that subsets are nested."""
    return stream(seed, role, "subset").permutation(POINTS)[:size]


def shifted(drift: float, rows: np.ndarray, role: Role, seed: int) -> Samples:
    """Shifted times (n, 1) and signals (n, 1), float32. A point's noise does not depend on the other points."""
    noise = stream(seed, role, "render")
    delay = noise.normal(DELAY, DELAY_SPREAD, POINTS)[rows]
    jitter = noise.uniform(-1, 1, POINTS)[rows]
    t, x, gain = grid(rows)
    times = t + drift * DELAY_SCALE * delay
    signals = (1 + drift * (gain - 1)) * x + drift * JITTER * jitter
    return times[:, None].astype(np.float32), signals[:, None].astype(np.float32)


def train(drift: float, classes: tuple[int, ...], role: Role, size: int, seed: int, side: int) -> Samples:
    """Training points of a role: times (size, 1) and signals (size, 1)."""
    return shifted(drift, drawn_rows(role, size, seed), role, seed)


def test(drift: float, classes: tuple[int, ...], side: int) -> Samples:
    """All points of the grid with noise of their own, the same for every run."""
    return shifted(drift, np.arange(POINTS), "test", 0)


def paired(role: Role, size: int, seed: int) -> Samples:
    """The unshifted points that the training points of a role are shifted forms of."""
    return shifted(0.0, drawn_rows(role, size, seed), role, seed)


def with_values(values: SineDrift) -> Dataset:
    return Dataset(
        name="sine_drift",
        classes=(),
        default=(),
        targets=1,
        vector=1,
        pool=None,
        limit=POINTS,
        mean=0.0,
        std=1.0,
        train=partial(train, values.drift),
        test=partial(test, values.drift),
        paired=paired,
        held_out=lambda classes: POINTS,
        citation=(
            "Drifting sine: H.-H. Tseng, H.-Y. Lin, K.-H. Hung and Y. Tsao (2023), Interpretations of Domain "
            "Adaptations via Layer Variational Analysis, ICLR, arXiv:2302.01798 (drawn anew here)."
        ),
        licence="Apache-2.0",
    )


DATASET = ParameterisedDataset("sine_drift", SineDrift, with_values)
