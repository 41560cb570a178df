"""What a data set is: one object in one file of `tasks/datasets`. Light: planning reads it for every sweep."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np

from sweeps.seeds import Role
from sweeps.spec import Spec
from tasks.class_lists import LISTED, ClassList


class Pixels(NamedTuple):
    """Rows of a prepared array, and the scale of its data set. No pixel is read until it is asked for.

    array: uint8 (N, C, H, W), memory mapped; rows: int64 (n,), places in it; mean, std: of all training pixels of the
    data set on the scale [0, 1].
    """

    array: np.ndarray
    rows: np.ndarray
    mean: float
    std: float


Samples = tuple[np.ndarray, np.ndarray]
"""Images, float32 (N, C, H, W) with values in [0, 1], and labels, int64 (N,), counted within the chosen classes. Of a
regression task the second array holds targets, float32 (N, targets); of a task of vectors the first is float32 (N, D).
"""

MappedSamples = tuple[Pixels, np.ndarray]
"""The same of a prepared array, whose images stay where they are."""


class Train(Protocol):
    """Training samples of a role: images (size, C, H, W) and labels (size,)."""

    def __call__(
        self, classes: tuple[int, ...], role: Role, size: int, seed: int, side: int
    ) -> Samples | MappedSamples: ...


class Prepare(Protocol):
    """Fetch and check the files, from `origin` (a file or folder) if it is given, and decode them once with `workers`
    processes; the folder of prepared arrays. Raises MissingData or BadArchive, in one line."""

    def __call__(self, side: int | None, origin: Path | None, workers: int) -> Path: ...


class Test(Protocol):
    """All test samples of some classes, the same for every role and seed."""

    def __call__(self, classes: tuple[int, ...], side: int) -> Samples | MappedSamples: ...


@dataclass(frozen=True)
class Dataset:
    """One data set.

    `classes` names every class in order, `default` those that the bare name means; `class_list` says how some of them
    are written in brackets; `superclasses` names a broader class for each, where the authors give one. `pool` counts
    the training samples of each class; where it is None the samples are rendered on demand, up to `limit` of them.
    `mean` and `std` are of the training pixels on the scale [0, 1] and never change with the subset, so that a source
    and a target share a scale; None where prepared arrays carry them. `train` and `test` read samples; `side` is what
    the network reads: a data set with sizes of its own ignores it, and `tasks.data` brings its images to that size.
    `held_out` counts the test samples of some classes. `drawn_at` raises ValueError, in one line, for a side at which
    there are no samples; `signals` gives what tells the classes apart at that side, where it is known: unit vectors
    (side**2 // 2,) by name. `present` raises `MissingData` when what `train` reads at that
    side is not there; `intact` reads it whole and raises `BadArchive` when it was altered; `prepare` makes it.
    `citation` is a sentence for a paper's references, `licence` the terms of the data.
    """

    name: str
    classes: tuple[str, ...]
    default: tuple[int, ...]
    pool: tuple[int, ...] | None
    limit: int
    train: Train
    test: Test
    held_out: Callable[[tuple[int, ...]], int]
    citation: str
    licence: str
    mean: float | None = None
    std: float | None = None
    drawn_at: Callable[[int], None] = lambda side: None
    signals: Callable[[int], dict[str, np.ndarray]] | None = None
    present: Callable[[int], None] = lambda side: None
    intact: Callable[[int], None] = lambda side: None
    prepare: Prepare | None = None
    class_list: ClassList = LISTED
    superclasses: tuple[str, ...] | None = None
    targets: int | None = None
    """Of a regression task: how many real values the target of a sample has. `classes` and `default` are empty then."""
    vector: int | None = None
    """Of a task whose inputs are vectors: their length. `side` says nothing then, and `mean` and `std` are given."""
    drawn_from: str | None = None
    """Name of the finite set of samples it draws from, where another data set draws from it too. The orders may differ:
    a source and a target of two such data sets could share samples."""
    paired: Callable[[Role, int, int], Samples] | None = None
    """(role, size, seed) -> for each training sample, in order, the source sample that it is a shifted form of."""


@dataclass(frozen=True)
class ParameterisedDataset:
    """A data set with parameters. `parameters` names them, with types, bounds and defaults; `dataset` makes the data
    set of given values, with the same `name`.

    The values are numbers, truth values or words. A default is part of a task's identity, as if it had been written; a
    parameter added later defaults to None, which means the data as they were before it existed.

    Example: with `class Shift(Spec): pixels: Index = 2`, the row
    `ParameterisedDataset("shifted", Shift, lambda shift: shifted_by(shift.pixels))` gives the tasks `shifted`, which is
    `shifted(pixels=2)`, and `{name: shifted, pixels: 4}`.
    """

    name: str
    parameters: type[Spec]
    dataset: Callable[[Any], Dataset]
    places: frozenset[str] = frozenset()
    """Parameters that say where data are and not what they are."""
    settled: Callable[[Any], Any] | None = None
    """From values with a place to those that identify the data (from a path to the digest of what is there). It may
    take long and is asked each time. Raises ValueError, in one line."""
    prepare: Prepare | None = None
    """As of a Dataset, where that needs no values."""
