"""Tasks: from a name such as `glyphs[A-Z]` to the tensors a network trains on.

Names and checks are light; the rest imports torch, and only when it is first asked for, so that planning a
sweep of thousands of runs does not wait for it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from tasks.checks import check
from tasks.names import classes_of, held_out

if TYPE_CHECKING:
    from tasks.augmentation import augment
    from tasks.batches import Batches
    from tasks.data import TaskData, source_data, target_data

__all__ = ["Batches", "TaskData", "augment", "check", "classes_of", "held_out", "source_data", "target_data"]

_NEEDS_TORCH = {
    "Batches": "tasks.batches",
    "TaskData": "tasks.data",
    "augment": "tasks.augmentation",
    "source_data": "tasks.data",
    "target_data": "tasks.data",
}


def __getattr__(name: str) -> Any:
    if name not in _NEEDS_TORCH:
        raise AttributeError(f"module 'tasks' has no attribute {name!r}")
    return getattr(import_module(_NEEDS_TORCH[name]), name)
