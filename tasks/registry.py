"""The data sets, as one literal table. Nothing here imports torch: planning reads it for every run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from sweeps.seeds import Role
from tasks import cifar10, digits, glyphs

Samples = tuple[np.ndarray, np.ndarray]
"""Images, float32 (N, C, H, W) with values in [0, 1], and labels, int64 (N,), counted within the chosen
classes."""


class Train(Protocol):
    def __call__(self, classes: tuple[int, ...], role: Role, size: int, seed: int, side: int) -> Samples: ...


class Test(Protocol):
    def __call__(self, classes: tuple[int, ...], side: int) -> Samples: ...


@dataclass(frozen=True)
class Dataset:
    """One data set.

    `classes` names every class in order, `default` those that the bare name means. `pool` counts the training
    samples of each class; where it is None the samples are rendered on demand, up to `limit` of them. `mean`
    and `std` are of the training pixels on the scale [0, 1] and never change with the subset, so that a
    source and a target share a scale. `train` and `test` read samples; `side` is a hint that a data set with
    sizes of its own ignores; `held_out` says how many test samples so many classes have. `present` raises
    `MissingData` when files are not there.
    """

    name: str
    classes: tuple[str, ...]
    default: tuple[int, ...]
    pool: tuple[int, ...] | None
    limit: int
    mean: float
    std: float
    train: Train
    test: Test
    held_out: Callable[[int], int]
    present: Callable[[], None] = lambda: None


DATASETS: dict[str, Dataset] = {
    "digits": Dataset(
        name="digits",
        classes=digits.CLASSES,
        default=tuple(range(10)),
        pool=digits.POOL,
        limit=sum(digits.POOL),
        mean=0.305,
        std=0.376,
        train=digits.train,
        test=digits.test,
        held_out=lambda classes: digits.TEST_PER_CLASS * classes,
    ),
    "glyphs": Dataset(
        name="glyphs",
        classes=glyphs.CLASSES,
        default=tuple(range(10, 36)),
        pool=None,
        limit=1_000_000,
        mean=0.209,
        std=0.375,
        train=glyphs.train,
        test=glyphs.test,
        held_out=lambda classes: -(-glyphs.TEST_SAMPLES // classes) * classes,
    ),
    "cifar10": Dataset(
        name="cifar10",
        classes=cifar10.CLASSES,
        default=tuple(range(10)),
        pool=cifar10.POOL,
        limit=sum(cifar10.POOL),
        mean=0.473,
        std=0.252,
        train=cifar10.train,
        test=cifar10.test,
        held_out=lambda classes: 1000 * classes,
        present=cifar10.present,
    ),
}
