"""Anybody's images: a folder of folders, or a table of paths and labels; and what identifies them.

A folder holds a folder for each class, or such folders for each split: `train`, and `test` or else `val`. A table is a
CSV file with the columns `path` and `label`, and `split` (`train` or `test`) if it likes; paths are relative to it.
Files of other kinds than `SUFFIXES`, and what is hidden, are passed over. Without a split a fifth of the smallest
class, and as many of each other class, are drawn to test on: the same wherever the images lie. No file is in both
splits: of files that are there twice, byte for byte, none is drawn, and given splits with a file in both are refused.
"""

from __future__ import annotations

import csv
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tasks.files.archives import MissingData
from tasks.files.content import content_digests
from tasks.files.prepared import SPLITS, SplitName
from tasks.subsets import held_out_rows

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".ppm", ".pgm"})
TEST_FOLDERS = ("test", "val", "valid", "validation")
SPLIT_LIKE = frozenset({"train", "training", "testing", "eval", "dev", *TEST_FOLDERS})
"""What people call splits, in lower case; of these `train` and `TEST_FOLDERS` are read as such."""
RULE = "frostline images 1\n"
"""Raised when the order of samples or the draw of the test set changes."""
RULE_WITH_COPIES = "frostline images 2\n"
"""Where a test set is drawn of a content with a file twice: rule 1 could draw one of the two."""


class Sample(NamedTuple):
    """split: `train`, `test`, or empty where the path does not say."""

    split: str
    label: str
    path: Path


class Content(NamedTuple):
    """What is at a path. `digest` is of all (split, label, bytes of the file), 40 hex digits: names, places and times
    of files are no part of it. `files`, `labels` and `digests` (SHA-256, 64 hex digits) are in the order of the rows,
    in which those of a class are together."""

    digest: str
    classes: tuple[str, ...]
    files: dict[SplitName, list[Path]]
    labels: dict[SplitName, list[int]]
    digests: dict[SplitName, list[str]]


def read_content(path: Path) -> Content:
    """What is at a path, its files' digests computed where they are not remembered.

    Raises MissingData, in one line, where there is nothing; ValueError, in one line, for what is no such folder or
    table.
    """
    samples = list(_samples(path))
    digests = content_digests(path if path.is_dir() else path.parent, [sample.path for sample in samples])
    classes = tuple(sorted({sample.label for sample in samples}))
    if len(classes) < 2:
        raise ValueError(f"{path}: images of {len(classes)} class(es) found; needed is a folder for each of 2 or more")
    # By content, not by name: copies under other names are the same data in the same order.
    order = sorted(zip(samples, digests, strict=True), key=lambda each: (each[0].split, each[0].label, each[1]))
    once = _once([digest for _, digest in order])
    drawn = not order[0][0].split
    if not drawn:
        _refuse_in_both(order, path)
    sha = hashlib.sha256((RULE_WITH_COPIES if drawn and not once.all() else RULE).encode())
    for sample, digest in order:
        sha.update(f"{sample.split}\t{sample.label}\t{digest}\n".encode(errors="surrogateescape"))
    index = {name: label for label, name in enumerate(classes)}
    files: dict[SplitName, list[Path]] = {"train": [], "test": []}
    labels: dict[SplitName, list[int]] = {"train": [], "test": []}
    digests_of: dict[SplitName, list[str]] = {"train": [], "test": []}
    given = [index[sample.label] for sample, _ in order]
    splits = _drawn(given, once, path) if drawn else _given(order)
    for split, (sample, digest), label in zip(splits, order, given, strict=True):
        files[split].append(sample.path)
        labels[split].append(label)
        digests_of[split].append(digest)
    for split in SPLITS:
        lacking = set(range(len(classes))) - set(labels[split])
        if lacking:
            raise ValueError(f"{path}: class {classes[min(lacking)]!r} has no image to {split} on")
    return Content(sha.hexdigest()[:40], classes, files, labels, digests_of)


def _given(order: list[tuple[Sample, str]]) -> list[SplitName]:
    return ["test" if sample.split == "test" else "train" for sample, _ in order]


def _once(digests: list[str]) -> np.ndarray:
    """Of each file, whether there is no other of the same bytes, bool (N,)."""
    _, places, counts = np.unique(np.asarray(digests), return_inverse=True, return_counts=True)
    return counts[places] == 1


