"""wandb-workspaces, imported in one place: its warnings off, and no more of the environment than wandb gets."""

from __future__ import annotations

import warnings

from orchestrator.tracking.environment import only_ours

with warnings.catch_warnings(), only_ours():
    warnings.simplefilter("ignore")  # it declares its models in the way of pydantic 1
    import wandb_workspaces.reports.v2.interface as reports  # its package does not say what it exports
    from wandb_workspaces import expr

__all__ = ["expr", "reports"]
