"""Handwritten digits: 1,797 real scans of 8x8 pixels and 17 grey levels, shipped with scikit-learn."""

from __future__ import annotations

from functools import cache
from typing import Any, cast

import numpy as np

from sweeps.seeds import Role
from tasks.dataset import Dataset, Samples
from tasks.subsets import held_out_rows, relabel, subset

TEST_PER_CLASS = 59
"""A third of the rarest class: 590 test samples, and 1,207 to train on."""

POOL = (119, 123, 118, 124, 122, 123, 122, 120, 115, 121)
"""Training samples per class."""


def train(classes: tuple[int, ...], role: Role, size: int, seed: int, side: int) -> Samples:
    """Training samples of a role: images (size, 1, 8, 8) in [0, 1] and labels (size,). `side` is ignored."""
    images, labels, test_rows = _read()
    pool = np.setdiff1d(np.arange(len(labels)), test_rows)
    rows = pool[subset(labels[pool], classes, role, size, seed)]
    return images[rows], relabel(labels[rows], classes)


def test(classes: tuple[int, ...], side: int) -> Samples:
    """The test samples of these classes, 59 each, the same for every run: images (N, 1, 8, 8), labels (N,)."""
    images, labels, test_rows = _read()
    rows = test_rows[np.isin(labels[test_rows], classes)]
    return images[rows], relabel(labels[rows], classes)


@cache
def _read() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """All images, float32 (N, 1, 8, 8), labels, int64 (N,), and the rows that are for testing only, int64.

    Neighbouring rows share a writer. Test rows are therefore drawn at random and not cut off at the end, which would
    make a test set of other writers.
    """
    from sklearn.datasets import load_digits

    bunch = cast(dict[str, Any], load_digits())
    labels = np.asarray(bunch["target"], dtype=np.int64)
    images = (np.asarray(bunch["images"], dtype=np.float32) / 16)[:, None]
    return images, labels, held_out_rows(labels, TEST_PER_CLASS)


DATASET = Dataset(
    name="digits",
    classes=tuple("0123456789"),
    default=tuple(range(10)),
    pool=POOL,
    limit=sum(POOL),
    drawn_from="digits",
    mean=0.305,
    std=0.376,
    train=train,
    test=test,
    held_out=lambda classes: TEST_PER_CLASS * len(classes),
    citation=(
        "Handwritten digits, 8x8: E. Alpaydin and C. Kaynak (1998), Optical Recognition of Handwritten Digits, "
        "UCI Machine Learning Repository, doi:10.24432/C50P49 (its test part, as shipped with scikit-learn)."
    ),
    licence="CC BY 4.0",
)
