"""Prepared arrays: the decoded images of a data set, one memory-mapped array for each split, shared by all workers.

    <data folder>/prepared/<name>/about.json          what they are, and the digests of the others
                                  train.npy           uint8 (N, C, H, W)
                                  train-labels.npy    int64 (N,)
                                  test.npy, test-labels.npy

`<name>` is the data set's, with `-<side>` behind it where images were brought to one size. A folder is written under
another name and renamed when it is complete, so that what is there is whole.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from pydantic import ValidationError

from sweeps.seeds import Role
from sweeps.spec import Spec
from tasks.dataset import MappedSamples, Pixels
from tasks.files.archives import BadArchive
from tasks.files.content import content_digests, file_sha256
from tasks.files.download import data_folder
from tasks.subsets import relabel, subset

FORMAT = 1
SplitName = Literal["train", "test"]
SPLITS: tuple[SplitName, ...] = ("train", "test")


class About(Spec):
    """What is in a folder of prepared arrays.

    `source` says what they were made from: the digest of each file, or of the content of a folder. `mean` and `std` are
    of all training pixels on the scale [0, 1]. `counts` are samples of each class; `sha256` is that of each array file.
    """

    format: int
    name: str
    side: int | None
    classes: tuple[str, ...]
    source: dict[str, str]
    mean: float
    std: float
    counts: dict[str, tuple[int, ...]]
    sha256: dict[str, str]


class Split(NamedTuple):
    """images: uint8 (N, C, H, W), memory mapped; labels: int64 (N,)."""

    images: np.ndarray
    labels: np.ndarray


class Prepared(NamedTuple):
    """The arrays of a data set."""

    about: About
    train: Split
    test: Split

    def train_samples(self, classes: tuple[int, ...], role: Role, size: int, seed: int) -> MappedSamples:
        """Training samples of a role, and labels (size,)."""
        rows = subset(self.train.labels, classes, role, size, seed)
        return self._samples(self.train, rows, classes)

    def test_samples(self, classes: tuple[int, ...]) -> MappedSamples:
        """All test samples of these classes, and labels (N,)."""
        return self._samples(self.test, np.flatnonzero(np.isin(self.test.labels, classes)), classes)

    def _samples(self, split: Split, rows: np.ndarray, classes: tuple[int, ...]) -> MappedSamples:
        pixels = Pixels(split.images, rows, self.about.mean, self.about.std)
        return pixels, relabel(split.labels[rows], classes)


def folder_of(name: str, side: int | None) -> Path:
    """Where the arrays of a data set are, or would be."""
    return data_folder() / "prepared" / (name if side is None else f"{name}-{side}")


def is_prepared(name: str, side: int | None) -> bool:
    return (folder_of(name, side) / "about.json").is_file()


@lru_cache(maxsize=16)
def opened(folder: Path) -> Prepared:
    """The arrays in a folder, mapped. Raises BadArchive, in one line, where they are damaged."""
    about = read_about(folder)
    found: list[Split] = []
    for split in SPLITS:
        images, labels = _array(folder, split, about, "r"), _array(folder, f"{split}-labels", about, None)
        counts = tuple(np.bincount(labels, minlength=len(about.classes)).tolist())
        if images.ndim != 4 or images.dtype != np.uint8 or len(images) != len(labels) or counts != about.counts[split]:
            raise _damaged(folder, f"{split}.npy and its labels are not those that about.json tells of")
        found.append(Split(images, labels))
    return Prepared(about, *found)


def read_about(folder: Path) -> About:
    """What about.json says. Raises BadArchive where it is not readable."""
    try:
        about = About.model_validate_json((folder / "about.json").read_bytes())
    except (OSError, ValidationError):
        raise _damaged(folder, "about.json cannot be read") from None
    if about.format != FORMAT:
        raise _damaged(folder, f"format {about.format}, this version reads {FORMAT}")
    return about


def check_digests(folder: Path) -> None:
    """Raises BadArchive where the arrays are not those that were written. A file is hashed when it has changed since it
    was hashed last (tasks/files/content.py): a launch does not read a large data set once more."""
    wanted = read_about(folder).sha256
    for name in wanted:
        if not (folder / name).is_file():
            raise _damaged(folder, f"{name} is not what was written")
    found = content_digests(folder, [folder / name for name in wanted])
    for (name, sha256), its in zip(wanted.items(), found, strict=True):
        if its != sha256:
            raise _damaged(folder, f"{name} is not what was written")


def _array(folder: Path, name: str, about: About, mode: Literal["r"] | None) -> np.ndarray:
    path = folder / f"{name}.npy"
    try:
        # The labels are small: they are hashed each time, and a mapped array is known by its size.
        if mode is None and file_sha256(path) != about.sha256[path.name]:
            raise _damaged(folder, f"{path.name} is not what was written")
        return np.load(path, mmap_mode=mode, allow_pickle=False)
    except (OSError, ValueError, KeyError, EOFError) as problem:
        if isinstance(problem, BadArchive):
            raise
        raise _damaged(folder, f"{path.name} cannot be read") from None


def _damaged(folder: Path, why: str) -> BadArchive:
    return BadArchive(f"{folder}: {why}; delete that folder and prepare it again")
