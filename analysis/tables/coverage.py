"""How much of a sweep is there: runs by state, in words. Unfinished sweeps are shown as they are, and said to be so."""

from __future__ import annotations

from collections import Counter

import pandas as pd

from sweeps.store.status import grouped

_WORDS = {
    "done": "done",
    "diverged": "diverged",
    "running": "running or interrupted",
    "failed": "failed",
    "blocked": "blocked",
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
    """One line for each state in which runs have no result: which they are, the first few by name.

    Failed runs are told by what failed, equal errors together, and blocked ones by what blocks them.
    """
    lines = []
    for state in states(runs):
        if state == "done":
            continue
        found = runs[runs["status"] == state]
        reasons = found["reason"] if "reason" in found else pd.Series(None, index=found.index, dtype=object)
        told = [
            ("" if pd.isna(reason) else f"{reason}", name) for reason, name in zip(reasons, found["name"], strict=True)
        ]
        groups = grouped(told) if state == "failed" else _equal(told)
        for reason, names in groups[:most]:
            why = f": {reason}" if reason else ""
            more = f" and {len(names) - most} more" if len(names) > most else ""
            lines.append(f"{len(names)} {_WORDS[state]}{why}: {', '.join(names[:most])}{more}")
        if len(groups) > most:
            rest = sum(len(names) for _, names in groups[most:])
            lines.append(f"{rest} {_WORDS[state]} for {len(groups) - most} other reasons")
    return lines


def _equal(told: list[tuple[str, str]]) -> list[tuple[str, list[str]]]:
    groups: dict[str, list[str]] = {}
    for reason, name in told:
        groups.setdefault(reason, []).append(name)
    return list(groups.items())
