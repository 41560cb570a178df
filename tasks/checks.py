"""Checks of a run's data before anything is launched. They are cheap: no torch, and no file is opened."""

from __future__ import annotations

from bisect import bisect_left
from functools import lru_cache

from sweeps.spec import RunSpec
from tasks.names import Task, parse
from tasks.subsets import class_counts


def check(spec: RunSpec) -> None:
    """Raise ValueError, in one line, for a run whose data do not exist.

    Refused are an unknown task or class, a subset larger than its task, a source and a target that would share
    samples, and a data set that is not on this machine (`MissingData`, which is also a FileNotFoundError; its message
    has the command that fetches the data).
    """
    source = None if spec.source is None else (spec.source.task, spec.source.size)
    _check(source, (spec.target.task, spec.target.size))
    if spec.source is not None and spec.seed_of("source") != spec.seed:
        _drawn_apart(spec.source.task, spec.target.task)


@lru_cache(maxsize=65536)
def _check(source: tuple[str, int] | None, target: tuple[str, int]) -> None:
    # Keyed by names and sizes alone: a sweep has many runs and few of these. A refusal is not cached, so a
    # data set that has been fetched in the meantime is found.
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
    task.dataset.present()
    return task


def _disjoint(source: Task, source_ask: tuple[str, int], target: Task, target_ask: tuple[str, int]) -> None:
    """A source takes each class from the back, a target from the front: they meet where both ask for much."""
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
    if first.dataset.name != second.dataset.name or pool is None or pool != second.dataset.pool:
        return
    if shared := sorted(set(first.classes) & set(second.classes)):
        raise ValueError(
            f"source.seed: {source} and {target} both draw from class {first.dataset.classes[shared[0]]}, and with "
            f"another seed than the run's they could share samples; allowed: null, or tasks without a common class"
        )
