"""Checks of a run's data before anything is launched: cheap, without torch or data; `check_files` reads the data."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from functools import lru_cache

import numpy as np

from sweeps.language.task_text import dataset_of, parameter_values
from sweeps.spec import RunSpec
from tasks.files import known
from tasks.files.archives import MissingData
from tasks.files.known import learn
from tasks.names import Task, parse
from tasks.subsets import class_counts

__all__ = ["available", "check", "content_digest", "contents_of", "is_known", "learn", "missing_data"]

IMAGES = "images"
"""The data set whose content is the user's own."""


def check(spec: RunSpec) -> None:
    """Raise ValueError, in one line, for a run whose data do not exist anywhere.

    Refused are an unknown task or class, a subset larger than its task, a source and a target that would or could share
    samples, and a size of images that a data set does not have. Whether the data are on this machine is for
    `missing_data` to say.
    """
    source = None if spec.source is None else (spec.source.task, spec.source.size)
    _check(source, (spec.target.task, spec.target.size))
    for part in (spec.source, spec.target):
        if part is not None:
            parse(part.task).dataset.drawn_at(spec.model.image_size)
    if spec.source is not None and spec.seed_of("source") != spec.seed:
        _drawn_apart(spec.source.task, spec.target.task)
    if spec.source is not None:
        _tested_apart(spec.source.task, spec.target.task)


def missing_data(specs: Iterable[RunSpec]) -> list[str]:
    """A line for each data set that runs read and that is not on this machine: what is missing, and what to do.

    >>> missing_data([])
    []
    """
    return list(dict.fromkeys(line for task, side in _asked(specs) if (line := _missing(task, side)) is not None))


def check_files(specs: Iterable[RunSpec]) -> None:
    """Read the files of the data that runs read once, whole. Raises ValueError, in one line, for the first that is
    missing or altered. Unlike `check` it takes seconds: for before a launch.
    """
    for task, side in _asked(specs):
        dataset = parse(task).dataset
        dataset.present(side)
        dataset.intact(side)


def contents_of(specs: Iterable[RunSpec]) -> dict[str, bytes]:
    """What a worker elsewhere must be told of the users' own images that runs read (`learn`): a record by digest."""
    parts = (part for spec in specs for part in (spec.source, spec.target) if part is not None)
    digests = (content_digest(task) for task in dict.fromkeys(part.task for part in parts))
    return {digest: known.record_of(digest) for digest in digests if digest is not None}


def content_digest(task: str) -> str | None:
    """The digest in the canonical name of a task of the user's own images; None for any other task."""
    value = parameter_values(task).get("content") if dataset_of(task) == IMAGES else None
    return str(value).partition("-")[2] if value is not None else None


def is_known(digest: str) -> bool:
    """Whether this machine or process knows what a content's digest stands for."""
    return known.find(digest) is not None


def _asked(specs: Iterable[RunSpec]) -> Iterable[tuple[str, int]]:
    """The tasks that runs read, with the side of the images."""
    parts = ((part, spec.model) for spec in specs for part in (spec.source, spec.target) if part is not None)
    return dict.fromkeys((part.task, model.image_size) for part, model in parts)


def _missing(task: str, side: int) -> str | None:
    try:
        parse(task).dataset.present(side)
    except MissingData as problem:
        return str(problem)
    return None


@lru_cache(maxsize=65536)
def _check(source: tuple[str, int] | None, target: tuple[str, int]) -> None:
    # Keyed by names and sizes alone: a sweep has many runs and few of these.
    target_task = available("target", *target)
    if source is not None:
        source_task = available("source", *source)
        _disjoint(source_task, source, target_task, target)


def available(role: str, name: str, size: int) -> Task:
    """The task of that name, if it holds `size` training samples; ValueError as in `check` if not."""
    try:
        task = parse(name)
    except ValueError as error:
        raise ValueError(f"{role}.task: {error}") from None
    pool = task.dataset.pool
    most = task.dataset.limit if pool is None else sum(pool[index] for index in task.classes)
    if not 2 <= size <= most:
        held = "can be rendered" if pool is None else "training samples"
        raise ValueError(f"{role}.size {size}: {name} allows 2 to {most} ({held})")
    return task


def _disjoint(source: Task, source_ask: tuple[str, int], target: Task, target_ask: tuple[str, int]) -> None:
    """A source takes each class from the back, a target from the front: they meet where both ask for much."""
    shared_set = source.dataset.drawn_from
    if (
        shared_set is not None
        and shared_set == target.dataset.drawn_from
        and source.dataset.name != target.dataset.name
    ):
        raise ValueError(
            f"source.task {source_ask[0]}: it draws from the samples of {shared_set} in another order than target.task "
            f"{target_ask[0]}, and they could share some; allowed: a task of other samples"
        )
    pool = source.dataset.pool
    # Values of parameters that leave the pool as it is show the same samples in another way.
    if source.dataset.name != target.dataset.name or pool is None or pool != target.dataset.pool:
        return
    taken = dict(zip(target.classes, class_counts(pool, target.classes, target_ask[1]), strict=True))

    def shared(size: int) -> tuple[int, int] | None:
        """A class that the two would share samples of, and how many a source of `size` asks of it."""
        counts = zip(source.classes, class_counts(pool, source.classes, size), strict=True)
        return next(((index, n) for index, n in counts if n and n + taken.get(index, 0) > pool[index]), None)

    if found := shared(source_ask[1]):
        index, count = found
        most = bisect_left(range(source_ask[1]), True, key=lambda size: shared(size) is not None) - 1
        raise ValueError(
            f"source.size {source_ask[1]} of {source_ask[0]} and target.size {target_ask[1]} of "
            f"{target_ask[0]} share samples of class {source.dataset.classes[index]} ({pool[index]}, asked "
            f"for {count} + {taken[index]}); with this target, source.size may be at most {most}"
        )


@lru_cache(maxsize=65536)
def _drawn_apart(source: str, target: str) -> None:
    """Subsets of one pool are disjoint because both roles walk one order from its two ends: that of one seed."""
    first, second = parse(source), parse(target)
    pool = first.dataset.pool
    finite = pool is not None or first.dataset.drawn_from is not None
    if first.dataset.name != second.dataset.name or not finite or pool != second.dataset.pool:
        return
    if pool is None:  # a task without classes
        raise ValueError(
            f"source.seed: {source} and {target} both draw from the samples of {first.dataset.drawn_from}, and with "
            "another seed than the run's they could share samples; allowed: null, or a task of other samples"
        )
    if shared := sorted(set(first.classes) & set(second.classes)):
        raise ValueError(
            f"source.seed: {source} and {target} both draw from class {first.dataset.classes[shared[0]]}, and with "
            f"another seed than the run's they could share samples; allowed: null, or tasks without a common class"
        )


@lru_cache(maxsize=65536)
def _tested_apart(source: str, target: str) -> None:
    """Two contents may have files in common: a source must not train on what its target is tested on."""
    contents = content_digest(source), content_digest(target)
    if contents[0] is None or contents[1] is None or contents[0] == contents[1]:
        return
    trained = known.file_keys(contents[0], "train", parse(source).classes)
    tested = known.file_keys(contents[1], "test", parse(target).classes)
    if trained is None or tested is None:
        return
    if shared := len(np.intersect1d(trained, tested)):
        raise ValueError(
            f"source.task {source}: {shared} of its training images are test images of target.task {target}, byte for "
            "byte; allowed: a source without them, by a .csv say"
        )