def _drawn(labels: list[int], once: np.ndarray, path: Path) -> list[SplitName]:
    """The splits where none are given. A file that is there twice is trained on, in whichever class it is."""
    smallest = int(np.bincount(labels).min())
    if smallest < 2:
        raise ValueError(f"{path}: a class has one image; allowed are at least 2: one to train, one to test on")
    rows = np.flatnonzero(once)
    single = int(np.bincount(np.asarray(labels)[rows], minlength=max(labels) + 1).min())
    if single == 0:
        raise ValueError(f"{path}: a class has no image that is there once; to test on one such is needed")
    held = set(rows[held_out_rows(np.asarray(labels)[rows], min(smallest // 5 or 1, single))].tolist())
    return ["test" if row in held else "train" for row in range(len(labels))]


def _refuse_in_both(order: list[tuple[Sample, str]], path: Path) -> None:
    """Raise ValueError where a file of the given test set is in the training set too."""
    trained = {digest: sample.path for sample, digest in order if sample.split != "test"}
    both = [(sample.path, trained[digest]) for sample, digest in order if sample.split == "test" and digest in trained]
    if both:
        raise ValueError(
            f"{path}: {len(both)} file(s) to test on are to train on too, byte for byte; first {both[0][0]}, "
            f"which is {both[0][1]}; delete one of each two, or give a .csv without it"
        )


def _samples(path: Path) -> Iterator[Sample]:
    if path.is_dir():
        yield from _of_folder(path)
    elif path.is_file() and path.suffix.lower() == ".csv":
        yield from _of_table(path)
    elif path.exists():
        raise ValueError(f"{path}: allowed are a folder with a folder of images for each class, and a .csv")
    else:
        raise MissingData(f"{path}: there is nothing")


def _of_folder(path: Path) -> Iterator[Sample]:
    below = {folder.name: folder for folder in _visible(path) if folder.is_dir()}
    test = next((name for name in TEST_FOLDERS if name in below), None)
    if "train" not in below or test is None:
        _refuse_splits(path, list(below.values()))
        yield from _of_classes("", path)
        return
    for name in sorted(set(below) - {"train", *TEST_FOLDERS}):
        if next(_images(below[name]), None) is not None:
            raise ValueError(
                f"{path}: the folder {name} holds images and stands beside train and {test}, which are splits; "
                "allowed are train and test folders alone, or class folders alone"
            )
    yield from _of_classes("train", below["train"])
    yield from _of_classes("test", below[test])


def _refuse_splits(path: Path, classes: list[Path]) -> None:
    """Raise ValueError where class folders are splits under other names: the classes would be "Test" and "Train"."""
    allowed = f"allowed as splits are folders train and {' or '.join(TEST_FOLDERS)}; a .csv may name any class"
    for folder in classes:
        if folder.name.lower() in SPLIT_LIKE and (inner := _inner(folder)):
            raise ValueError(f"{path}: {folder.name} has the folders {_told(inner)}, as a split has; {allowed}")
    if any(_is_image(name) for folder in classes for name in _entries(folder)[1]):
        return
    found = [inner for folder in classes if (inner := _inner(folder))]
    # One folder in each is no sign of splits: Tiny ImageNet has n01443537/images, n01629819/images, ...
    if len(found) > 1 and len(found[0]) > 1 and all(inner == found[0] for inner in found):
        names = [folder.name for folder in classes]
        raise ValueError(
            f"{path}: {_told(names)} all have the folders {_told(found[0])}, as splits of these classes have; {allowed}"
        )


def _told(names: list[str], most: int = 4) -> str:
    return ", ".join(names[:most]) + (", ..." if len(names) > most else "")


def _inner(folder: Path) -> list[str]:
    """Names of the folders in a folder that hold images."""
    return [name for name in _entries(folder)[0] if next(_images(folder / name), None) is not None]


def _entries(folder: Path) -> tuple[list[str], list[str]]:
    """Names of the folders and of the files in a folder, sorted, hidden ones left out."""
    _, folders, names = next(os.walk(folder, onerror=_unreadable))
    return _unhidden(folders), _unhidden(names)


def _unhidden(names: list[str]) -> list[str]:
    return sorted(name for name in names if not name.startswith("."))


def _is_image(name: str) -> bool:
    return os.path.splitext(name)[1].lower() in SUFFIXES


def _of_classes(split: str, path: Path) -> Iterator[Sample]:
    for folder in _visible(path):
        if folder.is_dir():
            yield from (Sample(split, folder.name, image) for image in _images(folder))


def _images(folder: Path) -> Iterator[Path]:
    """Image files in a folder and below it."""
    for place, folders, names in os.walk(folder, onerror=_unreadable):
        folders[:] = _unhidden(folders)
        for name in _unhidden(names):
            if _is_image(name):
                yield Path(place, name)


def _unreadable(problem: OSError) -> None:
    # os.walk passes over a folder that it cannot read: its images would be gone without a word.
    raise MissingData(f"{problem.filename}: {problem.strerror}")


def _visible(path: Path) -> list[Path]:
    return sorted(entry for entry in path.iterdir() if not entry.name.startswith("."))


def _of_table(path: Path) -> Iterator[Sample]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file)
            columns = set(rows.fieldnames or ())
            if not {"path", "label"} <= columns:
                raise ValueError(f"{path}: columns {sorted(columns)}; needed are path and label, allowed is split")
            for number, row in enumerate(rows, start=2):
                split = (row["split"] or "").strip() if "split" in columns else ""
                if not row["path"] or not row["label"] or ("split" in columns and split not in SPLITS):
                    raise ValueError(f"{path}: line {number}: needed are a path, a label and a split of {SPLITS}")
                yield Sample(split, row["label"], path.parent / row["path"])
    except (UnicodeDecodeError, csv.Error) as problem:
        raise ValueError(f"{path}: no CSV in UTF-8 ({problem})") from None
