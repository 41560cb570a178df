"""What to cite for the data that a sweep used."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sweeps.language.task_text import dataset_of


def citations(tasks: Iterable[str], recorded: Mapping[str, str]) -> list[str]:
    """One line for each data set behind the task names, in alphabetical order, from the sweep's record.

    A data set without one is named so: the sweep was recorded before records held citations.
    """
    sets = sorted({dataset_of(task) for task in tasks})
    return [
        recorded.get(name, f"{name}: no reference is on record; `frostline run` of the sweep records it.")
        for name in sets
    ]
