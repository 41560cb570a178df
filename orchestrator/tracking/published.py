"""Marks of what W&B has: one small file for each run that has arrived there whole."""

from __future__ import annotations

import json

from orchestrator.store.interface import Store
from sweeps.layout import published
from sweeps.store.interface import Reading


def mark_published(store: Store, id: str, *, project: str, wandb_id: str, url: str | None) -> None:
    """Notes that run `id` is in W&B. Raises OSError where that cannot be written."""
    content = {"project": project, "wandb_id": wandb_id, "url": url}
    store.replace(published(id), (json.dumps(content, indent=1) + "\n").encode())


def is_published(store: Reading, id: str, project: str) -> bool:
    """Whether run `id` has been noted as being in this project. A mark that cannot be read counts as none."""
    try:
        content = json.loads(store.read(published(id)) or b"")
    except (OSError, ValueError):
        return False
    return isinstance(content, dict) and content.get("project") == project
