"""How much of a sweep is there: runs by state, in words. Unfinished sweeps are shown as they are, and said to be so."""

from __future__ import annotations

from collections import Counter

import pandas as pd

_WORDS = {
    "done": "done",
    "diverged": "diverged",
    "running": "running or interrupted",
    "failed": "failed",
    "blocked": "waiting for a source model that failed",
    "missing": "not run yet",
}


def states(runs: pd.DataFrame) -> dict[str, int]:
    """Number of runs in each state that occurs, in a fixed order."""
    counts = Counter(runs["status"])
    return {state: counts[state] for state in _WORDS if counts[state]}


def coverage_text(runs: pd.DataFrame) -> str:
    """`70 runs: 70 done`, or what else there is."""
    parts = [f"{count} {_WORDS[state]}" for state, count in states(runs).items()]
    return f"{len(runs)} runs: {', '.join(parts)}"


def missing_text(runs: pd.DataFrame, most: int = 5) -> list[str]:
    """One line for each state in which runs have no result: which they are, the first few by name."""
    lines = []
    for state, count in states(runs).items():
        if state == "done":
            continue
        names = list(runs.loc[runs["status"] == state, "name"])
        more = f" and {count - most} more" if count > most else ""
        lines.append(f"{count} {_WORDS[state]}: {', '.join(names[:most])}{more}")
    return lines
