"""Editions: named sets of defaults, so that a default can improve and no result loses its id.

A field's own default is part of the identity of all runs that leave it out, so it never changes: a field that was added
later has the default None, which is the behaviour before it. A better value is named by an edition. A sweep is of one
edition (`edition: 1`; without the key, of the current one), and expansion writes that edition's values into each run
where the sweep says nothing of the field. Null, written out, is the behaviour before the field.
"""

from __future__ import annotations

from typing import Any

EDITIONS: dict[int, dict[str, dict[str, Any]]] = {
    1: {},
    2: {"source": {"batches": "even", "kernels": "tuned"}, "train": {"batches": "even", "kernels": "tuned"}},
}
"""Of each edition all that it writes out, by section and field. An edition that was released is never changed."""

FIRST = 1
CURRENT = max(EDITIONS)


def allowed(edition: int) -> int:
    """The edition itself. Raises ValueError if there is none of this number."""
    if edition not in EDITIONS:
        raise ValueError(f"allowed: {', '.join(map(str, EDITIONS))}")
    return edition


def filled(edition: int, name: str, section: Any) -> Any:
    """A section as written, with the edition's values for the fields that it does not mention.

    >>> filled(2, "train", {"epochs": 3})
    {'batches': 'even', 'kernels': 'tuned', 'epochs': 3}
    >>> filled(2, "train", {"batches": None})
    {'batches': None, 'kernels': 'tuned'}
    """
    return {**EDITIONS[edition].get(name, {}), **section} if isinstance(section, dict) else section
