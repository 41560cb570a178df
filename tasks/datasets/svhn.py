"""SVHN: 99,289 colour photographs of house numbers, cropped to one digit of 32x32 pixels.

The authors' cropped digits are two Matlab files (level 5): `X` (32, 32, 3, N) and `y` (N, 1), in which the digit 0 is
10. The third file, `extra`, is not used. The classes are not balanced.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tasks.files.archives import BadArchive
from tasks.files.download import Download
from tasks.files.draft import Draft
from tasks.files.prepared import SplitName
from tasks.files.published import Published

CLASSES = tuple("0123456789")
POOL = (4948, 13861, 10585, 8497, 7458, 6882, 5727, 5595, 5045, 4659)
TEST_POOL = (1744, 5099, 4149, 2882, 2523, 2384, 1977, 2019, 1660, 1595)
MOST_SAMPLES = 100_000
TRAIN = Download(
    file="train_32x32.mat",
    url="http://ufldl.stanford.edu/housenumbers/train_32x32.mat",
    sha256="435e94d69a87fde4fd4d7f3dd208dfc32cb6ae8af2240d066de1df7508d083b8",
    bytes=182_040_794,
)
TEST = Download(
    file="test_32x32.mat",
    url="http://ufldl.stanford.edu/housenumbers/test_32x32.mat",
    sha256="cdce80dfb2a2c4c6160906d0bd7c68ec5a99d7ca4831afa54f09182025b6a75b",
    bytes=64_275_384,
)


def make(draft: Draft, files: Mapping[str, Path]) -> None:
    """Write both splits of a draft. Raises BadArchive."""
    parts: tuple[tuple[SplitName, Download], ...] = (("train", TRAIN), ("test", TEST))
    for split, download in parts:
        draft.write(split, *_read(files[download.file]))


def _read(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Images uint8 (N, 3, 32, 32) and labels (N,) of one file."""
    from scipy.io import loadmat, whosmat

    try:
        # Its header first: a small file can hold a matrix that fills the memory.
        shapes = {name: shape for name, shape, _ in whosmat(path, appendmat=False)}
        _check_shapes(path, shapes)
        content: dict[str, Any] = loadmat(path, appendmat=False, variable_names=["X", "y"])
        images, labels = content["X"], content["y"].reshape(-1)
    except BadArchive:
        raise
    except Exception as problem:  # scipy raises what a broken header leads it to
        reason = " ".join(str(problem).split())[:200]
        raise BadArchive(f"{path}: cannot be read as a Matlab file ({reason}); fetch it again") from None
    if images.dtype != np.uint8 or labels.dtype.kind not in "ui" or labels.min() < 1 or labels.max() > len(CLASSES):
        raise BadArchive(f"{path}: allowed are X of bytes and whole y from 1 to {len(CLASSES)}")
    return images.transpose(3, 2, 0, 1), labels.astype(np.int64) % 10


def _check_shapes(path: Path, shapes: dict[str, tuple[int, ...]]) -> None:
    images, labels = shapes.get("X", ()), shapes.get("y", ())
    samples = images[-1] if images else 0
    if images != (32, 32, 3, samples) or labels != (samples, 1) or not 0 < samples <= MOST_SAMPLES:
        raise BadArchive(f"{path}: X {images} and y {labels}; allowed are (32, 32, 3, N) and (N, 1)")


FILES = Published("svhn", CLASSES, (TRAIN, TEST), make)

DATASET = FILES.dataset(
    pool=POOL,
    held_out=lambda classes: sum(TEST_POOL[index] for index in classes),
    citation=(
        "SVHN, cropped digits: Y. Netzer, T. Wang, A. Coates, A. Bissacco, B. Wu and A. Y. Ng (2011), Reading Digits "
        "in Natural Images with Unsupervised Feature Learning, NIPS Workshop on Deep Learning and Unsupervised Feature "
        "Learning."
    ),
    licence="for non-commercial use only, as its authors state",
)
