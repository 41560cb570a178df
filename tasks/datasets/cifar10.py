"""CIFAR-10: 60,000 colour photographs of 32x32 pixels in ten classes.

Read from the authors' binary archive and not from the Python one, whose batches are pickles and could run code. A
record is one byte of label and 3,072 of pixels.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tasks.files.cifar_records import write_splits
from tasks.files.download import Download
from tasks.files.draft import Draft
from tasks.files.published import Published

CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
POOL = (5000,) * 10
ARCHIVE = Download(
    file="cifar-10-binary.tar.gz",
    url="https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
    sha256="c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
    bytes=170_052_171,
)

_TRAIN = tuple(f"cifar-10-batches-bin/data_batch_{number}.bin" for number in range(1, 6))
_TEST = ("cifar-10-batches-bin/test_batch.bin",)


def make(draft: Draft, files: Mapping[str, Path]) -> None:
    """Write both splits of a draft. Raises BadArchive."""
    write_splits(draft, files[ARCHIVE.file], {"train": _TRAIN, "test": _TEST}, (len(CLASSES),), 0)


FILES = Published("cifar10", CLASSES, (ARCHIVE,), make)

DATASET = FILES.dataset(
    pool=POOL,
    mean=0.473,
    std=0.252,
    held_out=lambda classes: 1000 * len(classes),
    citation=(
        "CIFAR-10: A. Krizhevsky (2009), Learning Multiple Layers of Features from Tiny Images, technical report, "
        "University of Toronto."
    ),
    licence="none is stated by its authors",
)
