"""The largest sweep whose forecast fits a budget of time."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from frostline.own_images.sweep import MOST_SIZES, Choice
from orchestrator.schedule.forecast import forecast, span
from orchestrator.schedule.plan import make_plan
from orchestrator.store.ledger import Ledger
from sweeps.errors import InputError
from sweeps.sweep import parse

MOST_DEPTHS, FEWEST_DEPTHS = 8, 4
FEWEST_SEEDS = 3
"""Fewer say nothing (analysis/advice/comparison.py)."""
UNITS = {"s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}


def seconds_of(text: str) -> float:
    """`15m`, `90s`, `1.5h` in seconds. Raises InputError for anything else.

    >>> seconds_of("15m")
    900.0
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?) ?([a-z]+)", text.strip())
    if found is None or found[2] not in UNITS or float(found[1]) == 0:
        raise InputError(f"--budget {text}: allowed are a number above 0 and a unit: 90s, 15m or 1.5h")
    return float(found[1]) * UNITS[found[2]]


def choices(seeds: int) -> Iterator[Choice]:
    """From the most to the least that is worth running: first target sizes go, then depths, then seeds."""
    for sizes in range(MOST_SIZES, 0, -1):
        yield Choice(MOST_DEPTHS, seeds, sizes)
    for depths in (6, 5):
        yield Choice(depths, seeds, 1)
    for fewer in range(seeds - 1, FEWEST_SEEDS - 1, -1):
        yield Choice(5, fewer, 1)
    yield Choice(FEWEST_DEPTHS, FEWEST_SEEDS, 1)


def fitting(text_of: Callable[[Choice], str], seeds: int, budget: float | None, ledger: Ledger, workers: int) -> str:
    """The text of the largest sweep that is expected to take at most `budget` seconds; the largest without one.

    What the store has already costs nothing. Raises InputError where the smallest takes longer.
    """
    left = None
    for choice in choices(seeds):
        text = text_of(choice)
        if budget is None:
            return text
        left = forecast(make_plan(parse(text), ledger), workers)
        if left.wall_seconds <= budget:
            return text
    assert left is not None and budget is not None
    raise InputError(
        f"--budget {span(budget)}: the smallest sweep, {FEWEST_DEPTHS} depths and {FEWEST_SEEDS} seeds, is expected to "
        f"take {span(left.wall_seconds)} on {workers} workers; fewer --epochs or a smaller --side take less"
    )
