"""Cells whose runs were computed in unlike ways: between such seeds lies more than the seed.

An id says what was computed and not where. Another device, processor, torch, number of threads or commit rounds
otherwise, and over hundreds of epochs a network that rounds otherwise is another network. It is told, once per cell.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import pandas as pd

from analysis.tables.curves import Rows


def differences(runs: pd.DataFrame, rows: Sequence[Rows]) -> list[str | None]:
    """For each cell what its results do not share, `threads: 1, 2; torch: 2.14, 2.15`; None where they agree.

    runs: the table `runs`; rows: (cells,) of row numbers. What a result does not tell is not counted as a difference.
    """
    known: dict[str, dict[str, str]] = {}
    facts: list[dict[str, str]] = []
    for device, text in zip(runs["device"], runs["provenance"], strict=True):
        if pd.isna(text):
            facts.append({})
            continue
        if text not in known:  # a sweep has thousands of runs and few machines
            known[text] = dict(_facts(json.loads(text)))
        facts.append({"device": str(device), **known[text]})
    return [_text([facts[row] for row in cell]) for cell in rows]


def warnings(cells: pd.DataFrame, most: int = 5) -> list[str]:
    """One line for each cell whose results are unlike, the first `most` of them."""
    mixed = cells.loc[cells["unlike"].notna()]
    pairs = zip(mixed["cell_id"], mixed["unlike"], strict=True)
    lines = [f"cell {cell}: its runs differ in {unlike}" for cell, unlike in pairs][:most]
    return [*lines, *([f"and {len(mixed) - most} more cells"] if len(mixed) > most else [])]


def _facts(provenance: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for name, word in (("cpu", "CPU"), ("cpu_capability", "CPU capability"), ("threads", "threads")):
        if provenance.get(name) is not None:
            yield word, f"{provenance[name]}"
    torch = (provenance.get("versions") or {}).get("torch")
    if torch is not None:
        yield "torch", f"{torch}"
    if provenance.get("git_sha") is not None:
        changed = " changed" if provenance.get("git_dirty") else ""
        yield "commit", f"{provenance['git_sha'][:10]}{changed}"


def _text(facts: Iterable[dict[str, str]]) -> str | None:
    values: dict[str, set[str]] = {}
    for each in facts:
        for name, value in each.items():
            values.setdefault(name, set()).add(value)
    parts = [f"{name}: {', '.join(sorted(found))}" for name, found in values.items() if len(found) > 1]
    return "; ".join(parts) or None
