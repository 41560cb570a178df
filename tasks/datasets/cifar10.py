"""CIFAR-10: 60,000 colour photographs of 32x32 pixels in ten classes.

Read from the authors' binary archive and not from the Python one, whose batches are pickles and could run code. A
record is one byte of label and 3,072 of pixels: the red plane, then green, then blue, each row by row.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np

from sweeps.seeds import Role
from tasks.archives import BadArchive, find, read_members, verify
from tasks.dataset import Dataset, Samples
from tasks.subsets import relabel, subset

CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
POOL = (5000,) * 10
ARCHIVE = "cifar-10-binary.tar.gz"
URL = "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz"
MD5 = "c32a1d4ab5d03f1284b67883e8d87530"
"""As published beside the archive."""

_TRAIN = tuple(f"cifar-10-batches-bin/data_batch_{number}.bin" for number in range(1, 6))
_TEST = "cifar-10-batches-bin/test_batch.bin"
_RECORD = 1 + 3 * 32 * 32
_MOST_RECORDS = 10_000


def present() -> None:
    """Raise MissingData, with the command that fetches it, when the archive is not in the data folder."""
    find(ARCHIVE, URL)


def intact() -> None:
    """Raise BadArchive when the archive is not the published one."""
    verify(find(ARCHIVE, URL), MD5)


def train(classes: tuple[int, ...], role: Role, size: int, seed: int, side: int) -> Samples:
    """Training samples of a role: images (size, 3, 32, 32) in [0, 1] and labels (size,). `side` is ignored."""
    images, labels, _, _ = _read(find(ARCHIVE, URL), MD5)
    rows = subset(labels, classes, role, size, seed)
    return images[rows].astype(np.float32) / 255, relabel(labels[rows], classes)


def test(classes: tuple[int, ...], side: int) -> Samples:
    """The official test samples of these classes, 1,000 each: images (N, 3, 32, 32) in [0, 1] and labels (N,)."""
    _, _, images, labels = _read(find(ARCHIVE, URL), MD5)
    rows = np.isin(labels, classes)
    return images[rows].astype(np.float32) / 255, relabel(labels[rows], classes)


@lru_cache(maxsize=1)
def _read(path: Path, md5: str) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Training images and labels, test images and labels: uint8 (N, 3, 32, 32) and int64 (N,)."""
    verify(path, md5)
    content = read_members(path, (*_TRAIN, _TEST), _MOST_RECORDS * _RECORD)
    return *_records(path, b"".join(content[name] for name in _TRAIN)), *_records(path, content[_TEST])


def _records(path: Path, content: bytes) -> tuple[np.ndarray, np.ndarray]:
    records = np.frombuffer(content, dtype=np.uint8)
    if len(records) % _RECORD:
        raise BadArchive(f"{path}: {len(records)} bytes of batches are no whole number of {_RECORD}-byte records")
    records = records.reshape(-1, _RECORD)
    labels = records[:, 0].astype(np.int64)
    if (labels >= len(CLASSES)).any():
        raise BadArchive(f"{path}: label {labels.max()} found, allowed are 0 to {len(CLASSES) - 1}")
    return records[:, 1:].reshape(-1, 3, 32, 32), labels


DATASET = Dataset(
    name="cifar10",
    classes=CLASSES,
    default=tuple(range(10)),
    pool=POOL,
    limit=sum(POOL),
    mean=0.473,
    std=0.252,
    train=train,
    test=test,
    held_out=lambda classes: 1000 * classes,
    present=present,
    intact=intact,
    citation=(
        "CIFAR-10: A. Krizhevsky (2009), Learning Multiple Layers of Features from Tiny Images, technical report, "
        "University of Toronto."
    ),
    licence="none is stated by its authors",
)
