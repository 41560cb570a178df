"""Marks of what W&B has: one small file for each run that has arrived there whole."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from orchestrator.store.interface import Store
from sweeps.identity import canonical_json
from sweeps.layout import published
from sweeps.store.interface import Reading

FORM = 2
"""Of what is shown: raised when metrics or names change, so that `publish` brings a project to one form. Marks without
a form are of the first, whose metrics had the names of the table's columns."""


def mark_published(
    store: Store,
    id: str,
    *,
    project: str,
    wandb_id: str,
    url: str | None,
    sweeps: Sequence[str] = (),
    verdict: Mapping[str, Any] | None = None,
) -> None:
    """Notes that run `id` is in W&B, under the tags of `sweeps` and with this verdict in its summary.

    Raises OSError where that cannot be written.
    """
    content = {"project": project, "wandb_id": wandb_id, "url": url, "form": FORM}
    content |= {"sweeps": sorted(set(sweeps)), "verdict": _digest(verdict)}
    store.replace(published(id), (json.dumps(content, indent=1) + "\n").encode())


def unmark(store: Store, id: str, wandb_id: str) -> None:
    """Removes the mark of a W&B run that shows no result of run `id`; one of another attempt stays.

    Raises OSError where it cannot be removed.
    """
    if read_mark(store, id).get("wandb_id") == wandb_id:
        store.remove(published(id))


def is_published(
    store: Reading, id: str, project: str, sweep: str | None = None, verdict: Mapping[str, Any] | None = None
) -> bool:
    """Whether run `id` is in this project as it would be sent now: with these metrics, this sweep's tag, this verdict.

    A mark that cannot be read counts as none.
    """
    mark = read_mark(store, id)
    if mark.get("project") != project or mark.get("form") != FORM or mark.get("verdict") != _digest(verdict):
        return False
    return sweep is None or sweep in mark["sweeps"]


def sweeps_of(store: Reading, id: str, project: str) -> list[str]:
    """The sweeps under whose tags a run is in this project."""
    mark = read_mark(store, id)
    return list(mark.get("sweeps", [])) if mark.get("project") == project else []


def read_mark(store: Reading, id: str) -> dict[str, Any]:
    """What was noted of a run; empty where there is nothing that can be read."""
    try:
        content = json.loads(store.read(published(id)) or b"")
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _digest(verdict: Mapping[str, Any] | None) -> str | None:
    return hashlib.sha256(canonical_json(dict(verdict)).encode()).hexdigest()[:16] if verdict else None
