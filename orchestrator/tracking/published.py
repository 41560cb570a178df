"""Marks of what W&B has: one small file for each run that has arrived there whole."""

from __future__ import annotations

import json
from pathlib import Path

from orchestrator.store import durable


def mark_published(folder: Path, id: str, *, project: str, wandb_id: str, url: str | None) -> None:
    """Notes that run `id` is in W&B. `folder` is the store's wandb folder. OSError where it cannot be written."""
    durable.make_folder(folder / "published")
    content = {"project": project, "wandb_id": wandb_id, "url": url}
    durable.replace(_mark(folder, id), (json.dumps(content, indent=1) + "\n").encode())


def is_published(folder: Path, id: str, project: str) -> bool:
    """Whether run `id` has been noted as being in this project. A mark that cannot be read counts as none."""
    try:
        content = json.loads(_mark(folder, id).read_bytes())
    except (OSError, ValueError):
        return False
    return isinstance(content, dict) and content.get("project") == project


def _mark(folder: Path, id: str) -> Path:
    return folder / "published" / f"{id}.json"
