"""Task names: a data set, some of its classes in brackets, values of its parameters in parentheses.

    digits   digits[0-4]   digits[0,2,7]   glyphs[A-Za-f]   cifar10[cat,dog]   signal_noise(universal=4)

A bracket names a set of classes: its order and spelling do not matter, labels follow the data set's own order. Equal
data have one canonical name: the bare name only where it means all of the data set's classes, else ascending maximal
ranges; all parameters, defaults too, by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from pydantic import ValidationError

from sweeps.errors import from_pydantic, suggestion
from sweeps.identity import canonical
from sweeps.language.task_text import LONGEST, TaskText, read_task, scalar_text
from sweeps.spec import Spec
from tasks.dataset import Dataset, ParameterisedDataset
from tasks.registry import DATASETS, row


@dataclass(frozen=True)
class Task:
    """A data set and the classes in use, as ascending indices into `dataset.classes`. `name` is canonical."""

    name: str
    dataset: Dataset
    classes: tuple[int, ...]

    @property
    def class_names(self) -> tuple[str, ...]:
        return tuple(self.dataset.classes[index] for index in self.classes)


def parse(name: str) -> Task:
    """The task of that name, in any of its spellings; ValueError, in one line, for a name that means none.

    Example: `parse("digits[4,3,2,1,0]").name` is `digits[0-4]`, `parse("glyphs").name` is `glyphs[A-Z]`.
    """
    return _parsed(_settled(name))


def _settled(name: str) -> str:
    """The name with values that identify its data. What is at a path may change, so this is not cached."""
    if "(" not in name:
        return name
    text = read_task(name)
    found = row(text.dataset) if text.dataset in DATASETS else None
    if (
        not isinstance(found, ParameterisedDataset)
        or found.settled is None
        or not found.places & text.parameters.keys()
    ):
        return name
    values = found.settled(_values(name, found, text.parameters))
    return str(TaskText(text.dataset, text.classes, {key: str(value) for key, value in canonical(values).items()}))


@lru_cache(maxsize=4096)
def _parsed(name: str) -> Task:
    text = read_task(name)
    dataset, values = _dataset(name, text)
    classes = dataset.default if text.classes is None else _classes(name, text.classes, dataset)
    written = _canonical_classes(dataset, classes)
    task = Task(str(TaskText(text.dataset, written, values)), dataset, classes)
    if len(task.name) > LONGEST:
        raise ValueError(f"{name!r}: with all its parameters {len(task.name)} characters; allowed: at most {LONGEST}")
    return task


def canonical_name(name: str) -> str:
    """The one name of a task: equal data, equal name. ValueError for a name that means no task."""
    return parse(name).name


def classes_of(task: str) -> int:
    """How many classes a task has; ValueError for a name that means no task."""
    return len(parse(task).classes)


def outputs_of(task: str) -> int:
    """How many outputs a network for a task has: one a class, or one a value of a regression target; ValueError for a
    name that means no task."""
    found = parse(task)
    return found.dataset.targets or len(found.classes)


def is_regression(task: str) -> bool:
    """Whether a task's targets are real values; ValueError for a name that means no task."""
    return parse(task).dataset.targets is not None


def vector_length(task: str) -> int | None:
    """The length of a task's inputs where they are vectors, None of images; ValueError for an unknown task."""
    return parse(task).dataset.vector


def has_pairs(task: str) -> bool:
    """Whether a task knows the source sample that each training sample is a shifted form of; ValueError for an unknown
    task."""
    return parse(task).dataset.paired is not None


def held_out(task: str) -> int:
    """How many test samples a task has; ValueError for a name that means no task."""
    found = parse(task)
    return found.dataset.held_out(found.classes)


def citation(task: str) -> str:
    """What to cite for a task's data, and their licence; ValueError for a name that means no task."""
    dataset = parse(task).dataset
    return f"{dataset.citation} Licence: {dataset.licence}."


def _dataset(name: str, text: TaskText) -> tuple[Dataset, Mapping[str, str]]:
    """The data set with its parameters set, and their canonical values."""
    if text.dataset not in DATASETS:
        raise ValueError(f"{name!r} is no known task{suggestion(text.dataset, DATASETS)}")
    found = row(text.dataset)
    if isinstance(found, Dataset):
        if text.parameters:
            raise ValueError(f"{name!r}: {found.name} has no parameters")
        return found, {}
    values = _values(name, found, text.parameters)
    return found.dataset(values), {key: scalar_text(value) for key, value in canonical(values).items()}


def _values(name: str, found: ParameterisedDataset, given: Mapping[str, Any]) -> Spec:
    try:
        return found.parameters.model_validate(dict(given))
    except ValidationError as error:
        allowed = {"": tuple(found.parameters.model_fields)}
        raise ValueError(str(from_pydantic(error, allowed, f"{name!r}: "))) from None


def _classes(name: str, text: str, dataset: Dataset) -> tuple[int, ...]:
    if dataset.targets is not None:
        raise ValueError(f"{name!r}: {dataset.name} has no classes, its targets are numbers")
    try:
        indices = dataset.class_list.read(text, dataset.classes)
    except ValueError as error:
        raise ValueError(f"{name!r}: {error}") from None
    repeated = sorted({dataset.classes[index] for index in indices if indices.count(index) > 1})
    if repeated:
        raise ValueError(f"{name!r} names {', '.join(repeated)} more than once")
    if len(indices) < 2:
        raise ValueError(f"{name!r} has {len(indices)} class(es); a task needs at least 2")
    return tuple(sorted(indices))


def _canonical_classes(dataset: Dataset, classes: tuple[int, ...]) -> str | None:
    everything = tuple(range(len(dataset.classes)))
    if classes == everything == dataset.default:
        return None
    return dataset.class_list.write(classes, dataset.classes)
