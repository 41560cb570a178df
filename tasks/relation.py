"""How related a source and a target task are, as numbers computed from their classes. Never a name or a judgement.

What the features of the source are worth on the target is measured, not computed here: the error of a linear probe is
that of the run in which all units but the head are frozen (analysis/tables/relatedness.py).
"""

from __future__ import annotations

from tasks.names import Task, parse


def relatedness(source: str, target: str) -> dict[str, float]:
    """class_overlap: the share of the target's classes that the source has too, by name. superclass_overlap: the share
    of the target's classes whose superclass one of the source's classes has; not there where one of the data sets has
    no superclasses. A regression task has no classes, hence neither. Raises ValueError for a name that means no task.

    >>> relatedness("digits[0-4]", "digits[3-6]")
    {'class_overlap': 0.5}
    """
    from_, to = parse(source), parse(target)
    if not from_.classes or not to.classes:
        return {}
    found = {"class_overlap": _share(to.class_names, from_.class_names)}
    theirs, ours = _superclasses(from_), _superclasses(to)
    return found if theirs is None or ours is None else found | {"superclass_overlap": _share(ours, theirs)}


def _share(names: tuple[str, ...], among: tuple[str, ...]) -> float:
    there = set(among)
    return sum(name in there for name in names) / len(names)


def _superclasses(task: Task) -> tuple[str, ...] | None:
    all_of_them = task.dataset.superclasses
    return None if all_of_them is None else tuple(all_of_them[index] for index in task.classes)
