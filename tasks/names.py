"""Task names: a data set, or some of its classes.

    digits   digits[0-4]   digits[0,2,7]   glyphs   glyphs[A-Z]   glyphs[A-Za-f]   cifar10[cat,dog]

A bracket names a set of classes: its order and spelling do not matter, labels follow the data set's own
order.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from sweeps.errors import suggestion
from tasks.registry import DATASETS, Dataset

_NAME = re.compile(r"([^\[\]]*)(?:\[([^\[\]]*)\])?")
_INDICES = re.compile(r"([0-9]+)(?:-([0-9]+))?")


@dataclass(frozen=True)
class Task:
    """A data set and the classes in use, as ascending indices into `dataset.classes`."""

    dataset: Dataset
    classes: tuple[int, ...]

    @property
    def class_names(self) -> tuple[str, ...]:
        return tuple(self.dataset.classes[index] for index in self.classes)


@lru_cache(maxsize=4096)
def parse(name: str) -> Task:
    """The task of that name; ValueError, in one line, for a name that means none."""
    match = _NAME.fullmatch(name)
    if match is None:
        raise ValueError(f"{name!r} is not a task name; write e.g. 'digits', 'digits[0-4]' or 'glyphs[A-Za-f]'")
    base, subset = match[1], match[2]
    if base not in DATASETS:
        raise ValueError(f"{name!r} is no known task{suggestion(base, DATASETS)}")
    dataset = DATASETS[base]
    if subset is None:
        return Task(dataset, dataset.default)
    indices = _characters(name, subset, dataset) if base == "glyphs" else _listed(name, subset, dataset)
    repeated = sorted({dataset.classes[index] for index in indices if indices.count(index) > 1})
    if repeated:
        raise ValueError(f"{name!r} names {', '.join(repeated)} more than once")
    if len(indices) < 2:
        raise ValueError(f"{name!r} has {len(indices)} class(es); a task needs at least 2")
    return Task(dataset, tuple(sorted(indices)))


def classes_of(task: str) -> int:
    """How many classes a task has; ValueError for a name that means no task."""
    return len(parse(task).classes)


@lru_cache(maxsize=4096)
def held_out(task: str) -> int:
    """How many test samples a task has; ValueError for a name that means no task."""
    found = parse(task)
    return found.dataset.held_out(len(found.classes))


def _listed(name: str, subset: str, dataset: Dataset) -> list[int]:
    """Classes separated by commas, each an index, a range of indices or a class name."""
    indices: list[int] = []
    last = len(dataset.classes) - 1
    for item in (part.strip(" ") for part in subset.split(",")):
        match = _INDICES.fullmatch(item)
        if match:
            first, end = int(match[1]), int(match[2] or match[1])
            if not first <= end <= last:
                raise ValueError(f"{name!r}: {item!r} is not within the classes 0-{last} of {dataset.name}")
            indices.extend(range(first, end + 1))
        elif item in dataset.classes:
            indices.append(dataset.classes.index(item))
        else:
            raise ValueError(f"{name!r}: no class {item!r}{suggestion(item, (*dataset.classes, '0-4'))}")
    return indices


def _characters(name: str, subset: str, dataset: Dataset) -> list[int]:
    """Characters and ranges of them without separators, as in a regular expression; commas are skipped."""
    indices: list[int] = []
    for item in re.findall(r"[^,]-[^,]|[^,]", subset):
        first, end = item[0], item[-1]
        same_kind = first.isdigit() == end.isdigit() and first.isupper() == end.isupper()
        if first not in dataset.classes or end not in dataset.classes or not same_kind or first > end:
            raise ValueError(f"{name!r}: {item!r} is not allowed; use characters and ranges within 0-9, A-Z and a-z")
        indices.extend(range(dataset.classes.index(first), dataset.classes.index(end) + 1))
    return indices
