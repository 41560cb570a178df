"""What a data set is: one object in one file of `tasks/datasets`. Light: planning reads it for every sweep."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from sweeps.seeds import Role
from sweeps.spec import Spec
from tasks.class_lists import LISTED, ClassList

Samples = tuple[np.ndarray, np.ndarray]
"""Images, float32 (N, C, H, W) with values in [0, 1], and labels, int64 (N,), counted within the chosen classes."""


class Train(Protocol):
    """Training samples of a role: images (size, C, H, W) and labels (size,)."""

    def __call__(self, classes: tuple[int, ...], role: Role, size: int, seed: int, side: int) -> Samples: ...


class Test(Protocol):
    """All test samples of some classes, the same for every role and seed."""

    def __call__(self, classes: tuple[int, ...], side: int) -> Samples: ...


@dataclass(frozen=True)
class Dataset:
    """One data set.

    `classes` names every class in order, `default` those that the bare name means; `class_list` says how some of them
    are written in brackets. `pool` counts the training samples of each class; where it is None the samples are
    rendered on demand, up to `limit` of them. `mean` and `std` are of the training pixels on the scale [0, 1] and never
    change with the subset, so that a source and a target share a scale. `train` and `test` read samples; `side` is a
    hint that a data set with sizes of its own ignores: `tasks.data` brings its images to the size that is asked for.
    `held_out` says how many test samples so many classes have. `present` raises `MissingData` when files are not there.
    `citation` is a sentence for a paper's references, `licence` the terms of the data.
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
    citation: str
    licence: str
    present: Callable[[], None] = lambda: None
    intact: Callable[[], None] = lambda: None
    """Reads the files whole; raises ValueError, in one line, where they are not what was published."""
    class_list: ClassList = LISTED


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
