"""Denoising: the handwritten digits of scikit-learn with white noise as input, the digits themselves as target.

An input is a digit, 8x8 in [0, 1], plus N(0, noise^2) on each pixel, not clipped. The target is the digit's 64 pixels
in [0, 1], so that the peak signal-to-noise ratio in decibels is -10 log10 of the mean squared error.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from sweeps.seeds import Role
from sweeps.spec import NonNegative, Spec
from tasks.dataset import Dataset, ParameterisedDataset, Samples
from tasks.datasets import digits
from tasks.streams import stream

POOL = sum(digits.POOL)
LIMIT = POOL // 2
"""Of each role: a target takes its digits from the front of one order of them, a source from the back."""
PIXELS = 64
ALL = tuple(range(10))


class NoisyDigits(Spec):
    """Standard deviation of the noise; 1 is the range of the digits' grey levels."""

    noise: NonNegative = 0.3


def pairs(noise: float, images: np.ndarray, role: Role, seed: int) -> Samples:
    """Noisy images (N, 1, 8, 8) and the pixels of the clean ones (N, 64), float32."""
    drawn = stream(seed, role, "render").standard_normal(images.shape, dtype=np.float32)
    return images + np.float32(noise) * drawn, images.reshape(len(images), PIXELS)


def train(noise: float, classes: tuple[int, ...], role: Role, size: int, seed: int, side: int) -> Samples:
    """Training samples of a role, `size` of them; more begin with those of fewer."""
    images, _ = digits.train(ALL, "target", POOL, 0, side)
    order = stream(seed, "target", "subset").permutation(POOL)
    rows = (order[::-1] if role == "source" else order)[:size]
    return pairs(noise, images[rows], role, seed)


def test(noise: float, classes: tuple[int, ...], side: int) -> Samples:
    """All test digits with noise of their own, the same for every run."""
    images, _ = digits.test(ALL, side)
    return pairs(noise, images, "test", 0)


def with_values(values: NoisyDigits) -> Dataset:
    return Dataset(
        name="noisy_digits",
        classes=(),
        default=(),
        targets=PIXELS,
        pool=None,
        limit=LIMIT,
        drawn_from=digits.DATASET.drawn_from,
        mean=digits.DATASET.mean,
        std=digits.DATASET.std,
        train=partial(train, values.noise),
        test=partial(test, values.noise),
        held_out=lambda classes: digits.DATASET.held_out(ALL),
        citation=digits.DATASET.citation,
        licence=digits.DATASET.licence,
    )


DATASET = ParameterisedDataset("noisy_digits", NoisyDigits, with_values)
