"""Handwritten digits: 1,797 real scans of 8x8 pixels and 17 grey levels, shipped with scikit-learn.

Alpaydin and Kaynak 1998, Optical Recognition of Handwritten Digits, UCI Machine Learning Repository (its test
part).
"""

from __future__ import annotations

from functools import cache
from typing import Any, cast

import numpy as np

from sweeps.seeds import Role
from tasks.streams import stream
from tasks.subsets import relabel, subset

CLASSES = tuple("0123456789")
TEST_PER_CLASS = 59
"""A third of the rarest class: 590 test samples, and 1,207 to train on."""

POOL = (119, 123, 118, 124, 122, 123, 122, 120, 115, 121)
"""Training samples per class."""


def train(classes: tuple[int, ...], role: Role, size: int, seed: int, side: int) -> tuple[np.ndarray, np.ndarray]:
    """Training samples of a role: images (size, 1, 8, 8) in [0, 1] and labels (size,); `side` plays no
    part."""
    images, labels, test_rows = _read()
    pool = np.setdiff1d(np.arange(len(labels)), test_rows)
    rows = pool[subset(labels[pool], classes, role, size, seed)]
    return images[rows], relabel(labels[rows], classes)


def test(classes: tuple[int, ...], side: int) -> tuple[np.ndarray, np.ndarray]:
    """The test samples of these classes, 59 each, the same for every run: images (N, 1, 8, 8) and labels
    (N,)."""
    images, labels, test_rows = _read()
    rows = test_rows[np.isin(labels[test_rows], classes)]
    return images[rows], relabel(labels[rows], classes)


@cache
def _read() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """All images and labels, and the rows that are for testing only. Neighbouring rows share a writer, so
    they are drawn at random rather than cut off at the end: the test set then asks for new images, not for
    new writers."""
    from sklearn.datasets import load_digits

    bunch = cast(dict[str, Any], load_digits())
    labels = np.asarray(bunch["target"], dtype=np.int64)
    images = (np.asarray(bunch["images"], dtype=np.float32) / 16)[:, None]
    test_rows = [
        np.flatnonzero(labels == index)[stream(0, "test", "split", index).permutation(count + TEST_PER_CLASS)]
        for index, count in enumerate(POOL)
    ]
    return images, labels, np.sort(np.concatenate([rows[:TEST_PER_CLASS] for rows in test_rows]))
